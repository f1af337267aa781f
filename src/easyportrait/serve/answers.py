"""The work itself: bytes of a picture in, bytes of an answer out. It runs in a thread."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..effects import EFFECTS
from ..effects.chain import Chain
from ..errors import BadInput
from ..image.io import encode, read_image
from ..image.photo import encode_photo, read_photo
from ..models.parser import Parser
from ..summary import summary

OUTPUTS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
SOURCE = "picture"  # what answers call it: a file's name is the sender's own affair


@dataclass(frozen=True, slots=True)
class Answer:
    """A body and what it is."""

    body: bytes
    type: str


def parsed(parser: Parser, picture: bytes, *, want: str, looks: int, max_pixels: int) -> Answer:
    """A parsing as `want` says: "labels", "json" or "cutout".

    Raises:
        ImageUnreadable, ImageTooLarge, BadInput: as `easyportrait.parse` and `Parsing.cutout`.
    """
    parsing = parser.parse(read_image(picture, max_pixels=max_pixels), looks=looks)
    if want == "json":
        found = json.dumps(summary(parsing, SOURCE), indent=2)
        return Answer(found.encode() + b"\n", "application/json")
    pixels = parsing.cutout() if want == "cutout" else parsing.labels
    notes = {"easyportrait": f"{want} by {parsing.model}, {looks} looks"}
    return Answer(encode(pixels, ".png", text=notes), OUTPUTS["png"])


def applied(
    parser: Parser,
    picture: bytes,
    *,
    wishes: Mapping[str, Any],
    background: bytes | None,
    output: str | None,
    looks: int,
    max_pixels: int,
) -> Answer:
    """A picture after effects, with the EXIF and colour profile that `apply` keeps.

    Args:
        wishes: as `Chain.of` takes them. No path is opened.
        background: the file of the picture behind people.
        output: a key of `OUTPUTS`; None: as what came in, if that is one.

    Raises:
        BadKnob, BadInput, ImageUnreadable, ImageTooLarge: as `easyportrait.apply`.
    """
    wished = dict(wishes)
    if background is not None:
        if wished.get("background"):
            raise BadInput("there are two backgrounds: in effects, and as a part of the form")
        wished["background"] = read_image(background, max_pixels=max_pixels)
    chain = chain_of(wished)
    output = output or fitting(picture, chain.makes_transparency)
    if output == "jpeg" and chain.makes_transparency:
        raise BadInput("JPEG has no transparency: ask for png or webp")
    photo = read_photo(picture, max_pixels=max_pixels)
    parsing = parser.parse(photo.image, looks=looks)
    notes = {
        "easyportrait": f"effects by {parsing.model}, {looks} looks",
        "effects": json.dumps(chain.described),
    }
    return Answer(encode_photo(chain(parsing), f".{output}", photo, text=notes), OUTPUTS[output])


def chain_of(wishes: Mapping[str, Any]) -> Chain:
    try:
        chain = Chain.of(wishes)
    except RecursionError:
        raise BadInput("effects are nested too deeply") from None
    if not chain.steps:
        raise BadInput(f"name an effect: background, {', '.join(EFFECTS)}")
    return chain


def read_wishes(text: str) -> dict[str, Any]:
    """Effects as a request writes them.

    Raises:
        BadInput: it is no JSON object, or says something twice.

    >>> read_wishes('{"whiten-teeth": 0.6, "background": "blur"}')
    {'whiten-teeth': 0.6, 'background': 'blur'}
    """
    try:
        wishes = json.loads(text or "{}", object_pairs_hook=said_once)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"effects is no JSON: {error}") from None
    if not isinstance(wishes, dict):
        raise BadInput('effects is a JSON object, as {"whiten-teeth": 0.6, "background": "blur"}')
    return wishes


def said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises: BadInput: an object has a name twice, and readers differ in which one counts."""
    read: dict[str, Any] = {}
    for name, value in pairs:
        name = name.replace("_", "-")  # which effects take for the same
        if name in read:
            raise BadInput(f"{name!r} is said twice")
        read[name] = value
    return read


def fitting(picture: bytes, transparent: bool) -> str:
    """The kind of file to answer with: what came in where it is one of ours, PNG for what
    loses nothing, JPEG for the rest; as the command line has it."""
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return "webp"
    if transparent:
        return "png"
    is_lossy = picture[:3] == b"\xff\xd8\xff" or picture[4:8] == b"ftyp"
    return "jpeg" if is_lossy else "png"
