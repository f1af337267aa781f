"""What is known of each picture, in columns, and which pictures meet a wish.

The table tells some of it at once; the rest comes in while the page is open, from looks at
the files, from a model that is compared, from findings. What is not known meets no
condition: a picture whose mask was not looked at yet neither has teeth nor lacks them.
"""

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, quote

import numpy as np
import numpy.typing as npt

from ...errors import BadInput, EasyPortraitError
from ...image.io import read_image, read_mask
from ...taxonomy import CLASSES
from ..easyportrait import EasyPortrait, Range
from ..files import File, opened
from ..layout import Entry
from ..meta import SPLITS, brightness
from ..verify import Finding

UNKNOWN = "unknown"  # pixels of no class: 255, and whatever else a mask holds by mistake
PRESENT = (*CLASSES.names, UNKNOWN)
MEAN = "mean"
SCORES = (MEAN, *CLASSES.names)
ANY = "any"

SORTS = ("name", "user", "brightness", "size", "score")
NOT_YET = -1  # pixels, before a mask was looked at

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


# -- one picture ---------------------------------------------------------------------------


def key_of(entry: Entry) -> str:
    """A picture's name as addresses and the store have it: ASCII, whatever the name is."""
    return quote(entry.name, safe="", errors="surrogateescape")


def stamp(entry: Entry) -> str:
    """Changes when the picture or its mask does."""
    return f"{_mark(entry.image_file)} {_mark(entry.mask_file)}"


def _mark(file: Any) -> str:
    if not isinstance(file, File):
        return f"{zlib.crc32(file.read()):08x}"
    if file.place:
        return f"{file.place.size}:{file.place.crc:08x}"
    try:
        status = file.path.stat()
    except OSError:
        return "gone"
    return f"{status.st_size}@{status.st_mtime_ns}"


@dataclass(frozen=True, slots=True)
class Look:
    """What the files of a picture tell.

    Attributes:
        counts: pixels of each class, and last of no class; None if the mask is unreadable.
        width, height, brightness: as in the table's schema; None if not needed, or
            unknown.
        problems: what cannot be read, a line each.
    """

    counts: tuple[int, ...] | None
    width: int | None
    height: int | None
    brightness: float | None
    problems: tuple[str, ...]


def look_at(entry: Entry) -> Look:
    """Read the mask; and the picture as well, if its table has no measures of it."""
    counts, problems = None, []
    try:
        mask = read_mask(opened(entry.mask_file))
        of_value = np.bincount(mask.ravel(), minlength=256)
        of_class = of_value[: len(CLASSES)].tolist()
        counts = (*of_class, int(of_value[len(CLASSES) :].sum()))
    except EasyPortraitError as error:
        problems.append(str(error))
    if all(entry.meta.get(field) is not None for field in ("width", "height", "brightness")):
        return Look(counts, None, None, None, tuple(problems))
    try:
        image = read_image(opened(entry.image_file))
    except EasyPortraitError as error:
        return Look(counts, None, None, None, (str(error), *problems))
    height, width = image.shape[:2]
    return Look(counts, width, height, brightness(image), tuple(problems))


# -- a wish --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """Which pictures, and in which order. What is left empty does not matter.

    Attributes:
        split: in any of these.
        has, lacks: classes (or "unknown") of which the mask has some; has none.
        user: this one.
        name: these letters are in the name, large or small.
        brightness: (least, most), both included; None leaves an end open.
        size: the same for the shorter side, in pixels.
        finding: with a finding of any of these kinds; "any" stands for all kinds.
        score: (least, most) IoU of prediction and mask, in [0, 1].
        of: which IoU: "mean" of the classes that are there, or one class's.
        flagged: those that are; those that are not.
        sort: one of `SORTS`; with "-" before it, the other way round.
    """

    split: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    user: str = ""
    name: str = ""
    brightness: Range = (None, None)
    size: Range = (None, None)
    finding: tuple[str, ...] = ()
    score: Range = (None, None)
    of: str = MEAN
    flagged: bool | None = None
    sort: str = "name"

    @classmethod
    def read(cls, query: str) -> "Wish":
        """From the query of an address: `split=train,val&has=teeth&score=..0.6&sort=score`.

        Raises:
            BadInput: there is no such condition, or no such value for it.
        """
        wanted = {}
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50)
        except ValueError as error:
            raise BadInput(f"the address asks for too much: {error}") from None
        for name, text in pairs:
            if name not in READERS:
                raise BadInput(
                    f"pictures cannot be chosen by {name!r}; they can by "
                    f"{', '.join(field.name for field in fields(cls))}"
                )
            if text:
                wanted[name] = READERS[name](name, text)
        return cls(**wanted)


def some_of(known: Sequence[str]) -> Callable[[str, str], tuple[str, ...]]:
    def read(name: str, text: str) -> tuple[str, ...]:
        return tuple(one_of(known)(name, word) for word in text.split(","))

    return read


def one_of(known: Sequence[str]) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in known:
            raise BadInput(f"{name} is one of {', '.join(known)}, not {text!r}")
        return text

    return read


def a_range(name: str, text: str) -> Range:
    """
    >>> a_range("size", "720.."), a_range("score", "..0.5")
    ((720.0, None), (None, 0.5))
    """
    least, dots, most = text.partition("..")
    try:
        ends = tuple(float(end) if end else None for end in (least, most))
    except ValueError:
        ends = (math.nan, math.nan)
    if not dots or any(end is not None and not math.isfinite(end) for end in ends):
        raise BadInput(f"{name} is LEAST..MOST, either of which may be left out, not {text!r}")
    return ends[0], ends[1]


def yes_or_no(name: str, text: str) -> bool:
    return one_of(("yes", "no"))(name, text) == "yes"


READERS: Mapping[str, Callable[[str, str], Any]] = {
    "split": some_of(SPLITS),
    "has": some_of(PRESENT),
    "lacks": some_of(PRESENT),
    "user": lambda _, text: text,
    "name": lambda _, text: text,
    "brightness": a_range,
    "size": a_range,
    "finding": lambda _, text: tuple(text.split(",")),
    "score": a_range,
    "of": one_of(SCORES),
    "flagged": yes_or_no,
    "sort": one_of([*SORTS, *(f"-{sort}" for sort in SORTS)]),
}


# -- all pictures --------------------------------------------------------------------------


class Pictures:
    """A dataset's pictures in columns, in the dataset's order; a picture's id is its place.

    Jobs write rows while requests read them. Each value stands for itself, so whoever
    reads meanwhile sees a picture as it was or as it is; no lock is needed.

    Attributes:
        entries: the files.
        keys, ids: the key of each picture, and the id of each key.
        counts: (N, 10) pixels of each class and of no class, or -1.
        scores: (N, 10) IoU: the mean, then each class; NaN where there is none.
        is_scored: (N,).
        is_flagged: (N,).
        problems: why the files of a picture cannot be read, by id.
        uncompared: why a picture cannot be compared, by id.
        findings: by id.
        elsewhere: findings that are about no picture that is here.
    """

    def __init__(self, dataset: EasyPortrait) -> None:
        self.root = dataset.root
        self.entries = dataset.entries
        self.keys = [key_of(entry) for entry in self.entries]
        self.ids = {key: i for i, key in enumerate(self.keys)}
        self.of_split = np.array([SPLITS.index(entry.split) for entry in self.entries])
        self.users = [entry.meta.get("user") or "" for entry in self.entries]
        self.brightness = self._column("brightness")
        self.widths, self.heights = self._column("width"), self._column("height")
        self.counts = np.full((len(self), len(PRESENT)), NOT_YET, np.int64)
        self.scores = np.full((len(self), len(SCORES)), np.nan)
        self.is_scored = np.zeros(len(self), bool)
        self.is_flagged = np.zeros(len(self), bool)
        self.problems: dict[int, tuple[str, ...]] = {}
        self.uncompared: dict[int, str] = {}
        self.take_findings(())
        self._names = [entry.name.lower() for entry in self.entries]
        self._user_array = np.array(self.users, dtype=object)

    def __len__(self) -> int:
        return len(self.entries)

    def _column(self, field: str) -> Floats:
        values = (entry.meta.get(field) for entry in self.entries)
        return np.array([math.nan if value is None else value for value in values], float)

    # -- what comes in ---------------------------------------------------------------------

    def take_look(self, i: int, look: Look) -> None:
        for column, value in (
            (self.widths, look.width),
            (self.heights, look.height),
            (self.brightness, look.brightness),
        ):
            if value is not None and math.isnan(column[i]):
                column[i] = value
        self.counts[i] = NOT_YET if look.counts is None else look.counts
        if look.problems:
            self.problems[i] = look.problems

    def take_scores(self, i: int, scores: Sequence[float]) -> None:
        self.scores[i] = scores
        self.is_scored[i] = True

    def take_findings(self, findings: Sequence[Finding]) -> None:
        """These instead of those there were."""
        by_picture: dict[int, list[Finding]] = {}
        elsewhere = []
        by_kind: dict[str, Bools] = {}
        for finding in findings:
            about = self._about(finding)
            for i in about:
                by_picture.setdefault(i, []).append(finding)
            if about:
                by_kind.setdefault(finding.kind, np.zeros(len(self), bool))[about] = True
            else:
                elsewhere.append(finding)
        self.findings, self.by_kind, self.elsewhere = by_picture, by_kind, elsewhere

    def _about(self, finding: Finding) -> list[int]:
        """The pictures that a finding is about, as far as they are here."""
        if finding.kind == "user-in-two-splits":  # named after the user; lists a few of theirs
            return [i for i, user in enumerate(self.users) if user == finding.name]
        listed = finding.details.get("pictures") or [[finding.split, finding.name]]
        keys = ((split, quote(name, safe="", errors="surrogateescape")) for split, name in listed)
        there = ((split, self.ids[key]) for split, key in keys if key in self.ids)
        return [i for split, i in there if split in ("", self.entries[i].split)]

    # -- what is asked ---------------------------------------------------------------------

    def find(self, key: str) -> int | None:
        return self.ids.get(key)

    def which(self, wish: Wish) -> list[int]:
        """The ids of the pictures that meet a wish, in its order; where the order asks for
        what is not known of a picture, it comes last."""
        keep = np.ones(len(self), bool)
        if wish.split:
            keep &= np.isin(self.of_split, [SPLITS.index(split) for split in wish.split])
        for name in wish.has:
            keep &= self.counts[:, PRESENT.index(name)] > 0
        for name in wish.lacks:
            keep &= self.counts[:, PRESENT.index(name)] == 0
        if wish.user:
            keep &= self._user_array == wish.user
        if wish.name:
            letters = wish.name.lower()
            keep &= np.array([letters in name for name in self._names], bool)
        keep &= within(self.brightness, wish.brightness)
        keep &= within(np.minimum(self.widths, self.heights), wish.size)
        if wish.finding:
            keep &= self._with_finding(wish.finding)
        keep &= within(self.scores[:, SCORES.index(wish.of)], wish.score)
        if wish.flagged is not None:
            keep &= self.is_flagged == wish.flagged
        order = self._order(wish)
        return [int(i) for i in order[keep[order]]]

    def _with_finding(self, kinds: Sequence[str]) -> Bools:
        wanted = self.by_kind if ANY in kinds else kinds
        found = np.zeros(len(self), bool)
        for kind in wanted:
            found |= self.by_kind.get(kind, False)
        return found

    def _order(self, wish: Wish) -> npt.NDArray[np.intp]:
        sort, is_down = wish.sort.removeprefix("-"), wish.sort.startswith("-")
        if sort == "name":
            order = np.arange(len(self))
            return order[::-1] if is_down else order
        if sort == "user":
            ranks = {user: rank for rank, user in enumerate(sorted({*self.users} - {""}))}
            values = np.array([ranks.get(user, math.nan) for user in self.users], float)
        else:
            values = {
                "brightness": self.brightness,
                "size": np.minimum(self.widths, self.heights),
                "score": self.scores[:, SCORES.index(wish.of)],
            }[sort]
        return np.argsort(-values if is_down else values, kind="stable")  # NaN is last in both


def within(values: Floats, limits: Range) -> Bools:
    """NaN is within no limits but open ones."""
    least, most = limits
    keep = np.ones(len(values), bool)
    if least is not None:
        keep &= values >= least
    if most is not None:
        keep &= values <= most
    return keep
