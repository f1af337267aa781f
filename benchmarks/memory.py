"""Peak memory of parsing and cutting out a photograph of 48 megapixels.

    python benchmarks/memory.py

The photograph is the demo's, enlarged to 8000 x 6000 and saved as JPEG; it is read,
parsed with two looks, labelled and cut out in a process of its own, whose peak resident
size is read from the kernel.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

from easyportrait.assets import DEMO

RESULTS = Path(__file__).parents[1] / "results"


def child(path: str) -> None:
    import easyportrait

    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    parsing = easyportrait.parse(path)
    assert parsing.labels.shape == (6000, 8000)
    parsed = peak()
    assert parsing.cutout().shape == (6000, 8000, 4)
    print(json.dumps({"megapixels": 48, "parsed_mb": parsed, "cut_out_mb": peak()}))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jpg"
        image = cv2.resize(cv2.imread(str(DEMO)), (8000, 6000), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(path), image)
        done = subprocess.run(
            [sys.executable, __file__, str(path)], capture_output=True, text=True, check=True
        )
    print(done.stdout.strip())
    (RESULTS / "memory.json").write_text(json.dumps(json.loads(done.stdout), indent=2) + "\n")


if __name__ == "__main__":
    child(sys.argv[1]) if len(sys.argv) > 1 else main()
