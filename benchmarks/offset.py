"""Where the parts of a set's masks lie, against where a net sees them.

    python benchmarks/offset.py embedded --portraits DIR

The labels of the val split are laid back over its masks moved by fractions of a pixel;
each part agrees best where the masks have it. A net trained on pictures and their mirror
images alike sees no part too far to one side, so what is found across is the masks' own.
The same on the pictures mirrored must come out mirrored.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from easyportrait.core import load
from easyportrait.data.portraits import Portrait, PortraitFolder
from easyportrait.models.parser import Parser
from easyportrait.parsing import Parsing
from easyportrait.taxonomy import CLASSES, IGNORE

RESULTS = Path(__file__).parents[1] / "results"
STEPS = (-0.5, -0.25, 0.0, 0.25, 0.5, 0.75)
PARTS = ("left_brow", "right_brow", "left_eye", "right_eye", "lips", "teeth")


def moved(parsing: Parsing, dx: float, dy: float) -> np.ndarray:
    """Its labels, were every face's look `dx` pixels further right and `dy` further down."""
    looks = tuple(
        replace(look, left=look.left + dx, top=look.top + dy) for look in parsing.face_looks
    )
    return replace(parsing, face_looks=looks).labels


def mirrored(portrait: Portrait) -> Portrait:
    image = np.ascontiguousarray(portrait.image[:, ::-1])
    return replace(portrait, image=image, mask=CLASSES.flip(portrait.mask))


def measure(net: Parser, folder: PortraitFolder, mirror: bool) -> dict[str, dict[str, float]]:
    """By "dx, dy", the IoU of each part."""
    places = [(step, 0.0) for step in STEPS] + [(0.0, step) for step in STEPS if step]
    places += [(-0.5, 0.5)] if mirror else [(0.5, 0.5)]
    counts = {place: np.zeros((len(PARTS), 2), np.int64) for place in places}
    for portrait in folder:
        if mirror:
            portrait = mirrored(portrait)
        parsing = net.parse(portrait.image)
        known = portrait.mask != IGNORE
        for place in places:
            labels = moved(parsing, *place)
            for k, name in enumerate(PARTS):
                ours, theirs = (
                    (labels == CLASSES.index(name)) & known,
                    portrait.mask == CLASSES.index(name),
                )
                counts[place][k] += (ours & theirs).sum(), (ours | theirs).sum()
    return {
        f"{dx:g}, {dy:g}": {
            name: round(float(both / either), 4)
            for name, (both, either) in zip(PARTS, counts[dx, dy], strict=True)
        }
        for dx, dy in places
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--portraits", type=Path, required=True)
    args = parser.parse_args()
    net, folder = load(args.model), PortraitFolder(args.portraits, "val")
    rows = {
        "as they are": measure(net, folder, mirror=False),
        "mirrored": measure(net, folder, mirror=True),
    }
    for name, row in rows.items():
        for place, scores in row.items():
            print(f"{name:12s} {place:12s}", json.dumps(scores))
    card = net.card
    note = {"model": f"{card.name} {card.version}", "iou_by_dx_dy": rows}
    (RESULTS / "offset.json").write_text(json.dumps(note, indent=1) + "\n")


if __name__ == "__main__":
    main()
