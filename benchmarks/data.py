"""Pictures a second of `data verify`, `stats` and `build`, beside plain loops, and their memory.

    python benchmarks/data.py [--pictures 2000] [--rounds 2]

Made pictures, 960 x 540, with masks of nine classes, in the layout of v1 as folders; their
table has 20,000 rows, those of the missing pictures in a split that is not there. Each
command runs as people run it, with its reports, and is timed from start to end.

A plain loop is what one writes with Pillow and NumPy in an afternoon: one process, a pair of
files after the other. Loops are timed without their imports, on a part of the same pictures,
and take turns with the commands. What each does:

    verify   both files decoded; picture turned by EXIF and made RGB; mean luma; perceptual
             hash (ImageHash); mask's values counted; sizes and values compared with the
             table. Not: specks, holes, sides, near-duplicates, which `verify` looks for.
    stats    the same without the hash and table; of the mask, the box of the face, where
             eyes and lips are, roll and yaw. Not: a second face, distributions, splits.
    build    as verify, the variance of the Laplacian for sharpness, and both files copied
             into zips. Not: splits by strata, near-duplicates. (`build` looks for no faces
             here, --min-face 0: these are none that a net would know.)

Peak memory is the most that a command and all its children had resident together, by
looking every 20 ms; pages that they share count for each.
"""

import argparse
import csv
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from easyportrait.image.io import encode

RESULTS = Path(__file__).parents[1] / "results"
WIDTH, HEIGHT = 960, 540
ROWS = 20_000
LOOPED = 500  # pictures of a plain loop
COLOURS = np.array(
    [[0, 0, 0], [60, 90, 120], [200, 160, 140], [50, 40, 45], [50, 40, 45],
     [230, 230, 235], [230, 230, 235], [180, 80, 90], [245, 240, 225]], np.int16,
)  # fmt: skip


# -- made pictures -------------------------------------------------------------------------


def drawn_mask(rng: np.random.Generator) -> np.ndarray:
    """Someone somewhere in the frame, a little tilted."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    x, y = rng.integers(WIDTH // 4, 3 * WIDTH // 4), rng.integers(200, 300)
    s, tilt = rng.uniform(1.2, 2.6), rng.normal(0, 10)
    turn = np.array([[np.cos(np.radians(tilt)), -np.sin(np.radians(tilt))],
                     [np.sin(np.radians(tilt)), np.cos(np.radians(tilt))]])  # fmt: skip

    def oval(index: int, dx: float, dy: float, rx: float, ry: float) -> None:
        px, py = turn @ (dx * s, dy * s) + (x, y)
        cv2.ellipse(
            mask, (round(px), round(py)), (round(rx * s), round(ry * s)), tilt, 0, 360, index, -1
        )

    oval(1, 0, 90, 62, 60)
    oval(1, 0, -8, 40, 50)
    oval(2, 0, 0, 30, 40)
    for side, brow, eye in ((-1, 3, 5), (1, 4, 6)):
        oval(brow, side * 13, -18, 9, 3)
        oval(eye, side * 13, -8, 7, 4)
    oval(7, 0, 20, 13, 7)
    if rng.random() < 0.6:
        oval(8, 0, 20, 8, 3)
    return mask


def drawn(i: int, grain: np.ndarray) -> tuple[bytes, bytes]:
    """(JPEG, PNG) of a picture like no other, and its mask."""
    rng = np.random.default_rng(i)
    mask = drawn_mask(rng)
    wall = cv2.resize(
        rng.integers(20, 236, (5, 8, 3), dtype=np.uint8),
        (WIDTH, HEIGHT),
        interpolation=cv2.INTER_CUBIC,
    )
    picture = np.where(mask[..., None] > 0, COLOURS[mask], wall) * rng.uniform(0.6, 1.05)
    picture = picture + np.roll(grain, rng.integers(0, 5000))
    return encode(np.clip(picture, 0, 255).astype(np.uint8), ".jpg"), encode(mask, ".png")


def make(folder: Path, pictures: int) -> tuple[Path, Path]:
    """A dataset of v1, and the same pictures flat, as one has them before there is a dataset."""
    from easyportrait.data.files import File
    from easyportrait.data.layout import V1, Entry, write_dataset
    from easyportrait.data.meta import completed
    from easyportrait.data.pool import on_all_cores

    source, root = folder / "source", folder / "dataset"
    for kind in ("images", "masks"):
        (source / kind).mkdir(parents=True)
    grain = np.random.default_rng(0).normal(0, 5, (HEIGHT, WIDTH, 3)).astype(np.float32)

    def entry(i: int) -> Entry:
        image, mask = source / "images" / f"p{i:05}.jpg", source / "masks" / f"p{i:05}.png"
        for path, data in zip((image, mask), drawn(i, grain), strict=True):
            path.write_bytes(data)
        row = {
            "name": f"p{i:05}",
            "user": f"u{i // 2:05}",
            "split": "val" if i % 8 < 2 else "train",
        }
        return Entry(
            row["name"], row["split"], File(image), File(mask), completed(row, File(image))
        )

    entries = [made for _, made in on_all_cores(entry, range(pictures))]
    write_dataset(entries, root, V1, archives=False)
    table = root / "annotations" / "meta.csv"
    rows = list(csv.DictReader(table.open()))
    rows += [rows[i % pictures] | {"attachment_id": f"q{i:05}", "user_id": f"w{i // 2:05}",
                                   "train": "False", "valid": "False", "test": "True"}
             for i in range(ROWS - pictures)]  # fmt: skip
    write_table(table, rows)
    write_table(source / "users.csv", [{"name": e.name, "user": e.meta["user"]} for e in entries])
    return root, source


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)


# -- plain loops ---------------------------------------------------------------------------


def pairs(root: Path) -> Iterator[tuple[Path, Path]]:
    """Some pictures with their masks, by name."""
    for image in sorted(root.glob("images/**/*.jpg"))[:LOOPED]:
        kind = "masks" if (root / "masks").exists() else "annotations"
        yield image, Path(str(image).replace("/images/", f"/{kind}/")).with_suffix(".png")


def decoded(image: Path, mask: Path) -> tuple[object, np.ndarray, np.ndarray]:
    """The picture, its pixels and the mask's, by Pillow."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(Image.open(image)).convert("RGB")
    return picture, np.asarray(picture), np.asarray(Image.open(mask))


def plain_verify(root: Path) -> int:
    import imagehash

    rows = {
        row["attachment_id"]: row for row in csv.DictReader((root / "annotations/meta.csv").open())
    }
    wrong = 0
    for image, path in pairs(root):
        picture, pixels, mask = decoded(image, path)
        row = rows[image.stem]
        luma = np.asarray(picture.convert("L")).mean()
        hash_ = imagehash.hex_to_hash(row["data_hash"])
        counts = np.bincount(mask.ravel(), minlength=256)
        wrong += (
            pixels.shape[:2] != mask.shape
            or [*map(str, picture.size)] != [row["width"], row["height"]]
            or abs(luma - float(row["brightness"])) > 2
            or imagehash.phash(picture) - hash_ > 4
            or counts[9:].any()
            or not counts[1:].any()
        )
    return int(wrong)


def plain_stats(root: Path) -> list[object]:
    rows = []
    for image, path in pairs(root):
        picture, pixels, mask = decoded(image, path)
        assert pixels.shape[:2] == mask.shape
        counts = np.bincount(mask.ravel(), minlength=256)
        luma = np.asarray(picture.convert("L")).mean()
        ys, xs = np.nonzero((mask >= 2) & (mask <= 8))
        middle = {part: [n.mean() for n in np.nonzero(mask == part)] for part in (5, 6, 7)}
        (y0, x0), (y1, x1), (_, x2) = middle.values()
        roll = np.degrees(np.arctan2(y1 - y0, x1 - x0))
        across = ((x0 + x1) / 2 + x2) / 2 - (xs.min() + xs.max()) / 2
        yaw = np.degrees(np.arcsin(np.clip(across / ((xs.max() - xs.min()) / 2), -1, 1)))
        rows.append(
            (picture.size, luma, counts[:9], (ys.max() - ys.min()) / mask.shape[0], roll, yaw)
        )
    return rows


def plain_build(root: Path) -> list[object]:
    import imagehash

    rows = []
    with (
        zipfile.ZipFile(root / "plain-i.zip", "w") as images,
        zipfile.ZipFile(root / "plain-m.zip", "w") as masks,
    ):
        for image, path in pairs(root):
            picture, pixels, mask = decoded(image, path)
            grey = np.asarray(picture.convert("L"))
            assert (
                pixels.shape[:2] == mask.shape
                and np.bincount(mask.ravel(), minlength=256)[9:].sum() == 0
            )
            rows.append(
                (
                    imagehash.phash(picture),
                    picture.size,
                    grey.mean(),
                    cv2.Laplacian(grey, cv2.CV_32F).var(),
                )
            )
            images.write(image, image.name)
            masks.write(path, path.name)
    return rows


LOOPS: dict[str, Callable[[Path], object]] = {
    "verify": plain_verify,
    "stats": plain_stats,
    "build": plain_build,
}


def loop(name: str, root: Path) -> None:
    import imagehash  # noqa: F401  (and SciPy: not part of the time)
    from PIL import Image

    Image.init()
    cv2.setNumThreads(1)
    start = time.perf_counter()
    LOOPS[name](root)
    print(len([*pairs(root)]) / (time.perf_counter() - start))


# -- measuring -----------------------------------------------------------------------------


def resident(pid: int) -> int:
    """Bytes that a process and all its children have in memory."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(
                int(path.parent.name)
            )
        except OSError:
            continue  # it has gone
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        todo += parents.get(one, [])
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * os.sysconf("SC_PAGE_SIZE")


def timed(args: list[object]) -> tuple[float, float]:
    """Seconds, and peak MB, of one run of a command."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        run = subprocess.Popen(
            [sys.executable, "-m", "easyportrait", *map(str, args)], stdout=said, stderr=said
        )
        peak, done = 0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.02):
                peak = max(peak, resident(run.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        run.wait()
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
        said.seek(0)
        assert run.returncode == 0, said.read().decode()
    return seconds, peak / 1e6


def plain(name: str, root: Path) -> float:
    """Pictures a second of a loop."""
    args = [sys.executable, __file__, "--loop", name, str(root)]
    return float(subprocess.run(args, capture_output=True, text=True, check=True).stdout)


def measure(root: Path, source: Path, pictures: int, rounds: int) -> dict[str, dict[str, float]]:
    out = root.parent / "out"
    jobs: dict[str, tuple[list[object], Path]] = {
        "verify": (
            ["data", "verify", root, "--html", out / "v.html", "--json", out / "v.json"],
            root,
        ),
        "stats": (
            ["data", "stats", root, "--html", out / "s.html", "--json", out / "s.json"],
            root,
        ),
    }
    if importlib.util.find_spec("easyportrait.data.build"):
        args = [
            "data",
            "build",
            source,
            "-o",
            out / "b",
            "--users",
            source / "users.csv",
            "--min-face",
            0,
        ]
        jobs["build"] = (args, source)
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, (args, where) in jobs.items():
            rate = plain(name, where)
            shutil.rmtree(out, ignore_errors=True)
            seconds, peak = timed(args)
            found[name].append((pictures / seconds, rate, peak))
            print(name, json.dumps(found[name][-1]), flush=True)
    rows = {}
    for name, runs in found.items():
        ours, theirs = (statistics.median(run[i] for run in runs) for i in (0, 1))
        rows[name] = {
            "pictures_per_s": round(ours, 1),
            "plain_per_s": round(theirs, 1),
            "times_plain": round(statistics.median(run[0] / run[1] for run in runs), 2),
            "peak_mb": round(max(run[2] for run in runs)),
        }
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--loop", nargs=2, metavar=("NAME", "DIR"))
    parser.add_argument("--dry", action="store_true", help="write no results")
    args = parser.parse_args()
    if args.loop:
        return loop(args.loop[0], Path(args.loop[1]))
    with tempfile.TemporaryDirectory() as folder:
        root, source = make(Path(folder), args.pictures)
        commands = measure(root, source, args.pictures, args.rounds)
    row = {"pictures": args.pictures, "width": WIDTH, "height": HEIGHT, "rows": ROWS,
           "rounds": args.rounds, "cores": len(os.sched_getaffinity(0)), "commands": commands}  # fmt: skip
    print(json.dumps(row, indent=2))
    if not args.dry:
        (RESULTS / "data.json").write_text(json.dumps(row, indent=2) + "\n")


if __name__ == "__main__":
    main()
