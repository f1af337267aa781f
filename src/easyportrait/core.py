"""The verbs behind every door: load a model, parse a picture, apply effects to it."""

from functools import lru_cache, partial
from pathlib import Path
from typing import IO

import numpy as np

from .effects.chain import Chain
from .image.io import MAX_PIXELS, Image, read_image
from .models.catalog import DEFAULT, find_model
from .models.parser import Parser
from .models.session import open_session
from .parsing import Parsing


def load(
    model: str | Path = DEFAULT, *, threads: int | None = None, runtime: str = "onnx"
) -> Parser:
    """A parser for a model, by name or path. The last few are kept and shared.

    Args:
        model: a name that `easyportrait models list` shows, or a path to an .onnx file.
        threads: cores that one run may use; None lets all.
        runtime: what runs it: "onnx" (ONNX Runtime) or "openvino".

    Raises:
        BadInput: there is no such runtime.
        MissingExtra: it is not installed.
        UnknownModel: there is none of that name.
        ModelError: its file is damaged or has no card.

    >>> load().card.classes[2]
    'skin'
    """
    path = find_model(model)
    return _load(path, path.stat().st_mtime_ns, threads, runtime)


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int, threads: int | None, runtime: str) -> Parser:
    return Parser(open_session(path, threads=threads, runtime=runtime))


def parse(
    picture: Image | Path | str | bytes | IO[bytes],
    *,
    model: str | Path | Parser = DEFAULT,
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


def apply(
    picture: Image | Path | str | bytes | IO[bytes] | Parsing,
    *,
    model: str | Path | Parser = DEFAULT,
    looks: int = 2,
    max_pixels: int = MAX_PIXELS,
    **effects: object,
) -> Image:
    """A picture after effects; docs/effects.md shows them all.

    Args:
        picture: as `parse`, or what `parse` gave, so that one parsing serves many tries.
        model, looks, max_pixels: as `parse`; of no use with a parsing.
        effects: by name, as `whiten_teeth=0.6`, `remove_red_eye=True` or
            `smooth_skin={"amount": 0.4, "detail": 0.8}`. `background` is "blur", "remove", a
            colour, or a picture as path or array. They run in the order of
            `easyportrait.EFFECTS`, whatever order they are written in.

    Returns:
        (H, W, 3) uint8 RGB, a new array; (H, W, 4) RGBA where the background is removed.

    Raises:
        BadKnob: no such effect, or it does not take that value.
        BadInput: the model does not know the classes that an effect needs.
        ImageUnreadable, ImageTooLarge, UnknownModel, ModelError: as `parse`.

    >>> apply(np.zeros((90, 160, 3), np.uint8), anonymize="blur").shape
    (90, 160, 3)
    """
    chain = Chain.of(effects, read=partial(read_image, max_pixels=max_pixels))
    if not isinstance(picture, Parsing):
        picture = parse(picture, model=model, looks=looks, max_pixels=max_pixels)
    return chain(picture)
