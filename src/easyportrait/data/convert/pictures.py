"""Where the picture lies that an annotation file speaks of by name or address."""

from pathlib import Path, PurePosixPath

from ...errors import BadInput
from ...image.io import SUFFIXES
from ..files import File, files_in
from .pairs import SPLIT_WORDS
from .samples import How

Place = tuple[tuple[str, ...], File]


class Pictures:
    """The pictures of a folder or zip.

    Raises:
        BadInput: the zip is damaged.
    """

    def __init__(self, src: Path) -> None:
        self._places: dict[str, list[Place]] = {}
        for parts, file in files_in(src):
            if PurePosixPath(parts[-1]).suffix.lower() in SUFFIXES:
                self._places.setdefault(parts[-1], []).append((parts, file))

    def find(self, name: str, split: str | None, how: How) -> tuple[File, str]:
        """The picture that a name means, and its split.

        Annotation tools know folders of their own, so a name's last part counts; the more of
        its folders a picture has around it, the better, then its split. A Windows path will do.

        Args:
            split: that the annotations say it is of, if they do; else a folder named for a
                split does, else `how.split`.

        Raises:
            BadInput: there is no such picture, or two are as good.
        """
        wanted = PurePosixPath(name.replace("\\", "/")).parts
        there = self._places.get(wanted[-1] if wanted else "", [])
        if not there:
            raise BadInput(f"the picture {name!r} is not there")

        def fit(place: Place) -> tuple[int, bool]:
            return _alike(place[0], wanted), split is not None and _split(place[0]) == split

        best = max(fit(place) for place in there)
        (parts, file), *others = (place for place in there if fit(place) == best)
        if others:
            raise BadInput(f"the picture {name!r} may be {file} or {others[0][1]}")
        return file, split or _split(parts) or how.split


def split_word(word: str | None) -> str | None:
    """train, val or test for what a tool calls a subset, such as Train; else None."""
    return SPLIT_WORDS.get((word or "").lower())


def _split(parts: tuple[str, ...]) -> str | None:
    splits = {SPLIT_WORDS[part] for part in parts[:-1] if part in SPLIT_WORDS}
    return splits.pop() if len(splits) == 1 else None


def _alike(parts: tuple[str, ...], wanted: tuple[str, ...]) -> int:
    """How many of the last parts of two paths are the same."""
    same = 0
    for a, b in zip(reversed(parts), reversed(wanted), strict=False):
        if a != b:
            break
        same += 1
    return same
