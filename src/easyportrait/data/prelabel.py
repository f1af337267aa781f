"""A net's masks as a start for annotators: how sure it is, and every format of `data convert`.

Masks come first, one file a photograph, so that a long job can be taken up again. The formats
are written from them, each as a whole, and never over what somebody has changed since.
"""

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import OutputUnwritable, SomeFailed
from ..image.io import written
from ..taxonomy import CLASSES, IGNORE, Mask, Taxonomy
from .convert import WRITERS
from .convert.run import transfer, without_repeats
from .convert.samples import Found, How, Notes

Float = npt.NDArray[np.float32]

LIKELY = 0.6  # a pixel whose class has less probability is called unsure
FLOOR = 0.1  # a class's probability under this says nothing
FEWEST = 1e-5  # of a picture's pixels: a class of which less is to be expected is not there

RECORD = ".prelabel"  # inside a format's folder: what it was made from, and what was made


# -- how sure ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sureness:
    """How sure a net is of one mask.

    Attributes:
        sure: in [0, 1]; the mean IoU that the mask has if the net's probabilities are right,
            over the classes that it sees or half sees.
        least_class: the class with the lowest such IoU.
        least_sure: that IoU.
        unsure_pixels: the share of pixels whose class has a probability under `LIKELY`.
    """

    sure: float
    least_class: str
    least_sure: float
    unsure_pixels: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Sureness | None":
        """None if the text is no such."""
        try:
            told = json.loads(text)
            return cls(**{field.name: told[field.name] for field in fields(cls)})
        except (ValueError, KeyError, TypeError):
            return None


def judged(
    labels: Mask, region: Callable[[str], Float], taxonomy: Taxonomy
) -> tuple[Sureness, Float]:
    """How sure a net is, and the probability of each pixel's class.

    Args:
        labels: (H, W) uint8 of the taxonomy's indices.
        region: gives a class's (H, W) float32 probabilities, an array to be changed. One is
            held at a time.

    Returns:
        Also (H, W) float32 in [0, 1].
    """
    best = np.zeros(labels.shape, np.float32)
    expected = {}
    for value, name in enumerate(taxonomy.names):
        probs, there = region(name), labels == value
        np.copyto(best, probs, where=there)
        np.copyto(probs, 0, where=probs < FLOOR)
        both, pixels = float(probs[there].sum(dtype=np.float64)), int(there.sum())
        either = pixels + float(probs.sum(dtype=np.float64)) - both
        if either >= max(1, FEWEST * labels.size):
            expected[name] = both / either
    least = min(expected, key=lambda name: expected[name])
    mean = sum(expected.values()) / len(expected)
    unsure = float((best < LIKELY).mean())
    return Sureness(round(mean, 4), least, round(expected[least], 4), round(unsure, 6)), best


def as_nine(labels: Mask, taxonomy: Taxonomy) -> Mask:
    """A mask of one of the tasks in our nine classes, by name."""
    table = np.array([CLASSES.index(name) for name in taxonomy.names], np.uint8)
    return table[labels]


def doubted(mask: Mask, best: Float, below: float) -> Mask:
    """The mask with 255 where the probability of the class is below `below`."""
    return np.where(best < below, np.uint8(IGNORE), mask)


def write_order(path: Path, rows: Iterable[tuple[Path | str, str, Sureness]]) -> None:
    """A CSV file with a line a photograph, the least sure first: where annotators begin.

    Args:
        rows: the photograph's path, its name among the results, and the sureness.

    Raises:
        OutputUnwritable: it cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["photo", "name", *(field.name for field in fields(Sureness))])
    table.writerows([photo, name, *astuple(one)] for photo, name, one in least_sure_first(rows))
    with written(path) as file:
        file.write(text.getvalue().encode("utf-8", "backslashreplace"))


def least_sure_first(
    rows: Iterable[tuple[Path | str, str, Sureness]],
) -> list[tuple[Path | str, str, Sureness]]:
    return sorted(rows, key=lambda row: (row[2].sure, row[1]))


# -- formats -------------------------------------------------------------------------------


def deliver(
    found: Sequence[Found],
    out: Path,
    target: str,
    how: How,
    notes: Notes,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> bool:
    """Write masks in one of `data convert`'s formats, in the place of what was there before.

    Args:
        found: photographs and masks that are files.
        out: the folder to be written or replaced.
        notes: filled with what was lost or changed.

    Returns:
        False if `out` holds just this already.

    Raises:
        OutputUnwritable: `out` holds what this did not write, or what was changed since: it
            may be somebody's work. Or it cannot be written.
        SomeFailed: a photograph cannot be read any more; the others are written.
    """
    origin = _origin(found, how)
    if out.exists():
        made_from, files = _record(out)
        if changed := _changed(out, files):
            raise OutputUnwritable(
                f"{changed} is not as it was written: somebody may have worked on it. Nothing was "
                f"written over it; move {out} away, or name another folder"
            )
        if made_from == origin:
            return False
    part, old = (out.with_name(f".{out.name}.{kind}") for kind in ("part", "old"))
    for left_over in (part, old):
        shutil.rmtree(left_over, ignore_errors=True)
    named = without_repeats(found, notes)
    with suppress(SomeFailed):  # what is lost is told below, when the rest is in its place
        transfer(out, part, named, WRITERS[target], how, notes, partial=True, progress=progress)
    try:
        record = {"from": origin, "files": _hashes(part)}
        (part / RECORD).write_text(json.dumps(record), encoding="utf-8")
        if out.exists():
            out.rename(old)
        part.rename(out)
    except OSError as error:
        raise OutputUnwritable(f"{out} cannot be written: {error.strerror or error}") from error
    shutil.rmtree(old, ignore_errors=True)
    if notes.lost:
        raise SomeFailed(f"{len(notes.lost)} of {len(found)} photos are not in {out}")
    return True


def _origin(found: Sequence[Found], how: How) -> str:
    """Says whether anything is different from the last time."""
    rows = []
    for one in found:
        path = Path(str(one.image_file))
        rows.append((one.name, str(path), path.stat().st_mtime_ns, one.meta))
    text = json.dumps([rows, asdict(how)], default=str, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _record(folder: Path) -> tuple[str, dict[str, str]]:
    """What a format's folder was made from, and its files with their hashes; nothing, if it
    is not ours."""
    try:
        told = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return str(told["from"]), dict(told["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", {}


def _hashes(folder: Path) -> dict[str, str]:
    """Of every file but photographs, which annotation tools read and do not write."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != RECORD)
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.suffix != ".jpg"
    }


def _changed(folder: Path, recorded: dict[str, str]) -> Path | None:
    """A file that is not as recorded, or not recorded, or gone; None if all is as it was."""
    there = _hashes(folder)
    differ = [name for name in there | recorded if there.get(name) != recorded.get(name)]
    if differ:
        return folder / differ[0]
    return None if recorded else folder
