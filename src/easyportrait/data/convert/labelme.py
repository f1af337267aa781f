"""LabelMe: a JSON file of shapes beside each picture.

    <split>/NAME.jpg
    <split>/NAME.json
    labels.txt                   for `labelme --labels labels.txt`

Written: polygons, which go on under what lies over them (layers.py). What is not known is of
the label "unknown", 255.

Read: polygons, rectangles, turned rectangles, circles and masks; from a folder or zip. The
picture is the file that `imagePath` names, never `imageData`, which is passed over. Where
shapes overlap `PRECEDENCE` decides: the order in the file is the order in which somebody drew.
What encloses no area (points and lines) is counted and left alone.
"""

import base64
import json
from collections.abc import Callable, Iterable
from math import dist
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...errors import BadInput
from ...image.io import MAX_PIXELS, read_image
from ...taxonomy import IGNORE, Mask
from ..files import File, files_in
from .layers import COLOURS, NAMES, Patch, Shape, checked, ellipse, outlines, painted, rectangle
from .mmseg import no_place
from .pictures import Pictures
from .polygons import Points
from .samples import Found, How, Labelled, Notes
from .streamed import parsed
from .table import UNKNOWN, Legend, legend, read_class_table

LABELS = "labels.txt"
VERSION = "5.0.0"  # whose files every LabelMe since reads
AREAS = ("polygon", "rectangle", "oriented_rectangle", "circle", "mask")

Row = dict[str, Any]


# -- reading -------------------------------------------------------------------------------


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Raises:
    BadInput: there is no such file, one is damaged, or a label is none of ours.
    """
    table = read_class_table(how.table) if how.table else {}
    files, used = [], set()
    for parts, file in sorted(files_in(src), key=lambda one: one[0]):
        if not parts[-1].lower().endswith(".json"):
            continue
        whole = parsed(file.read(), file)
        if not isinstance(whole, dict) or not isinstance(whole.get("shapes"), list):
            notes.remarks.append(f"{file} was left alone: it has no list of shapes")
            continue
        files.append((parts, file, str(whole.get("imagePath") or "")))
        used |= {str(shape.get("label")) for shape in _areas(whole, file)}
    labels = legend(used, table, src, listed(src))
    pictures, found = Pictures(src), []
    for parts, file, name in files:
        try:
            # relative to the file, though people move them; the name is what they keep
            last = PurePosixPath(name.replace("\\", "/")).name
            if not last:
                raise BadInput("it names no picture: imagePath is empty")
            image, split = pictures.find(str(PurePosixPath(*parts[:-1], last)), None, how)
        except BadInput as error:
            notes.lost.append(f"{file}: {error}")
            continue
        mask = _mask_reader(file, labels, how)
        found.append(Found(Path(image.member or image.path).stem, split, image, mask))
    return found


def listed(src: Path) -> set[str]:
    """The labels of a labels.txt that lies beside, if one does; LabelMe's own words aside."""
    try:
        lines = (src / LABELS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()
    return {line.strip() for line in lines if line.strip() and not line.startswith("_")}


def _areas(whole: Row, file: File) -> list[Row]:
    """The shapes that enclose an area.

    Raises:
        BadInput: a shape is no object.
    """
    for shape in whole["shapes"]:
        if not isinstance(shape, dict):
            raise BadInput(f"{file}: shapes are objects, got {shape!r:.50}")
    return [shape for shape in whole["shapes"] if _kind(shape) in AREAS]


def _kind(shape: Row) -> str:
    return str(shape.get("shape_type") or "polygon")


def _mask_reader(file: File, labels: Legend, how: How) -> Callable[[Notes], Mask]:
    def mask(notes: Notes) -> Mask:
        whole = parsed(file.read(), file)
        size = whole.get("imageHeight"), whole.get("imageWidth")
        if any(type(n) is not int or n < 1 for n in size) or size[0] * size[1] > MAX_PIXELS:
            raise BadInput(f"{file} says that it is {size[1]!r} x {size[0]!r} pixels")
        areas, shapes = _areas(whole, file), []
        lines = len(whole["shapes"]) - len(areas)
        notes.count("shapes are points or lines, which cover no area, and were left alone", lines)
        for shape in areas:
            label = str(shape.get("label"))
            value = labels.values[label]
            if value == IGNORE and label != UNKNOWN:
                notes.count(f"shapes are labelled {label!r}, none of our classes: 255")
            shapes.append(Shape(value, _area(shape)))
        return painted(shapes, size, labels.uncovered, later_wins=how.later_wins)

    return mask


def _area(shape: Row) -> Points | Patch:
    """Raises:
    BadInput: it has not the points that such a shape has.
    """
    kind, points = _kind(shape), shape.get("points")
    if kind in ("polygon", "oriented_rectangle"):
        return checked(points)
    try:
        (x0, y0), (x1, y1) = np.array(points, np.float64).reshape(2, 2).tolist()
    except (ValueError, TypeError, OverflowError):
        raise BadInput(f"a {kind} has two points, got {points!r:.50}") from None
    if kind == "rectangle":
        return checked(rectangle(x0, y0, x1, y1))
    if kind == "circle":
        radius = dist((x0, y0), (x1, y1))
        return checked(ellipse(x0, y0, radius, radius))
    return _patch(shape, x0, y0)


def _patch(shape: Row, left: float, top: float) -> Patch:
    """A mask is a PNG of the rectangle between its points, both of them in it."""
    text = shape.get("mask")
    try:
        data = base64.b64decode(text if isinstance(text, str) else "?", validate=True)
    except ValueError as error:
        raise BadInput(f"a mask is a PNG in base64, got {text!r:.30}") from error
    if not np.isfinite([left, top]).all():
        raise BadInput(f"a mask lies at numbers, got {shape.get('points')!r:.50}")
    bits = np.asarray(read_image(data).any(2))
    return Patch(bits, int(left), int(top))


# -- writing -------------------------------------------------------------------------------


def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
    (out / LABELS).write_text("".join(f"{name}\n" for name in COLOURS), encoding="utf-8")
    for one in samples:
        folder = out / one.split
        folder.mkdir(exist_ok=True)
        (folder / f"{one.name}.jpg").write_bytes(one.image)
        text = json.dumps(_file(one, how.simplify), indent=2, ensure_ascii=False)
        (folder / f"{one.name}.json").write_text(text + "\n", encoding="utf-8")
        no_place(one, notes)


def _file(one: Labelled, simplify: float) -> Row:
    height, width = one.mask.shape
    shapes = [
        {
            "label": NAMES[value],
            "points": points.tolist(),
            "group_id": None,
            "description": "",
            "shape_type": "polygon",
            "flags": {},
        }
        for value, points in outlines(one.mask, simplify)
    ]
    return {
        "version": VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{one.name}.jpg",
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
