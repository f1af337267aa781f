"""What a target is: bytes in, and nothing comes out but our own errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from easyportrait.errors import EasyPortraitError

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
TARGETS = ("archives", "cards", "manifests", "meta_tables", "pictures", "recipes", "wishes")


@dataclass(frozen=True, slots=True)
class Target:
    """One of the readers of what strangers send.

    Attributes:
        name: of its file here and of its folder in `corpus/`.
        check: reads the bytes; any error of it but an EasyPortraitError is a find.
        seeds: a few good and odd files to begin with, by name.
        words: pieces that a random change would not hit upon.
    """

    name: str
    check: Callable[[bytes], None]
    seeds: Callable[[], Mapping[str, bytes]]
    words: tuple[bytes, ...]

    @property
    def corpus(self) -> Path:
        return CORPUS / self.name


def load(name: str) -> Target:
    module = import_module(f"fuzz.{name}")
    return Target(name, module.check, module.seeds, module.WORDS)


def refused(call: Callable[[], object]) -> bool:
    """Whether it was refused as it should be: by an error of ours, in one line.

    Raises:
        AssertionError: the line is none.
        BaseException: any other error, which nobody promised.
    """
    try:
        call()
    except EasyPortraitError as error:
        text = str(error)
        assert text and "Traceback" not in text, repr(text)
        return True
    return False
