"""The verbs behind every door: load a model, parse a picture."""

from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np

from .image.io import MAX_PIXELS, Image, read_image
from .models.catalog import EMBEDDED, find_model
from .models.parser import Parser
from .models.session import OnnxSession
from .parsing import Parsing


def load(model: str | Path = EMBEDDED, *, threads: int | None = None) -> Parser:
    """A parser for a model, by name or path. The last few are kept and shared.

    Args:
        model: a name that `easyportrait models list` shows, or a path to an .onnx file.
        threads: cores that one run may use; None lets all.

    Raises:
        UnknownModel: there is none of that name.
        ModelError: its file is damaged or has no card.

    >>> load().card.classes[2]
    'skin'
    """
    path = find_model(model)
    return _load(path, path.stat().st_mtime_ns, threads)


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int, threads: int | None) -> Parser:
    return Parser(OnnxSession(path, threads=threads))


def parse(
    picture: Image | Path | str | bytes | IO[bytes],
    *,
    model: str | Path | Parser = EMBEDDED,
    looks: int = 2,
    max_pixels: int = MAX_PIXELS,
) -> Parsing:
    """Which pixel of a picture is what.

    Args:
        picture: a path, a file's bytes, a binary file, or (H, W, 3) uint8 RGB, upright.
        model: a name, a path, or what `load` gave.
        looks: 1 for the whole frame only, 2 (better, and the default) for each face too.
        max_pixels: the most pixels a file may hold.

    Raises:
        ImageUnreadable, ImageTooLarge: as `read_image`.
        UnknownModel, ModelError: as `load`.

    >>> parsing = parse(np.zeros((90, 160, 3), np.uint8))
    >>> parsing.labels.shape, parsing.labels.dtype, len(parsing.faces)
    ((90, 160), dtype('uint8'), 0)
    """
    parser = model if isinstance(model, Parser) else load(model)
    image = (
        picture if isinstance(picture, np.ndarray) else read_image(picture, max_pixels=max_pixels)
    )
    return parser.parse(image, looks=looks)
