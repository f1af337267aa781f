"""Label Studio: a JSON list of tasks, as its export named JSON gives it (not JSON-MIN).

    tasks.json                   (any name; several do as well)
    images/<split>/NAME.jpg
    label_config.xml             the labelling interface to paste into a project

Written: for each class of a picture what a brush would have painted, or polygons, which go on
under what lies over them (layers.py); as annotations, or if a net made them (`How.by`), as
predictions with its name and score. Pictures are named as Label Studio's local files are,
relative to this folder. What is not known is of the label "unknown", 255.

Read: brushes, bitmasks, polygons, rectangles and ellipses. Coordinates are shares of the
picture as it looks after its EXIF orientation, and do not change when an annotator turns the
view. `PRECEDENCE` decides where regions overlap; the tool knows no z-order. A task is read as

- its annotation that is marked as ground truth, else the one changed last; never a skipped one;
- its last prediction, if no task of the whole set has an annotation, and that is counted.

Other tasks are counted and left alone.
"""

import base64
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.etree import ElementTree

import numpy as np
from PIL import Image as Pil

from ...errors import BadInput, ShapeMismatch
from ...image.io import DAMAGE, MAX_PIXELS, SUFFIXES, picture_size
from ...taxonomy import IGNORE, Mask
from ..files import File, Readable, opened
from . import brush
from .layers import (
    COLOURS,
    NAMES,
    Patch,
    Shape,
    checked,
    ellipse,
    outlines,
    painted,
    patches,
    rectangle,
    turned,
)
from .mmseg import no_place
from .pictures import Pictures
from .rle import Bits
from .samples import Found, How, Labelled, Notes, Writer
from .streamed import begins_with, elements, parsed, part
from .table import UNKNOWN, Legend, legend, read_class_table

CONFIG = "label_config.xml"
UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before a name when it is uploaded

Result = dict[str, Any]


# -- reading -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """Where a task lies in its file, from and to which byte, and of which picture it is."""

    path: Path
    start: int
    end: int
    picture: str


@dataclass(slots=True)
class Tasks:
    """All tasks of a set, by whether people annotated them."""

    annotated: list[Task] = field(default_factory=list)
    predicted: list[Task] = field(default_factory=list)
    others: int = 0
    labels: dict[bool, set[str]] = field(default_factory=lambda: {True: set(), False: set()})


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Raises:
    BadInput: there is no such file, one is damaged, or a label is none of ours.
    """
    table = read_class_table(how.table) if how.table else {}
    tasks = indexed(src, notes)
    are_annotated = bool(tasks.annotated)
    chosen = tasks.annotated or tasks.predicted
    if not chosen:
        raise BadInput(f"{src}: none of {tasks.others} tasks has an annotation or a prediction")
    left = tasks.others + (len(tasks.predicted) if are_annotated else 0)
    notes.count("tasks have no annotation and were left alone", left)
    if not are_annotated:
        notes.count("masks are predictions of a net, which nobody has looked at", len(chosen))
    labels = legend(tasks.labels[are_annotated], table, src, config_labels(src))
    pictures, found = Pictures(src), []
    for task in chosen:
        try:
            image, split = _located(pictures, task.picture, how)
        except BadInput as error:
            notes.lost.append(f"{task.path}: {error}")
            continue
        mask = _mask_reader(task, image, labels, how)
        found.append(Found(Path(image.member or image.path).stem, split, image, mask))
    return found


def _located(pictures: Pictures, name: str, how: How) -> tuple[File, str]:
    """As `Pictures.find`; of what was uploaded, also under the name that it had before."""
    path = PurePosixPath(name)
    plain = path.with_name(UPLOADED.sub("", path.name)) if path.name else path
    if plain != path:
        with suppress(BadInput):
            return pictures.find(name, None, how)
    return pictures.find(str(plain), None, how)


def indexed(src: Path, notes: Notes) -> Tasks:
    """Go through all files once and keep little of them.

    Raises:
        BadInput: there is none, or one is damaged.
    """
    tasks, is_there = Tasks(), False
    for path in sorted(src.rglob("*.json")):
        if begins_with(path) != "[":
            notes.remarks.append(f"{path} was left alone: a list of tasks is read")
            continue
        is_there = True
        for row, start, end in elements(path):
            where = f"{path}, byte {start}"
            if not isinstance(row, dict) or not isinstance(row.get("data"), dict):
                raise BadInput(
                    f"{where}: a task is an object with data; export as JSON, not JSON-MIN"
                )
            told = _told(row)
            if told is None:
                tasks.others += 1
                continue
            kept = tasks.annotated if _is_annotated(row) else tasks.predicted
            kept.append(Task(path, start, end, _picture(row["data"], where)))
            tasks.labels[_is_annotated(row)] |= {label for _, label in _regions(told, where)}
    if not is_there:
        raise BadInput(f"{src} holds no JSON list of tasks")
    return tasks


def _annotations(task: Result) -> list[Result]:
    told = _objects(task.get("annotations", task.get("completions")))
    return [one for one in told if not one.get("was_cancelled")]


def _objects(told: Any) -> list[Result]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _is_annotated(task: Result) -> bool:
    return bool(_annotations(task))


def _told(task: Result) -> list[Result] | None:
    """The results of the annotation that counts, else of the prediction; None without either."""
    there = _annotations(task)
    if there:
        is_newer = [(bool(one.get("ground_truth")), _changed(one)) for one in there]
        chosen = there[max(range(len(there)), key=is_newer.__getitem__)]
    else:
        predictions = _objects(task.get("predictions"))
        if not predictions:
            return None
        chosen = predictions[-1]
    return _objects(chosen.get("result"))


def _changed(annotation: Result) -> str:
    """When, as ISO 8601 text, which sorts by time."""
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _picture(data: Result, where: str) -> str:
    """The path that a task's data has for its picture, of whatever kind its address is.

    Raises:
        BadInput: no value is the address of a picture, or several are.
    """
    paths = {key: _path(value) for key, value in data.items() if isinstance(value, str)}
    found = [path for path in paths.values() if PurePosixPath(path).suffix.lower() in SUFFIXES]
    if "image" in paths:
        found = [paths["image"]]
    if len(found) != 1:
        raise BadInput(f"{where}: which of {[*data]} is the picture? Name it image")
    return found[0]


def _path(address: str) -> str:
    try:
        url = urlsplit(address)
    except ValueError:
        return address
    local = parse_qs(url.query).get("d")
    return local[0] if local else unquote(url.path)


def config_labels(src: Path) -> set[str]:
    """The labels of a labelling interface that lies beside the tasks, if one does."""
    with suppress(OSError, ElementTree.ParseError):
        root = ElementTree.parse(src / CONFIG).getroot()
        return {label.get("value", "") for label in root.iter("Label")}
    return set()


# What regions that cover no area have in their values
NO_AREAS = {"keypointlabels", "choices", "text", "rating", "taxonomy", "number", "datetime"}


def _regions(results: list[Result], where: str) -> Iterator[tuple[Result, str]]:
    """Each region with its one label. A region may be told twice, with its label and without.

    Raises:
        BadInput: a region has no label, or several.
    """
    labels = {id(one): _labels(one) for one in results}
    labelled = {str(one.get("id")) for one in results if labels[id(one)]}
    for one in results:
        value = one.get("value")
        if not isinstance(value, dict) or not _is_area(value):
            continue
        if len(found := labels[id(one)]) == 1:
            yield one, found[0]
        elif found or str(one.get("id")) not in labelled:
            raise BadInput(f"{where}: a region has {len(found)} labels {found}, and needs one")


def _labels(result: Result) -> list[str]:
    value = result.get("value")
    for key, labels in value.items() if isinstance(value, dict) else ():
        if key.endswith("labels") and isinstance(labels, list):
            return [str(label) for label in labels]
    return []


def _is_area(value: Result) -> bool:
    return not NO_AREAS & value.keys() and bool(
        value.keys() & {"rle", "imageDataURL", "points", "vertices", "radiusX", "height"}
    )


def _mask_reader(task: Task, image: Readable, labels: Legend, how: How) -> Callable[[Notes], Mask]:
    def mask(notes: Notes) -> Mask:
        where = f"{task.path}, byte {task.start}"
        row = parsed(part(task.path, task.start, task.end), task.path)
        results = _told(row) or []
        notes.count("annotations besides the one that counts", max(len(_annotations(row)) - 1, 0))
        regions = [*_regions(results, where)]
        size = _size([one for one, _ in regions], where) or picture_size(opened(image))
        notes.count("regions cover no area and were left alone", _lines(results))
        shapes = []
        for one, label in regions:
            value = labels.values[label]
            if value == IGNORE and label != UNKNOWN:
                notes.count(f"shapes are labelled {label!r}, none of our classes: 255")
            shapes.append(Shape(value, _area(one["value"], size)))
        return painted(shapes, size, labels.uncovered, later_wins=how.later_wins)

    return mask


def _lines(results: list[Result]) -> int:
    values = [one.get("value") for one in results]
    return sum(isinstance(value, dict) and not _is_area(value) for value in values)


def _size(regions: list[Result], where: str) -> tuple[int, int] | None:
    """(height, width) of the picture that was annotated; None if nothing was.

    Raises:
        BadInput: a region does not say, or says nonsense.
        ShapeMismatch: regions are of pictures of different sizes.
    """
    told = ("original_height", "original_width")
    sizes: list[tuple[Any, ...]] = [tuple(one.get(key) for key in told) for one in regions]
    for height, width in sizes:
        if (
            type(height) is not int
            or type(width) is not int
            or min(height, width) < 1
            or height * width > MAX_PIXELS
        ):
            raise BadInput(f"{where}: a region is of a picture of {width!r} x {height!r} pixels")
    if len({*sizes}) > 1:
        raise ShapeMismatch(f"{where}: its regions are of pictures of sizes {sorted({*sizes})}")
    return (sizes[0][0], sizes[0][1]) if sizes else None


def _area(value: Result, size: tuple[int, int]) -> Patch | Any:
    """Pixels, or points in pixels.

    Raises:
        BadInput: it is not complete, or of a kind that is not read.
    """
    height, width = size
    if "rle" in value:
        return Patch(brush.unpacked(value["rle"], height, width))
    if "imageDataURL" in value:
        return Patch(_bitmask(value["imageDataURL"], size))
    scale = np.array([width, height]) / 100
    if "points" in value:
        if value.get("closed") is False:
            raise BadInput("a polygon is not closed; close it")
        return checked(value["points"]) * scale
    if "vertices" in value:
        raise BadInput("vector shapes are not read; draw polygons, or paint with a brush")
    turn = _number(value, "rotation") if "rotation" in value else 0
    corner = np.array([_number(value, "x"), _number(value, "y")]) * scale
    names = ("radiusX", "radiusY") if "radiusX" in value else ("width", "height")
    across, down = np.array([_number(value, name) for name in names]) * scale
    x, y = float(corner[0]), float(corner[1])
    # Both are turned about x, y: an ellipse's middle, a rectangle's upper left corner
    points = (
        ellipse(x, y, across, down) if "radiusX" in value else rectangle(x, y, x + across, y + down)
    )
    return turned(points, (x, y), turn)


def _number(value: Result, name: str) -> float:
    number = value.get(name)
    if (
        isinstance(number, bool)
        or not isinstance(number, (int, float))
        or not abs(number) < 1e300  # nor is NaN
    ):
        raise BadInput(f"a region's {name} is {number!r:.30}, not a number")
    return float(number)


def _bitmask(address: Any, size: tuple[int, int]) -> Bits:
    """A PNG in an address, painted where it is not transparent."""
    head, _, text = str(address).partition(",")
    if not head.startswith("data:image/png;base64"):
        raise BadInput(f"a bitmask is data:image/png;base64, got {head:.40}")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BadInput(f"a bitmask is damaged: {error}") from error
    try:
        with Pil.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if picture.size[::-1] != size:
                raise ShapeMismatch(
                    f"a bitmask is {picture.size[::-1]}, its picture {size} (height, width)"
                )
            alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    except (*DAMAGE, Pil.DecompressionBombError) as error:
        raise BadInput(f"a bitmask is damaged: {error}") from error
    return np.asarray(alpha >= brush.PAINTED)


# -- writing -------------------------------------------------------------------------------


def writer(as_polygons: bool) -> Writer:
    kind = "polygonlabels" if as_polygons else "brushlabels"

    def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
        (out / CONFIG).write_text(_config(as_polygons), encoding="utf-8")
        with (out / "tasks.json").open("w", encoding="utf-8") as file:
            file.write("[")
            for i, one in enumerate(samples):
                place = Path("images", one.split, f"{one.name}.jpg")
                (out / place.parent).mkdir(parents=True, exist_ok=True)
                (out / place).write_bytes(one.image)
                values = _polygons(one.mask, how.simplify) if as_polygons else _brushes(one.mask)
                results = [*_results(one, kind, values)]
                file.write(",\n" if i else "\n")
                json.dump(_task(one, place, results, how), file)
                no_place(one, notes)
            file.write("\n]\n")

    return write


def _task(one: Labelled, place: Path, results: list[Result], how: How) -> Result:
    data = {"image": f"/data/local-files/?d={quote(place.as_posix())}"}
    if not how.by:
        return {"data": data, "annotations": [{"result": results}]}
    score = {"score": one.meta["sure"]} if "sure" in one.meta else {}
    return {"data": data, "predictions": [{"model_version": how.by, **score, "result": results}]}


def _results(one: Labelled, kind: str, values: Iterable[tuple[int, Result]]) -> Iterator[Result]:
    height, width = one.mask.shape
    for i, (value, told) in enumerate(values):
        yield {
            "id": f"{NAMES[value]}-{i}",
            "type": kind,
            "from_name": "label",
            "to_name": "image",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {**told, kind: [NAMES[value]]},
        }


def _brushes(mask: Mask) -> Iterator[tuple[int, Result]]:
    for value, patch in patches(mask):
        yield value, {"format": "rle", "rle": brush.packed(_whole(patch, mask.shape))}


def _whole(patch: Patch, size: tuple[int, ...]) -> Bits:
    bits = np.zeros(size, bool)
    height, width = patch.bits.shape
    bits[patch.top : patch.top + height, patch.left : patch.left + width] = patch.bits
    return bits


def _polygons(mask: Mask, simplify: float) -> Iterator[tuple[int, Result]]:
    height, width = mask.shape
    for value, points in outlines(mask, simplify):
        yield value, {"points": (points * 100 / (width, height)).tolist(), "closed": True}


def _config(as_polygons: bool) -> str:
    tag = "PolygonLabels" if as_polygons else "BrushLabels"
    labels = "\n".join(
        f'    <Label value="{name}" background="{colour}"/>' for name, colour in COLOURS.items()
    )
    return f"""<View>
  <Image name="image" value="$image" zoom="true" zoomControl="true"/>
  <{tag} name="label" toName="image">
{labels}
  </{tag}>
</View>
"""
