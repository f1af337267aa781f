"""A 720p film with its background blurred, beside MediaPipe's selfie segmentation doing it.

    python benchmarks/video.py --peer-python MEDIAPIPE_ENV/bin/python

From file to file: 6 seconds of the demo's face that sways and breathes in a camera's grain,
H.264 in and out with the same encoder and settings. The peer is the usual loop: decode, mask,
Gaussian blur, mix, encode. They take turns in one run; medians of frames a second are
compared. MediaPipe gives one class, we nine, and a lens's blur. The peer's environment needs
PyAV too (`pip install av`).

And how calm the masks are: `unrest` of labels and of the soft person in still pixels, of a
film in which nothing moves but the grain, with steadying and without.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

import easyportrait
from easyportrait.evaluate.flicker import unrest
from easyportrait.parsing import Parsing
from easyportrait.video.steady import Steady

RESULTS = Path(__file__).parents[1] / "results"
WIDTH, HEIGHT, RATE, SECONDS, ROUNDS = 1280, 720, 25, 6, 3
EVERY = (1, 2, 3)

PEER = """
import sys, time, av, cv2, numpy as np, mediapipe
net = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=1)
for line in sys.stdin:
    source, target = line.split()
    start, frames = time.perf_counter(), 0
    with av.open(source) as film, av.open(target, "w") as out:
        shown = film.streams.video[0]
        shown.thread_type = "AUTO"
        stream = out.add_stream("libx264", rate=shown.average_rate)
        stream.width, stream.height, stream.pix_fmt = shown.width, shown.height, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "18"}
        for frame in film.decode(shown):
            image = frame.to_ndarray(format="rgb24")
            mask = net.process(image).segmentation_mask[..., None]
            blurred = cv2.GaussianBlur(image, (55, 55), 0)
            mixed = (mask * image + (1 - mask) * blurred).astype(np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(mixed, format="rgb24")):
                out.mux(packet)
            frames += 1
        for packet in stream.encode():
            out.mux(packet)
    print("fps", frames / (time.perf_counter() - start), flush=True)
"""


def pictures(still: bool) -> Iterator[np.ndarray]:
    """The astronaut at 720 pixels high on a wall; swaying, unless still; always in grain."""
    rng = np.random.default_rng(0)
    person = cv2.resize(easyportrait.demo_image(), (HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
    wall = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    wall[:, 280 : 280 + HEIGHT] = person
    wall[:, :280], wall[:, 280 + HEIGHT :] = person[:, :1], person[:, -1:]
    for at in range(RATE * SECONDS):
        t = 0 if still else 2 * np.pi * at / (RATE * 3)
        turn = cv2.getRotationMatrix2D(
            (WIDTH / 2, HEIGHT), 2 * np.sin(t), 1.1 + 0.02 * np.sin(2 * t)
        )
        frame = cv2.warpAffine(wall, turn, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        yield np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8)


def film(path: Path, still: bool = False) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "20"}
        for image in pictures(still):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode())


def calm(path: Path, steadied: bool) -> dict[str, float]:
    """Unrest of a still film."""
    net, steady = easyportrait.load(), Steady(1.0 if steadied else 0.0)

    def answers() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        with easyportrait.read_video(path) as video:
            for frame in video:
                parsing: Parsing = steady(net.parse(frame.image))
                yield frame.image, parsing.labels, parsing.person

    found = unrest(answers())
    return {"labels": round(found.labels, 6), "person": round(found.person, 6)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", type=Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, still = Path(folder) / "film.mp4", Path(folder) / "still.mp4"
        film(source)
        film(still, still=True)
        peer = subprocess.Popen(
            [str(args.peer_python), "-c", PEER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert peer.stdin and peer.stdout

        def theirs() -> float:
            peer.stdin.write(f"{source} {folder}/theirs.mp4\n")
            peer.stdin.flush()
            return next(float(x.split()[1]) for x in peer.stdout if x.startswith("fps "))

        def ours(every: int) -> float:
            start = time.perf_counter()
            done = easyportrait.apply_to_video(
                source, Path(folder) / "ours.mp4", every=every, background="blur", force=True
            )
            return done.frames / (time.perf_counter() - start)

        fps: dict[str, list[float]] = {}
        for at in range(ROUNDS + 1):
            rates = {"mediapipe": theirs()} | {f"ours, every {k}": ours(k) for k in EVERY}
            for name, rate in rates.items() if at else ():
                fps.setdefault(name, []).append(rate)
        peer.kill()
        found = {
            "fps": {name: round(statistics.median(rates), 1) for name, rates in fps.items()},
            "unrest_of_a_still_film": {
                "as the net says": calm(still, steadied=False),
                "steadied": calm(still, steadied=True),
            },
        }
    peer_rate = found["fps"]["mediapipe"]
    found |= {
        "over_mediapipe": {k: round(v / peer_rate, 2) for k, v in found["fps"].items()},
        "rounds": ROUNDS,
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.processor() or platform.machine(),
    }
    print(json.dumps(found, indent=2))
    (RESULTS / "video.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
