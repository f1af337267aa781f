"""CVAT for images 1.1: one XML file of shapes.

    annotations.xml              (any name; several, one a task, do as well)
    images/<split>/NAME.jpg
    labels.json                  written: what CVAT's label constructor takes as "Raw"

Written: either a `mask` for each class of a picture, or `polygon`s, which go on under what
lies over them (layers.py). What is not known is of the label "unknown", 255. `z_order` is
0, so that a shape that an annotator draws anew falls into its class's place.

Read: the shapes `mask`, `polygon`, `box` and `ellipse`, turned ones too, from a folder or
from the zip that CVAT exports. A higher `z_order` lies on top; within one, `PRECEDENCE`
decides. What encloses no area (points, lines, cuboids, tags) is counted and left alone.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

import numpy as np

from ...errors import BadInput
from ...image.io import MAX_PIXELS
from ...taxonomy import IGNORE, Mask
from ..files import File, files_in
from ..meta import SPLITS
from . import rle
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
from .pictures import Pictures, split_word
from .samples import Found, How, Labelled, Notes, Writer
from .streamed import part
from .table import UNKNOWN, Legend, legend, read_class_table

AREAS = ("mask", "polygon", "box", "ellipse")
NO_AREAS = ("polyline", "points", "cuboid", "skeleton", "tag")


# -- reading -------------------------------------------------------------------------------


@dataclass(slots=True)
class Picture:
    """One `image` of a file: from where to its closing tag it lies in it, in bytes; nothing
    if it has no shapes."""

    name: str
    subset: str
    size: tuple[int, int]
    start: int
    end: int


@dataclass(slots=True)
class Task:
    """One file: its pictures, and the labels that it lists and that its shapes have."""

    file: File
    pictures: list[Picture] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    left: Counter[str] = field(default_factory=Counter)


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Raises:
    BadInput: there is no such XML file, one is damaged, or a label is none of ours.
    """
    table = read_class_table(how.table) if how.table else {}
    files = [file for parts, file in files_in(src) if parts[-1].lower().endswith(".xml")]
    tasks = [task for file in sorted(files, key=str) if (task := indexed(file))]
    if not any(task.pictures for task in tasks):
        raise BadInput(f"{src} holds no annotations.xml of CVAT with pictures")
    used = {label for task in tasks for label in task.used}
    labels = legend(used, table, src, {label for task in tasks for label in task.listed})
    pictures, found = Pictures(src), []
    for task in tasks:
        bytes_of = _slicer(task.file)
        for what, n in task.left.items():
            notes.count(f"annotations are {what}, which cover no area, and were left alone", n)
        for one in task.pictures:
            try:
                image, split = pictures.find(one.name, split_word(one.subset), how)
            except BadInput as error:
                notes.lost.append(f"{task.file}: {error}")
                continue
            mask = _mask_reader(task, one, bytes_of, labels, how)
            found.append(Found(Path(image.member or image.path).stem, split, image, mask))
    return found


class _Index:
    """What `indexed` gathers while a file is gone through."""

    def __init__(self, file: File, parser: expat.XMLParserType) -> None:
        self.task, self.parser = Task(file), parser
        self.open: list[str] = []
        self.text = ""
        self.has_shapes = False
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self.characters
        parser.StartDoctypeDeclHandler = self.doctype
        parser.XmlDeclHandler = self.declaration

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.open.append(tag)
        self.text = ""
        if self.open == ["annotations", "image"]:
            try:
                size = int(attributes["height"]), int(attributes["width"])
                name = attributes["name"]
            except (KeyError, ValueError):
                raise BadInput(
                    f"{self.task.file}: an image has no name, width and height: {attributes}"
                ) from None
            at = self.parser.CurrentByteIndex
            self.task.pictures.append(Picture(name, attributes.get("subset", ""), size, at, at))
            self.has_shapes = False
        elif self.open == ["annotations", "track"]:
            raise BadInput(
                f'{self.task.file} holds tracks of a video; export it as "CVAT for images 1.1"'
            )
        elif self.open[:2] == ["annotations", "image"] and len(self.open) == 3:
            self.has_shapes = True
            if tag in AREAS:
                self.task.used.add(attributes.get("label", ""))
            else:
                self.task.left[tag] += 1

    def end(self, tag: str) -> None:
        if self.open == ["annotations", "image"] and self.has_shapes:
            self.task.pictures[-1].end = self.parser.CurrentByteIndex
        if self.open[0] == "annotations" and self.open[-3:] == ["labels", "label", "name"]:
            self.task.listed.add(self.text)
        self.open.pop()

    def characters(self, data: str) -> None:
        self.text += data

    def doctype(self, *_: Any) -> NoReturn:
        raise BadInput(f"{self.task.file} declares a document type; CVAT writes none")

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if (encoding or "utf-8").lower() != "utf-8":
            raise BadInput(f"{self.task.file} is in {encoding}; CVAT writes UTF-8")


def indexed(file: File) -> Task | None:
    """Go through a file once and keep little of it; None if it is no file of CVAT.

    Raises:
        BadInput: it is damaged, or of a video.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    index = _Index(file, parser)
    try:
        if file.place:
            parser.Parse(file.read(), True)
        else:
            with file.path.open("rb") as stream:
                parser.ParseFile(stream)
    except expat.ExpatError as error:
        raise BadInput(f"{file} is damaged: {error}") from error
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror or error}") from error
    return index.task if index.task.pictures or index.task.listed else None


def _slicer(file: File) -> Callable[[int, int], bytes]:
    """Bytes of a file from and to; of a member of a zip, which is held."""
    if not file.place:
        return lambda start, end: part(file.path, start, end)
    data = file.read()
    return lambda start, end: data[start:end]


def _mask_reader(
    task: Task, one: Picture, bytes_of: Callable[[int, int], bytes], labels: Legend, how: How
) -> Callable[[Notes], Mask]:
    def mask(notes: Notes) -> Mask:
        height, width = one.size
        if min(one.size) < 1 or height * width > MAX_PIXELS:
            raise BadInput(f"{task.file} says that it is {width} x {height} pixels")
        shapes = []
        for element in _elements(bytes_of(one.start, one.end), task.file):
            if element.tag not in AREAS:
                continue
            label = element.get("label", "")
            value = labels.values[label]
            if value == IGNORE and label != UNKNOWN:
                notes.count(f"shapes are labelled {label!r}, none of our classes: 255")
            shapes.append(_shape(element, value, one.size))
        return painted(shapes, one.size, labels.uncovered, later_wins=how.later_wins)

    return mask


def _elements(data: bytes, file: File) -> Iterable[ElementTree.Element]:
    """What is in an `image`, of which the closing tag is not there.

    Raises:
        BadInput: it was no damage to find where it ends, and is some to read it.
    """
    try:
        return ElementTree.fromstring(data + b"</image>") if data else ()
    except ElementTree.ParseError as error:
        raise BadInput(f"{file} is damaged, or not in UTF-8: {error}") from error


def _shape(element: ElementTree.Element, value: int, size: tuple[int, int]) -> Shape:
    """Raises:
    BadInput: it lacks a number, or one is none; or a mask is larger than its picture.
    """
    level = int(_numbers(element, "z_order")[0]) if "z_order" in element.attrib else 0
    if element.tag == "mask":
        return Shape(value, _patch(element, size), level)
    if element.tag == "polygon":
        pairs = element.get("points", "").split(";")
        return Shape(value, checked([pair.split(",") for pair in pairs]), level)
    if element.tag == "box":
        left, top, right, bottom = _numbers(element, "xtl", "ytl", "xbr", "ybr")
        points = rectangle(left, top, right, bottom)
        x, y = (left + right) / 2, (top + bottom) / 2
    else:
        x, y, radius_x, radius_y = _numbers(element, "cx", "cy", "rx", "ry")
        points = ellipse(x, y, radius_x, radius_y)
    if "rotation" in element.attrib:
        points = turned(points, (x, y), _numbers(element, "rotation")[0])
    return Shape(value, points, level)


def _numbers(element: ElementTree.Element, *names: str) -> list[float]:
    try:
        found = [float(element.attrib[name]) for name in names]
    except (KeyError, ValueError):
        found = [np.nan]
    if not np.isfinite(found).all():
        attributes = {key: text[:20] for key, text in element.attrib.items()}
        raise BadInput(f"a {element.tag} needs numbers {', '.join(names)}, got {attributes}")
    return found


def _patch(element: ElementTree.Element, size: tuple[int, int]) -> Patch:
    """Its run-lengths go along the rows, and begin with what is not of it."""
    numbers = _numbers(element, "left", "top", "width", "height")
    left, top, width, height = (int(n) for n in numbers)
    if not (0 < width <= size[1] and 0 < height <= size[0]):
        raise BadInput(
            f"a mask of {width} x {height} pixels cannot be of a picture of {size[1]} x {size[0]}"
        )
    try:
        counts = np.array(element.get("rle", "").split(","), np.int64)
    except (ValueError, OverflowError):
        raise BadInput(f"an rle is whole numbers, got {element.get('rle')!r:.50}") from None
    return Patch(rle.filled(counts, width, height).T, left, top)


# -- writing -------------------------------------------------------------------------------

LABELS = [{"name": name, "color": colour, "type": "any"} for name, colour in COLOURS.items()]


def writer(as_polygons: bool) -> Writer:
    def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
        raw = [{**label, "attributes": list[str]()} for label in LABELS]
        (out / "labels.json").write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")
        source = "auto" if how.by else "manual"
        with (out / "annotations.xml").open("w", encoding="utf-8") as file:
            file.write(_head())
            for id_, one in enumerate(samples):
                folder = out / "images" / one.split
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{one.name}.jpg").write_bytes(one.image)
                shapes = _polygons(one.mask, how.simplify) if as_polygons else _masks(one.mask)
                file.write(_image(one, id_, source, shapes))
                no_place(one, notes)
            file.write("</annotations>\n")

    return write


def _head() -> str:
    labels = "\n".join(
        "        <label><name>{name}</name><color>{color}</color><type>{type}</type>"
        "<attributes></attributes></label>".format(**label)
        for label in LABELS
    )
    tasks = "\n".join(
        f"        <task><name>{split}</name><mode>annotation</mode><subset>{split}</subset></task>"
        for split in SPLITS
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <project>
      <name>easyportrait</name>
      <tasks>
{tasks}
      </tasks>
      <labels>
{labels}
      </labels>
    </project>
  </meta>
"""


def _image(one: Labelled, id_: int, source: str, shapes: Iterable[tuple[int, str, str]]) -> str:
    height, width = one.mask.shape
    lines = [
        f"  <image id={quoteattr(str(id_))} name={quoteattr(f'{one.name}.jpg')} "
        f'subset="{one.split}" width="{width}" height="{height}">'
    ]
    lines += [
        f'    <{tag} label="{NAMES[value]}" source="{source}" occluded="0" {where} z_order="0">'
        f"</{tag}>"
        for value, tag, where in shapes
    ]
    return "\n".join([*lines, "  </image>\n"])


def _masks(mask: Mask) -> Iterator[tuple[int, str, str]]:
    for value, patch in patches(mask):
        height, width = patch.bits.shape
        counts = ", ".join(map(str, rle.runs(patch.bits.T).tolist()))
        where = f'left="{patch.left}" top="{patch.top}" width="{width}" height="{height}"'
        yield value, "mask", f'rle="{counts}" {where}'


def _polygons(mask: Mask, simplify: float) -> Iterator[tuple[int, str, str]]:
    for value, points in outlines(mask, simplify):
        text = ";".join(f"{x:.2f},{y:.2f}" for x, y in points.tolist())
        yield value, "polygon", f'points="{text}"'
