"""IoU of each class of a model file, with one look and with two, on two sets.

    python benchmarks/scores.py MODEL --portraits DIR --outlined DIR [--card]

`--portraits` is the folder that was trained on: its val split is scored, against masks
that other models made. `--outlined` are faces drawn by hand, never trained on.
"""

import argparse
import json
from pathlib import Path

from easyportrait.core import load
from easyportrait.data.portraits import PortraitFolder
from easyportrait.evaluate.run import evaluate
from easyportrait.models.catalog import find_model

RESULTS = Path(__file__).parents[1] / "results"
FIVE = ("left_brow", "right_brow", "left_eye", "right_eye", "lips")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--outlined", type=Path, required=True)
    parser.add_argument("--card", action="store_true")
    parser.add_argument("--looks", type=int, nargs="+", default=[1, 2], choices=(1, 2))
    parser.add_argument("--trained", default="", help="how long, on what: for the table of nets")
    args = parser.parse_args()
    sets = {
        "outlined": PortraitFolder(args.outlined),
        "portraits-val": PortraitFolder(args.portraits, "val"),
    }
    net = load(args.model, threads=1)  # a picture a core
    rows = {}
    for name, folder in sets.items():
        for looks in args.looks:
            found = evaluate(net, folder, looks=looks)
            for failure in found.failures:
                raise SystemExit(f"{name} is not whole: {failure}")
            row = {"iou": found.iou, "mean": found.mean, "pictures": found.pictures}
            if name == "outlined":
                row["five"] = sum(row["iou"][part] for part in FIVE) / len(FIVE)
            rows[f"{name}, looks {looks}"] = row
            print(name, looks, json.dumps(row))
    path = RESULTS / f"{find_model(args.model).stem}.json"
    path.write_text(
        json.dumps(
            {
                "model": f"{net.card.name} {net.card.version}",
                "trained": args.trained,
                "looks": [net.card.frame_side, net.card.face_side],
                "sets": rows,
            },
            indent=2,
        )
        + "\n"
    )
    if args.card:
        from easyportrait.models.onnxfile import rewrite_card

        scores = {
            name: {part: round(value, 4) for part, value in row["iou"].items()}
            | {"mean": round(row["mean"], 4)}
            for name, row in rows.items()
        }
        rewrite_card(find_model(args.model), scores=scores)


if __name__ == "__main__":
    main()
