"""Each effect: milliseconds a megapixel, on a photograph of 12 megapixels with one face.

    python benchmarks/effects.py [--quick]

The photograph is the demo's face at 4000 x 3000, its face about 800 pixels high. Parsing is
measured once, beside them: effects on one photograph share it. The soft outline of the person,
which the effects on the background need, is counted with each of them. `--quick` is a trial
of the script at a quarter of the side, nothing written.
"""

import argparse
import json
import os
import platform
import statistics
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

import easyportrait

RESULTS = Path(__file__).parents[1] / "results"
ROUNDS = 5


def photograph(height: int) -> np.ndarray:
    """The astronaut enlarged, on a wall as wide as cameras' pictures are, with their grain."""
    image = cv2.resize(easyportrait.demo_image(), (height, height), interpolation=cv2.INTER_CUBIC)
    wall = np.full((height, height * 4 // 3, 3), 128, np.uint8)
    wall[:, :height] = image
    wall[:, height:] = image[:, : height // 3][:, ::-1]
    grain = np.random.default_rng(0).normal(0, 3, wall.shape).astype(np.float32)
    return np.clip(wall + grain, 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    image = photograph(750 if args.quick else 3000)
    megapixels = image.shape[0] * image.shape[1] / 1e6
    net = easyportrait.load()
    parsing = net.parse(image)
    times: dict[str, list[float]] = {}
    for at in range(1 if args.quick else ROUNDS + 1):
        start = time.perf_counter()
        net.parse(image)
        if at:
            times.setdefault("parse", []).append(time.perf_counter() - start)
        for effect in easyportrait.EFFECTS.values():
            fresh = replace(parsing)  # which has not drawn the person's outline yet
            start = time.perf_counter()
            effect(image, fresh)
            if at or args.quick:
                times.setdefault(effect.name, []).append(time.perf_counter() - start)
    found = {
        "ms_a_megapixel": {
            name: round(1e3 * statistics.median(t) / megapixels, 1) for name, t in times.items()
        },
        "megapixels": megapixels,
        "rounds": ROUNDS,
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.processor() or platform.machine(),
    }
    print(json.dumps(found, indent=2))
    if not args.quick:
        (RESULTS / "effects.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
