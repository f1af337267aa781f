"""How the cost of a photograph grows: with its size, the faces in it, and cores.

    python benchmarks/growth.py [--quick]

From a file's bytes to labels of the full size, and to a cutout, each a process's own threads:

- size: the demo's face in pictures of 0.3 to 48 megapixels.
- faces: 0 to 12 of her side by side, in 12 megapixels.
- cores: 1 and all, in 2 megapixels: one picture's time, and pictures a second when each core
  does its own.

`--quick` is a trial of the script: one round, the least and the most of each, nothing written.
"""

import argparse
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import easyportrait

RESULTS = Path(__file__).parents[1] / "results"
SIZES = (0.3, 1.0, 2.0, 6.0, 12.0, 24.0, 48.0)
FACES = (0, 1, 2, 4, 8, 12)
ROUNDS = 5


def portrait(megapixels: float, faces: int = 1) -> bytes:
    """The demo's face, as often as wished, in a JPEG of 4 : 3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = height * 4 // 3
    picture = np.full((height, width, 3), 140, np.uint8)
    if faces:
        across = int(np.ceil(np.sqrt(faces * 4 / 3)))
        side = min(width // across, height // -(-faces // across))
        face = cv2.resize(head() if faces > 1 else easyportrait.demo_image(), (side, side))
        for at in range(faces):
            top, left = at // across * side, at % across * side
            picture[top : top + side, left : left + side] = face
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@cache
def head() -> np.ndarray:
    """The demo's head: much smaller faces than these are not found in a crowd."""
    image = easyportrait.demo_image()
    (x, y), side = easyportrait.parse(image).faces[0].box.centre, 240
    top, left = max(0, round(y - side / 2)), max(0, round(x - side / 2))
    return image[top : top + side, left : left + side]


def timed(data: bytes, net: easyportrait.Parser, rounds: int) -> dict[str, object]:
    """Milliseconds, medians."""
    times: dict[str, list[float]] = {"labels_ms": [], "cutout_ms": []}
    found = 0
    for at in range(rounds + 1):
        begun = time.perf_counter()
        parsing = easyportrait.parse(data, model=net)
        parsing.labels  # noqa: B018
        between = time.perf_counter()
        parsing.cutout()
        ended = time.perf_counter()
        found = len(parsing.faces)
        if at:
            times["labels_ms"].append(1e3 * (between - begun))
            times["cutout_ms"].append(1e3 * (ended - between))
    return {name: round(statistics.median(t), 1) for name, t in times.items()} | {"found": found}


CHILD = """
import sys, time, pathlib, easyportrait, cv2
cv2.setNumThreads(1)
data, seconds = pathlib.Path(sys.argv[1]).read_bytes(), float(sys.argv[2])
net = easyportrait.load(threads=1)
easyportrait.parse(data, model=net).labels
end, done = time.monotonic() + seconds, 0
while time.monotonic() < end:
    easyportrait.parse(data, model=net).labels
    done += 1
print(done / seconds)
"""


def rate(path: Path, processes: int, seconds: float) -> float:
    """Pictures a second of so many processes of one thread."""
    command = [sys.executable, "-c", CHILD, str(path), str(seconds)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    return round(sum(float(process.communicate()[0]) for process in running), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    rounds = 1 if args.quick else ROUNDS
    sizes = (SIZES[0], SIZES[2]) if args.quick else SIZES
    faces = (FACES[0], FACES[-1]) if args.quick else FACES
    net, cores = easyportrait.load(), len(os.sched_getaffinity(0))
    found: dict[str, object] = {
        "size": {f"{mp:g} MP": timed(portrait(mp), net, rounds) for mp in sizes},
        "faces": {str(n): timed(portrait(12, n), net, rounds) for n in faces},
    }
    path = RESULTS.parent / ".growth.jpg"
    try:
        path.write_bytes(portrait(2))
        seconds = 2 if args.quick else 10
        one = timed(path.read_bytes(), easyportrait.load(threads=1), rounds)["labels_ms"]
        every = timed(path.read_bytes(), net, rounds)["labels_ms"]
        found["cores"] = {
            "one picture, ms": {"1": one, str(cores): every},
            "pictures a second": {str(n): rate(path, n, seconds) for n in (1, cores)},
        }
    finally:
        path.unlink(missing_ok=True)
    found |= {"rounds": rounds, "machine": platform.processor() or platform.machine()}
    print(json.dumps(found, indent=2))
    if not args.quick:
        (RESULTS / "growth.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
