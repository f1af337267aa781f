"""COCO: one JSON file of instances a split, as pycocotools and detectron2 read it.

    annotations/instances_<split>.json
    <split>/NAME.jpg

Written: an annotation for each class of a picture, as compressed run-length encoding, with
our index as category; background is what no annotation covers. What is not known is a
crowd (`iscrowd`: 1, left out by scorers) of the category "unknown", 255. Which user a
picture is of, its hash and its brightness are keys of its row in `images`. Or, for tools in
which people correct outlines: an annotation for each connected piece, as a polygon that
goes on under what lies over it (layers.py).

Read: also instances_train2017.json and the like, <split>.json, and _annotations.coco.json
in a folder named for a split; pictures beside the JSON, in images/ or in a folder named for
the split. Categories count as the class of ours that has their very name, or that a table
(table.py) gives them; any other is 255. Segmentations are run-lengths, compressed or not,
or polygons.

Where annotations overlap, `layers.PRECEDENCE` decides. What no annotation covers is
background if there is a category `person`; else nobody said so: 255.
"""

import json
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np

from ...errors import BadInput
from ...image.io import MAX_PIXELS
from ...taxonomy import CLASSES, IGNORE, Mask
from ..files import File
from . import polygons, rle
from .layers import Patch, Shape, checked, outlines, painted
from .pairs import SPLIT_WORDS
from .samples import Found, How, Labelled, Notes, Writer
from .streamed import parsed, part, pieces
from .table import UNKNOWN, Legend, read_class_table, value_of

EXTRAS = ("user", "hash", "brightness")  # of meta.py's schema, beside what COCO has itself


# -- reading -------------------------------------------------------------------------------


@dataclass(slots=True)
class Instances:
    """One JSON file: its pictures, and where in it, not what, their annotations are.

    Attributes:
        places: for each picture's id, from and to which byte each annotation lies.
        values: for each category's id, our mask value.
        names: for each category's id, what it is called there.
    """

    path: Path
    split: str
    images: dict[int, dict[str, Any]] = field(default_factory=dict)
    places: "dict[int, array[int]]" = field(default_factory=dict)
    values: dict[int, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    @property
    def uncovered(self) -> int:
        """The mask value of pixels without an annotation."""
        return Legend({self.names[id_]: value for id_, value in self.values.items()}).uncovered


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Raises:
    BadInput: there is no such JSON file, or one is damaged or lacks what COCO needs.
    """
    table = read_class_table(how.table) if how.table else {}
    found = []
    for path, split in json_files(src, how, notes):
        instances = indexed(path, split, table)
        for id_, row in instances.images.items():
            image = _picture_file(src, instances, row)
            if image is None:
                notes.lost.append(f"{path}: the picture {row['file_name']!r} is not there")
                continue
            meta = {key: row.get(key) for key in EXTRAS}
            mask = _mask_reader(instances, id_, how)
            found.append(Found(image.path.stem, split, image, mask, meta))
    return found


def json_files(src: Path, how: How, notes: Notes) -> list[tuple[Path, str]]:
    """The files of instances, and the split of each."""
    chosen = []
    for path in sorted(src.rglob("*.json")):
        words = [path.stem.removeprefix("instances_"), *reversed(path.relative_to(src).parts)]
        split = next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), how.split)
        is_named = path.stem.startswith("instances") or path.name == "_annotations.coco.json"
        if is_named or path.stem in SPLIT_WORDS:
            chosen.append((path, split))
        else:
            notes.remarks.append(f"{path} was left alone: instances_<split>.json is read")
    if not chosen:
        raise BadInput(f"{src} holds no instances_<split>.json, and no <split>.json")
    return chosen


def indexed(path: Path, split: str, table: dict[str, int]) -> Instances:
    """Go through a file once and keep little of it.

    Raises:
        BadInput: it is damaged, or lacks what COCO needs.
    """
    instances = Instances(path, split)
    for key, value, start, end in pieces(path):
        if key not in ("images", "annotations", "categories"):
            continue
        where = f"{path}, byte {start}: {key}"
        if not isinstance(value, dict):
            raise BadInput(f"{where} are objects, got {value!r:.50}")
        if key == "annotations":
            place = instances.places.setdefault(_get(value, "image_id", int, where), array("q"))
            place.extend((start, end))
        elif key == "categories":
            id_, name = _get(value, "id", int, where), _get(value, "name", str, where)
            if instances.names.setdefault(id_, name) != name:
                raise BadInput(f"{where} have the id {id_} twice")
            instances.values[id_] = value_of(name, table)
        else:
            for name, kind in (("file_name", str), ("height", int), ("width", int)):
                _get(value, name, kind, where)
            keys = ("file_name", "height", "width", *EXTRAS)
            row = {key: value[key] for key in keys if key in value}
            if instances.images.setdefault(id_ := _get(value, "id", int, where), row) != row:
                raise BadInput(f"{where} have the id {id_} twice")
    if strangers := [id_ for id_ in instances.places if id_ not in instances.images]:
        raise BadInput(f"{path}: annotations are of the image {strangers[0]}, which is not there")
    if not instances.images or not instances.values:
        raise BadInput(f"{path} lists no images, or no categories")
    return instances


def _get(row: dict[str, Any], key: str, kind: type, where: str) -> Any:
    value = row.get(key)
    if type(value) is not kind:
        raise BadInput(f"{where}: {key} is {value!r:.50}, not {kind.__name__}")
    return value


def _picture_file(src: Path, instances: Instances, row: dict[str, Any]) -> File | None:
    """Where a picture lies; None if nowhere, or if its name leads elsewhere."""
    name = PurePosixPath(row["file_name"])
    if name.is_absolute() or ".." in name.parts:
        return None
    splits = (instances.path.stem.removeprefix("instances_"), instances.split)
    homes = [instances.path.parent, *(src / split for split in splits)]
    homes += [src / "images" / split for split in splits]
    homes += [src / "images", src]
    with suppress(OSError):  # a name that is too long for a file
        return next((File(home / name) for home in homes if (home / name).is_file()), None)
    return None


def _mask_reader(instances: Instances, id_: int, how: How) -> Callable[[Notes], Mask]:
    def mask(notes: Notes) -> Mask:
        row = instances.images[id_]
        height, width = row["height"], row["width"]
        if not 0 < height * width <= MAX_PIXELS or height < 0:
            raise BadInput(f"{instances.path} says that it is {width} x {height} pixels")
        shapes = [
            shape
            for value, segmentation in _annotations(instances, id_, notes)
            for shape in _shapes(value, segmentation, height, width)
        ]
        return painted(shapes, (height, width), instances.uncovered, later_wins=how.later_wins)

    return mask


def _annotations(instances: Instances, id_: int, notes: Notes) -> Iterator[tuple[int, Any]]:
    """The mask value and segmentation of each annotation of a picture."""
    places = instances.places.get(id_, array("q"))
    for start, end in zip(places[::2], places[1::2], strict=True):
        row = parsed(part(instances.path, start, end), instances.path)
        where = f"{instances.path}, byte {start}"
        category = _get(row, "category_id", int, where)
        if category not in instances.values:
            raise BadInput(f"{where}: the category {category} is not listed")
        value, name = instances.values[category], instances.names[category]
        if value == IGNORE and name != UNKNOWN:
            notes.count(f"annotations are of the category {name!r}, none of our classes: 255")
        yield value, row.get("segmentation")


def _shapes(value: int, segmentation: Any, height: int, width: int) -> list[Shape]:
    if isinstance(segmentation, dict):
        return [Shape(value, Patch(rle.from_segmentation(segmentation, height, width)))]
    if not isinstance(segmentation, list) or not segmentation:
        raise BadInput("an annotation has no segmentation; a box alone says of no pixel what it is")
    return [Shape(value, checked(polygon)) for polygon in segmentation]


# -- writing -------------------------------------------------------------------------------


CATEGORIES = [
    {"id": id_, "name": name, "supercategory": "person"}
    for id_, name in (*enumerate(CLASSES.names), (IGNORE, UNKNOWN))
    if name != "background"
]


class _Writing:
    """A JSON file of instances: annotations go to disk as they come, rows at the end."""

    def __init__(self, file: IO[str], rows: Callable[[Mask], Iterator[dict[str, Any]]]) -> None:
        self.file, self.rows = file, rows
        self.images: list[dict[str, Any]] = []
        self.annotations = 0
        file.write('{"annotations": [')

    def add(self, one: Labelled) -> None:
        self.images.append(_image_row(one, len(self.images) + 1))
        for row in self.rows(one.mask):
            self.file.write(",\n" if self.annotations else "\n")
            self.annotations += 1
            ids = {"id": self.annotations, "image_id": len(self.images)}
            json.dump(ids | row, self.file)

    def end(self) -> None:
        tail = json.dumps({"images": self.images, "categories": CATEGORIES})
        self.file.write("\n],\n" + tail.removeprefix("{") + "\n")


def writer(as_polygons: bool) -> Writer:
    def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
        files: dict[str, _Writing] = {}
        rows = partial(_polygon_rows, simplify=how.simplify) if as_polygons else _annotation_rows
        (out / "annotations").mkdir()
        with ExitStack() as stack:
            for one in samples:
                if one.split not in files:
                    (out / one.split).mkdir()
                    path = out / "annotations" / f"instances_{one.split}.json"
                    file = stack.enter_context(path.open("w", encoding="utf-8"))
                    files[one.split] = _Writing(file, rows)
                (out / one.split / f"{one.name}.jpg").write_bytes(one.image)
                files[one.split].add(one)
            for writing in files.values():
                writing.end()

    return write


def _image_row(one: Labelled, id_: int) -> dict[str, Any]:
    height, width = one.mask.shape
    row = {"id": id_, "file_name": f"{one.name}.jpg", "height": height, "width": width}
    return row | {key: one.meta[key] for key in EXTRAS if key in one.meta}


def _annotation_rows(mask: Mask) -> Iterator[dict[str, Any]]:
    areas = np.bincount(mask.ravel(), minlength=256)
    for value in np.flatnonzero(areas):
        if value == CLASSES.index("background"):
            continue
        bits = mask == value
        xs, ys = np.flatnonzero(bits.any(0)), np.flatnonzero(bits.any(1))
        box = [xs[0], ys[0], xs[-1] - xs[0] + 1, ys[-1] - ys[0] + 1]
        yield {
            "category_id": int(value),
            "segmentation": {"size": [*mask.shape], "counts": rle.packed(rle.runs(bits))},
            "area": int(areas[value]),
            "bbox": [int(n) for n in box],
            "iscrowd": int(value == IGNORE),
        }


def _polygon_rows(mask: Mask, simplify: float) -> Iterator[dict[str, Any]]:
    for value, points in outlines(mask, simplify):
        (left, top), (right, bottom) = points.min(0), points.max(0)
        yield {
            "category_id": value,
            "segmentation": [points.ravel().tolist()],
            "area": int(np.count_nonzero(polygons.inside(points, *mask.shape))),
            "bbox": [left, top, right - left, bottom - top],
            "iscrowd": int(value == IGNORE),
        }
