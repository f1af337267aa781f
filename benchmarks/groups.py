"""Whom the embedded net suits more or less: its scores by kind of picture.

    python benchmarks/groups.py --portraits DIR

What `easyportrait evaluate embedded-int8 --data DIR --split val` says by light, by how light the
skin is, by the face's size and by how far it is turned, with 95 % intervals over pictures.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"
KINDS = ("skin_luma", "brightness", "face_height", "yaw")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.json"
        words = ["embedded-int8", "--data", str(args.portraits), "--split", "val", "-o", str(path)]
        subprocess.run([sys.executable, "-m", "easyportrait", "evaluate", *words], check=True)
        found = json.loads(path.read_text())
    kept = {
        kind: {
            "label": f"{found['groups'][kind]['label']}: {found['groups'][kind]['unit']}",
            "groups": [
                {"name": group["name"], "pictures": group["pictures"], **group["overall"]["miou"]}
                for group in found["groups"][kind]["groups"]
            ],
        }
        for kind in KINDS
    }
    (RESULTS / "groups.json").write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    main()
