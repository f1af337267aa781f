"""Masks in colours, and a table (table.py) of what each colour means.

    images/[<split>/]NAME.jpg     or <split>/images/
    masks/[<split>/]NAME.png      RGB, or a palette

Colours that the table does not list are 255, and counted. Nothing is matched by nearness:
a colour that is almost skin is most likely the blur at an edge.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...errors import BadInput
from ...image.io import read_image
from ...taxonomy import IGNORE, Mask
from ..files import File, opened
from .pairs import paired
from .samples import Found, How, Notes
from .table import read_class_table

UNLISTED = 254  # in the table of all colours; no class, and not "unknown" either


def read(src: Path, how: How, notes: Notes) -> list[Found]:
    """Raises:
    BadInput: there is no table, or it is not one of colours.
    """
    if how.table is None:
        raise BadInput(
            "colour-masks need a table of what each colour means: --table FILE, with lines "
            'such as "#a0ddff" = "skin"'
        )
    colours = by_colour(read_class_table(how.table), how.table)
    return [
        Found(pair.name, pair.split, pair.image, _mask_reader(pair.mask, colours))
        for pair in paired(src, "images", "masks", how, notes)
    ]


def by_colour(table: dict[str, int], path: Path) -> Mask:
    """(2**24,) uint8: the mask value of each colour, at 65536 R + 256 G + B.

    Raises:
        BadInput: a key is no colour, or two are the same colour.
    """
    values = np.full(1 << 24, UNLISTED, np.uint8)
    for text, value in table.items():
        packed = packed_colour(text, path)
        if values[packed] != UNLISTED:
            raise BadInput(f"{path} lists the colour {text!r} twice")
        values[packed] = value
    return values


def packed_colour(text: str, path: Path) -> int:
    if match := re.fullmatch(r"#?([0-9a-fA-F]{6})", text.strip()):
        return int(match[1], 16)
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    if re.fullmatch(r"\s*\d+\s*,\s*\d+\s*,\s*\d+\s*", text) and max(numbers) < 256:
        return numbers[0] << 16 | numbers[1] << 8 | numbers[2]
    raise BadInput(f'{path}: {text!r} is no colour; "#a0ddff" and "160, 221, 255" are')


def _mask_reader(file: File, colours: Mask) -> Callable[[Notes], Mask]:
    def mask(notes: Notes) -> Mask:
        rgb = read_image(opened(file)).astype(np.uint32)
        values = colours[rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]]
        unlisted = values == UNLISTED
        if n := int(unlisted.sum()):
            notes.count("pixels have a colour that the table does not list: 255", n)
            notes.count("masks have such colours")
        return np.where(unlisted, np.uint8(IGNORE), values)

    return mask
