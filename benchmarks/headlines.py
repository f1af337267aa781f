"""What the main jobs cost, against a ruler, and whether a change made one slower.

    python benchmarks/headlines.py [--write]

The ruler is work of the same kind that is none of ours: Pillow decodes the photograph, OpenCV
blurs it, NumPy multiplies two matrices. Each job takes turns with it, in processor time of all
threads, and the best of each counts: what else the machine does changes that least. Jobs that
cost over `SLOWER` times what `results/headlines.json` says are marked; nothing fails for it.
`--write` writes that file.
"""

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import easyportrait
from easyportrait.errors import MissingExtra
from easyportrait.video.read import VideoInfo

KEPT = Path(__file__).parents[1] / "results" / "headlines.json"
SLOWER = 1.15
ROUNDS = 10


def photograph() -> np.ndarray:
    """The demo's face in a frame of 1920 x 1080, in a camera's grain."""
    face = cv2.resize(easyportrait.demo_image(), (1080, 1080), interpolation=cv2.INTER_CUBIC)
    frame = np.full((1080, 1920, 3), 140, np.uint8)
    frame[:, 420:1500] = face
    grain = np.random.default_rng(0).normal(0, 3, frame.shape)
    return np.clip(frame + grain, 0, 255).astype(np.uint8)


def as_jpeg(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def ruler(data: bytes) -> Callable[[], object]:
    matrix = np.random.default_rng(1).normal(size=(640, 640)).astype(np.float32)

    def measure() -> object:
        picture = np.asarray(Image.open(io.BytesIO(data)))
        return cv2.GaussianBlur(picture, (0, 0), 5), matrix @ matrix

    return measure


def jobs(image: np.ndarray, data: bytes, folder: Path) -> dict[str, Callable[[], object]]:
    """By name, what is measured."""
    net = easyportrait.load()
    parsing = net.parse(image)

    def effect(**wish: object) -> Callable[[], object]:
        return lambda: easyportrait.apply(replace(parsing), **wish)

    return {
        "parse, one look": lambda: easyportrait.parse(data, model=net, looks=1).labels,
        "parse, two looks": lambda: easyportrait.parse(data, model=net).labels,
        "cutout": lambda: replace(parsing).cutout(),
        "background blurred": effect(background="blur"),
        "skin smoothed": effect(smooth_skin=0.5),
        "teeth whitened": effect(whiten_teeth=0.6),
        "eyes coloured": effect(eye_color="green"),
        "light shaped": effect(shape_light=0.5),
        **of_video(image, folder),
    }


def of_video(image: np.ndarray, folder: Path) -> dict[str, Callable[[], object]]:
    """Nothing without the extra."""
    small = cv2.resize(image, (640, 360), interpolation=cv2.INTER_AREA)
    film, info = folder / "film.mp4", VideoInfo(width=640, height=360)
    try:
        with easyportrait.write_video(film, info) as writer:
            for at in range(8):
                writer.write(small, at / 25, 1 / 25)
    except MissingExtra:
        return {}
    out = folder / "out.mp4"
    blur = partial(easyportrait.apply_to_video, film, out, background="blur", force=True)
    return {"video, 8 frames": blur}


def cost(job: Callable[[], object], measure: Callable[[], object]) -> float:
    """How many times as much processor time as the ruler a job takes, each at its best."""
    own, rulers = [], []
    for _ in range(ROUNDS):
        begun = time.process_time()
        measure()
        between = time.process_time()
        job()
        own.append(time.process_time() - between)
        rulers.append(between - begun)
    return min(own) / min(rulers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    image = photograph()
    data = as_jpeg(image)
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        measure = ruler(data)
        found = {name: cost(job, measure) for name, job in jobs(image, data, Path(folder)).items()}
    print(f"{'':22}  times the ruler   before")
    slower = []
    for name, now in found.items():
        before = kept.get(name)
        is_slower = before is not None and now > SLOWER * before
        slower += [name] * is_slower
        mark = f"  SLOWER by {now / before - 1:.0%}" if is_slower else ""
        print(f"{name:22}  {now:15.2f}   {'-' if before is None else f'{before:.2f}'}{mark}")
    if slower:
        print(f"slower by over {SLOWER - 1:.0%}: {', '.join(slower)}", file=sys.stderr)
    if args.write:
        rounded = {name: round(value, 2) for name, value in found.items()}
        KEPT.write_text(json.dumps(rounded, indent=2) + "\n")


if __name__ == "__main__":
    main()
