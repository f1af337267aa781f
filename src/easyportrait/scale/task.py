"""What is done to one picture: bytes in, the bytes of its results out."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import cv2

from ..core import load
from ..data.building.pictures import Named, Reading, photo_file
from ..effects.chain import Chain
from ..image.blend import overlay
from ..image.io import MAX_PIXELS, Image, encode, read_image
from ..image.photo import encode_photo, read_photo, suffix_for
from ..models.catalog import find_model
from ..models.parser import Parser
from ..parsing import Parsing
from ..summary import summary

PHOTO = ".jpg"


@dataclass(frozen=True, slots=True)
class Done:
    """What a picture gave.

    Attributes:
        files: by suffix.
        row: what is said of it in the manifest.
    """

    files: dict[str, bytes]
    row: dict[str, Any]


class Task(Protocol):
    """Is pickled, sent to each worker, and called there for picture after picture."""

    @property
    def described(self) -> dict[str, Any]:
        """All that its results depend on: jobs of which it differs cannot share a folder."""
        ...

    @property
    def columns(self) -> dict[str, str]:
        """What each suffix is called in a table; the rest is "picture"."""
        ...

    def __call__(self, data: bytes, source: str) -> Done:
        """Raises: EasyPortraitError: the picture cannot be used."""
        ...


class Travelling:
    """A parser that can be sent: its model goes along, and is opened where it is used.

    Answers `card` and `parse` as `Parser` does. A worker has a core unless it is told
    otherwise, and so has the net.

    Args:
        model, runtime, threads: as `load`.

    Raises:
        UnknownModel, ModelError, MissingExtra: as `load`.
    """

    def __init__(self, model: str | Path, *, runtime: str = "onnx", threads: int = 1) -> None:
        path = find_model(model)
        self.card = load(path, threads=threads, runtime=runtime).card
        self._model, self._runtime, self._threads = path.read_bytes(), runtime, threads
        self._parser: Parser | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_parser": None}

    def parse(self, image: Image, *, looks: int = 2) -> Parsing:
        """As `Parser.parse`."""
        if self._parser is None:
            self._parser = self._open()
        return self._parser.parse(image, looks=looks)

    def _open(self) -> Parser:
        cv2.setNumThreads(self._threads)
        with TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            path.write_bytes(self._model)
            return load(path, threads=self._threads, runtime=self._runtime)


@dataclass(frozen=True, slots=True)
class Parse:
    """Labels of a picture, and what else is wanted.

    Attributes:
        parser: a `Travelling`, or anything that answers as a `Parser`.
        wants: of ".overlay.jpg", ".cutout.png" and ".json".
        photos: the picture too, as the labels lie over it: upright, JPEG.
    """

    parser: Any
    looks: int = 2
    wants: tuple[str, ...] = ()
    photos: bool = False
    max_pixels: int = MAX_PIXELS
    columns: dict[str, str] = field(
        default_factory=lambda: {
            ".png": "labels",
            ".overlay.jpg": "overlay",
            ".cutout.png": "cutout",
            ".json": "json",
            PHOTO: "photo",
        }
    )

    @property
    def described(self) -> dict[str, Any]:
        net = f"{self.parser.card.name} {self.parser.card.version}"
        wants = [*self.wants, *([PHOTO] if self.photos else [])]
        return {"command": "parse", "model": net, "looks": self.looks, "with": wants}

    def __call__(self, data: bytes, source: str) -> Done:
        files: dict[str, bytes] = {}
        if self.photos:
            reading = Reading(max_pixels=self.max_pixels)
            photo, image, _ = photo_file(data, source, reading)
            files[PHOTO] = photo.data
        else:
            image = read_image(Named(data, source), max_pixels=self.max_pixels)
        result = self.parser.parse(image, looks=self.looks)
        for suffix in self.wants:
            files[suffix] = extra(suffix, result, source)
        net = f"{self.parser.card.name} {self.parser.card.version}"
        # as the command `parse` writes it, so that either goes on where the other was
        notes = {
            "easyportrait": f"labels by {net}, {self.looks} looks",
            "with": " ".join([*self.wants, ".png"]),
        }
        files[".png"] = encode(result.labels, ".png", text=notes)
        height, width = image.shape[:2]
        return Done(files, {"width": width, "height": height, "faces": len(result.faces)})


def extra(suffix: str, result: Parsing, source: str) -> bytes:
    if suffix == ".overlay.jpg":
        laid = overlay(result.image, result.labels, result.taxonomy)
        return encode(laid, ".jpg", text={"easyportrait": "overlay"})
    if suffix == ".cutout.png":
        return encode(result.cutout(), ".png", text={"easyportrait": "cutout"})
    return json.dumps(summary(result, source), indent=2).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Apply:
    """A picture after effects.

    Attributes:
        parser: as `Parse`.
        chain: the effects.
        keep_place: keep where it was taken (GPS).
    """

    parser: Any
    chain: Chain
    looks: int = 2
    keep_place: bool = False
    max_pixels: int = MAX_PIXELS
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def described(self) -> dict[str, Any]:
        net = f"{self.parser.card.name} {self.parser.card.version}"
        return {
            "command": "apply",
            "model": net,
            "looks": self.looks,
            "effects": self.chain.described,
            "keep_location": self.keep_place,
        }

    def __call__(self, data: bytes, source: str) -> Done:
        named = Named(data, source)
        photo = read_photo(named, max_pixels=self.max_pixels, keep_place=self.keep_place)
        parsing = self.parser.parse(photo.image, looks=self.looks)
        after = self.chain(parsing)
        suffix = suffix_for(Path(source), self.chain.makes_transparency)
        notes = {
            "easyportrait": f"effects by {parsing.model}, {self.looks} looks",
            "effects": json.dumps(self.chain.described),
        }
        height, width = after.shape[:2]
        row = {"width": width, "height": height, "faces": len(parsing.faces)}
        return Done({suffix: encode_photo(after, suffix, photo, text=notes)}, row)
