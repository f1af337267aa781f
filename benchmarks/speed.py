"""A 1080p photograph from file to labels, beside MediaPipe's selfie segmentation.

    python benchmarks/speed.py --peer-python MEDIAPIPE_ENV/bin/python

Both read the same JPEG and end with a full-size mask in memory. They take turns in one
run, so that a busy machine is busy for both; medians are compared. The photograph is the
demo's face in a frame of 1920 x 1080. MediaPipe gives one class, we nine.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from easyportrait.assets import DEMO

RESULTS = Path(__file__).parents[1] / "results"
ROUNDS = 40

PEER = """
import sys, time, cv2, mediapipe
net = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)
for line in sys.stdin:
    start = time.perf_counter()
    picture = cv2.cvtColor(cv2.imread(line.strip()), cv2.COLOR_BGR2RGB)
    mask = net.process(picture).segmentation_mask > 0.5
    print("ms", 1e3 * (time.perf_counter() - start), mask.shape, flush=True)
"""


def photograph(path: Path) -> None:
    """The astronaut at 1080 pixels high on a blurred wall of herself, 1920 wide."""
    image = cv2.resize(cv2.imread(str(DEMO)), (1080, 1080), interpolation=cv2.INTER_CUBIC)
    wall = cv2.GaussianBlur(cv2.resize(image[:200], (1920, 1080)), (0, 0), 40)
    wall[:, 420:1500] = image
    grain = np.random.default_rng(0).normal(0, 4, wall.shape)  # as cameras make it
    cv2.imwrite(str(path), np.clip(wall + grain, 0, 255).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", type=Path, required=True)
    args = parser.parse_args()
    import easyportrait
    from easyportrait.image.io import read_image

    net = easyportrait.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        photograph(path)
        peer = subprocess.Popen(
            [str(args.peer_python), "-c", PEER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert peer.stdin and peer.stdout

        def theirs() -> float:
            peer.stdin.write(f"{path}\n")
            peer.stdin.flush()
            return next(float(line.split()[1]) for line in peer.stdout if line.startswith("ms "))

        def ours(looks: int) -> float:
            start = time.perf_counter()
            parsing = easyportrait.parse(path, model=net, looks=looks)
            assert parsing.labels.shape == (1080, 1920)
            return 1e3 * (time.perf_counter() - start)

        def reading() -> float:
            start = time.perf_counter()
            read_image(path)
            return 1e3 * (time.perf_counter() - start)

        kinds = {
            "mediapipe_ms": theirs,
            "parse_two_looks_ms": lambda: ours(2),
            "parse_one_look_ms": lambda: ours(1),
            "reading_ms": reading,
        }
        for _ in range(4):
            for measure in kinds.values():
                measure()
        times: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(ROUNDS):
            for name, measure in kinds.items():
                times[name].append(measure())
        peer.kill()
        faces = len(easyportrait.parse(path, model=net).faces)
    row: dict[str, object] = {name: round(statistics.median(t), 1) for name, t in times.items()}
    row["two_looks_over_mediapipe"] = round(
        statistics.median(times["parse_two_looks_ms"]) / statistics.median(times["mediapipe_ms"]), 2
    )
    row |= {"faces": faces, "rounds": ROUNDS, "cores": len(os.sched_getaffinity(0)),
            "machine": platform.processor() or platform.machine()}  # fmt: skip
    print(json.dumps(row, indent=2))
    (RESULTS / "speed.json").write_text(json.dumps(row, indent=2) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
