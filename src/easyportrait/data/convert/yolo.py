"""YOLO's segmentation labels, as Ultralytics lays them out.

    data.yaml                     names of the classes
    images/<split>/NAME.jpg       or <split>/images/
    labels/<split>/NAME.txt       a line a polygon: class x y x y ..., as shares of the
                                  picture's width and height

Written: our eight classes above background, as 0 to 7, a line for each connected piece. A
polygon cannot have a hole; it is reached by a cut as wide as nothing (polygons.py), so no
pixel of the nine classes is lost. What is not known cannot be said, and **255 becomes
background**: counted aloud. Shares have six decimals.

Read: classes count as ours by their very name, or by a table (table.py). Polygons that
overlap, and pixels that no polygon covers, are as in coco.py.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ...errors import BadInput
from ...image.io import picture_size
from ...taxonomy import CLASSES, IGNORE, Mask
from ..files import File, opened
from . import polygons
from .layers import Shape, painted
from .mmseg import no_place
from .pairs import Pair, paired
from .samples import Found, How, Labelled, Notes
from .table import UNKNOWN, Legend, read_class_table, value_of

NAMES = CLASSES.names[1:]

NAMES_OF_YAML = re.compile(
    r"^names:[ \t]*(\[[^]]*\]|\{[^}]*\}|(?:[ \t]*\n[ \t]*[-\d].*)+)", re.MULTILINE
)


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Raises:
    BadInput: data.yaml is not there, or has no names.
    """
    table = read_class_table(how.table) if how.table else {}
    names = class_names(src / "data.yaml")
    values = {number: value_of(name, table) for number, name in names.items()}
    return [
        Found(pair.name, pair.split, pair.image, _mask_reader(pair, names, values, how))
        for pair in paired(src, "images", "labels", how, notes, mask_suffixes=(".txt",))
    ]


def class_names(path: Path) -> dict[int, str]:
    """The `names` of a data.yaml: a list or a map, on one line or on several.

    Raises:
        BadInput: it cannot be read, or has none that can be understood.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path} cannot be read: {reason}") from error
    match = NAMES_OF_YAML.search(re.sub(r"\s#.*", "", text))
    found = match[1].strip() if match else ""
    is_inline = found.startswith(("[", "{"))
    items = re.split(r"[,\n]", found[1:-1] if is_inline else found)
    words = [item.strip() for item in items if item.strip()]
    is_map = found.startswith("{") or (not is_inline and not found.startswith("-"))
    pairs = [word.partition(":")[::2] if is_map else (str(i), word) for i, word in enumerate(words)]
    try:
        names = {int(number): name.removeprefix("-").strip(" '\"") for number, name in pairs}
    except ValueError:
        names = {}
    if not names:
        raise BadInput(f"{path} has no names of classes such as `names: [person, skin]`")
    return names


def _mask_reader(
    pair: Pair, names: dict[int, str], values: dict[int, int], how: How
) -> Callable[[Notes], Mask]:
    def mask(notes: Notes) -> Mask:
        height, width = picture_size(opened(pair.image))
        legend = Legend({names[number]: value for number, value in values.items()})
        drawn = []
        for number, points in _lines(pair.mask):
            if number not in values:
                raise BadInput(f"{pair.mask}: data.yaml has no class {number}")
            if values[number] == IGNORE and names[number] != UNKNOWN:
                notes.count(f"polygons are of {names[number]!r}, none of our classes: 255")
            drawn.append(Shape(values[number], points * (width, height)))
        return painted(drawn, (height, width), legend.uncovered, later_wins=how.later_wins)

    return mask


def _lines(file: File) -> list[tuple[int, polygons.Points]]:
    """The class and points of each line.

    Raises:
        BadInput: a line is no polygon; the message says which.
    """
    found = []
    for i, line in enumerate(file.read().decode("utf-8-sig", "replace").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            number, points = int(words[0]), np.array(words[1:], np.float64)
        except ValueError:
            raise BadInput(f"{file}, line {i}: not numbers but {line[:50]!r}") from None
        if len(points) < 6 or len(points) % 2 or not np.isfinite(points).all():
            raise BadInput(
                f"{file}, line {i}: a class and three points or more are wanted, got "
                f"{len(points)} numbers after the class (a box has 4, and is no mask)"
            )
        found.append((number, points.reshape(-1, 2)))
    return found


def write(samples: Iterable[Labelled], out: Path, how: How, notes: Notes) -> None:
    splits = []
    for one in samples:
        if one.split not in splits:
            splits.append(one.split)
            (out / "images" / one.split).mkdir(parents=True)
            (out / "labels" / one.split).mkdir(parents=True)
        (out / "images" / one.split / f"{one.name}.jpg").write_bytes(one.image)
        text = "".join(f"{line}\n" for line in _polygon_lines(one.mask))
        (out / "labels" / one.split / f"{one.name}.txt").write_text(text, encoding="utf-8")
        unknown = int(np.count_nonzero(one.mask == IGNORE))
        notes.count("pixels that are not known are background now: YOLO cannot say it", unknown)
        no_place(one, notes)
    lines = [f"{split}: images/{split}" for split in splits]
    lines += ["names:", *(f"  {i}: {name}" for i, name in enumerate(NAMES))]
    (out / "data.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _polygon_lines(mask: Mask) -> Iterable[str]:
    height, width = mask.shape
    for i in range(len(NAMES)):
        for points in polygons.around(mask == i + 1):
            shares = (points / (width, height)).ravel()
            yield f"{i} " + " ".join(f"{share:.6f}" for share in shares)


def back(mask: Mask) -> Mask:
    """What writing a mask and reading it again makes of it."""
    return np.where(mask == IGNORE, np.uint8(CLASSES.index("background")), mask)
