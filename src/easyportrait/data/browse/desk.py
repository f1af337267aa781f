"""All that the page can ask, answered: rows, pictures, masks, findings, flags."""

import hashlib
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BadInput, EasyPortraitError, OutputUnwritable, ShapeMismatch
from ...image.io import read_image
from ...taxonomy import CLASSES, Mask
from ..checks import CHECKS
from ..easyportrait import EasyPortrait, several
from ..evidence import Thresholds
from ..files import opened
from ..pool import in_order
from ..verify import Finding, verify
from .compare import Model, agreement
from .findings import parsed
from .flags import read_flags, write_flags
from .index import PRESENT, SCORES, Look, Pictures, Wish, look_at, stamp
from .jobs import Courtesy, Job
from .render import Kept, Labels, labels_of, packed, photograph, smaller, thumbnail
from .store import Store

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds between two writes of looks
LAST_WAIT = 10.0  # seconds for which the end waits for jobs


@dataclass(frozen=True, slots=True)
class Options:
    """How a dataset is browsed.

    Attributes:
        model: to compare with the masks.
        findings: of `data verify`, to be shown instead of those it finds here.
        allow_255: what verify is told when it runs here.
        flags: a file for the names that are flagged, read first; without it they are kept
            in the store.
        workers: threads of each job.
    """

    model: Model | None = None
    findings: Sequence[Finding] | None = None
    allow_255: bool = False
    flags: Path | None = None
    workers: int = 1


class Desk:
    """A dataset as the page sees it.

    Args:
        dataset: all of it, or a view.
        store: what is known from before, and where to keep what is new.

    Raises:
        BadInput: the file of flags cannot be read.
    """

    def __init__(self, dataset: EasyPortrait, store: Store, options: Options | None = None) -> None:
        self.dataset, self.store = dataset, store
        self.options = options or Options()
        self.pictures = Pictures(dataset)
        self.courtesy, self.kept = Courtesy(), Kept()
        self.has_findings = self._has_complained = False
        self._revision = 0
        self._lock = threading.Lock()
        self._flags_lock = threading.Lock()
        self.stamps = [stamp(entry) for entry in dataset.entries]
        self._recall()
        self.jobs = {"classes": Job("classes", self._look_at_all, self.courtesy)}
        if self.options.model is not None:
            self.jobs["compare"] = Job("compare", self._compare_all, self.courtesy)

    def start(self) -> None:
        """Begin the work in the background."""
        for job in self.jobs.values():
            job.start()

    def close(self) -> None:
        """End it, and keep what it has."""
        for job in self.jobs.values():
            job.stop()
        for job in self.jobs.values():
            job.join(LAST_WAIT)
        self.store.close()

    @property
    def model(self) -> Model | None:
        return self.options.model

    def _changed(self) -> None:
        with self._lock:
            self._revision += 1

    # -- what is known from before ---------------------------------------------------------

    def _recall(self) -> None:
        self._recall_flags()
        ids = self.pictures.ids
        self._looked: set[int] = set()
        for key, (mark, look) in self.store.looks().items():
            if key in ids and self.stamps[ids[key]] == mark:
                self.pictures.take_look(ids[key], look)
                self._looked.add(ids[key])
        if self.model is not None:
            for key, (mark, scores) in self.store.scores(self.model.key).items():
                if key in ids and self.stamps[ids[key]] == mark:
                    self.pictures.take_scores(ids[key], scores)
        if self.options.findings is not None:
            self._take_findings(self.options.findings)
        elif (text := self.store.note(self._findings_key())) is not None:
            self._take_findings(parsed(text, str(self.store.path)))

    def _recall_flags(self) -> None:
        file = self.options.flags
        if file is not None:
            names = read_flags(file)
        else:
            names = json.loads(self.store.note("flags") or "[]")
        ids = {entry.name: i for i, entry in enumerate(self.dataset.entries)}
        for name in names:
            if name in ids:
                self.pictures.is_flagged[ids[name]] = True
        self._strange_flags = [name for name in names if name not in ids]
        if self._strange_flags and file is not None:
            log.warning(
                "%s: %s; they stay in the file",
                file,
                several(f"names are not in {self.pictures.root}", self._strange_flags),
            )

    def _findings_key(self) -> str:
        """Under which findings are kept: another when any file changes."""
        digest = hashlib.sha256(str(self.options.allow_255).encode())
        for key, mark in zip(self.pictures.keys, self.stamps, strict=True):
            digest.update(f"{key} {mark}\n".encode())
        return f"findings {digest.hexdigest()}"

    def _take_findings(self, findings: Sequence[Finding]) -> None:
        self.pictures.take_findings(findings)
        self.has_findings = True
        self._changed()

    def _keep(self, how: Callable[..., None], *what: Any) -> None:
        """Results that cannot be kept are worked out again next time; they count all the same."""
        try:
            how(*what)
        except OutputUnwritable as error:
            if not self._has_complained:
                log.warning("%s; results are not kept", error)
            self._has_complained = True

    # -- work in the background ------------------------------------------------------------

    def _look_at_all(self, job: Job) -> None:
        new: list[tuple[str, str, Look]] = []
        saved = time.monotonic()
        todo = [i for i in range(len(self.pictures)) if i not in self._looked]
        try:
            for i, look in self._each(job, todo, self._look_at):
                self.pictures.take_look(i, look)
                self._changed()
                new.append((self.pictures.keys[i], self.stamps[i], look))
                if time.monotonic() - saved > EVERY:
                    self._keep(self.store.keep_looks, new)
                    new, saved = [], time.monotonic()
        finally:
            self._keep(self.store.keep_looks, new)

    def _look_at(self, i: int) -> Look:
        return look_at(self.dataset.entries[i])

    def _compare_all(self, job: Job) -> None:
        todo = [i for i in range(len(self.pictures)) if not self.pictures.is_scored[i]]
        for _ in self._each(job, todo, self._compare_or_note):
            pass

    def _compare_or_note(self, i: int) -> None:
        if self.pictures.is_scored[i]:  # someone looked at it meanwhile
            return
        try:
            self.compare(i)
        except EasyPortraitError as error:
            self.pictures.uncompared[i] = str(error)
            self._changed()

    def _each(
        self, job: Job, todo: Sequence[int], do: Callable[[int], Any]
    ) -> Iterable[tuple[int, Any]]:
        """Do something to each of some pictures; those left out count as done."""
        total = len(self.pictures)
        done = total - len(todo)
        job.step(done, total)
        with (
            ThreadPoolExecutor(self.options.workers) as pool,
            closing(in_order(pool, do, todo)) as results,  # type: ignore[type-var]
        ):
            for i, result in results:
                yield i, result
                done += 1
                job.step(done, total)

    def verify(self) -> None:
        """Begin to verify the dataset, unless that is going on."""
        with self._lock:
            if "verify" in self.jobs and self.jobs["verify"].is_running:
                return
            job = Job("verify", self._verify, self.courtesy)
            self.jobs = self.jobs | {"verify": job}  # anew: others may be reading it
            job.start()

    def _verify(self, job: Job) -> None:
        thresholds = Thresholds(allow_255=self.options.allow_255)
        report = verify(self.pictures.root, thresholds, progress=job.step)
        self._take_findings(report.findings)
        self._keep(self.store.keep_note, self._findings_key(), report.to_json())

    # -- one picture against the model -----------------------------------------------------

    def compare(self, i: int) -> Mask:
        """What the model says of a picture, (H, W) uint8 of the nine classes; asked once.

        Raises:
            BadInput: there is no model.
            ImageUnreadable, ImageTooLarge, ShapeMismatch: picture or mask cannot be used.
        """
        if self.model is None:
            raise BadInput("there is no model to compare with; -m MODEL names one")
        key, mark, entry = self.pictures.keys[i], self.stamps[i], self.dataset.entries[i]
        known = self.store.prediction(self.model.key, key, mark)
        if known is not None and self.pictures.is_scored[i]:
            return known
        mask = labels_of(entry)
        image = read_image(opened(entry.image_file))
        if image.shape[:2] != mask.shape:
            raise ShapeMismatch(
                f"{entry.split}/{entry.name}: the picture is {image.shape[:2]} (height, width), "
                f"its mask {mask.shape}; they cannot be compared"
            )
        labels = self.model.labels(image)
        scores = agreement(self.model.tell(mask), labels)
        self._keep(self.store.keep_comparison, self.model.key, key, mark, scores, labels)
        self.pictures.take_scores(i, scores)
        self._changed()
        return labels

    # -- answers: words --------------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        """What does not change while the page is open."""
        return {
            "root": printable(str(self.pictures.root)),
            "name": printable(self.pictures.root.resolve().name),
            "total": len(self.pictures),
            "splits": self.dataset.splits,
            "users": len({*self.pictures.users} - {""}),
            "classes": [{"name": label.name, "rgb": label.rgb} for label in CLASSES.labels],
            "present": PRESENT,
            "scores": SCORES,
            "model": self.model and {"name": self.model.name, "task": self.model.task},
            "checks": {c.kind: {"means": c.means, "mend": c.mend} for c in CHECKS},
            "flags_file": None if self.options.flags is None else str(self.options.flags),
        }

    def state(self) -> dict[str, Any]:
        """What does: how far the jobs are, and what they found so far."""
        p = self.pictures
        return {
            "revision": self._revision,
            "jobs": [
                {
                    "what": job.what,
                    "done": job.done,
                    "total": job.total,
                    "running": job.is_running,
                    "problem": printable(job.problem),
                }
                for job in self.jobs.values()
            ],
            "classes": dict(zip(PRESENT, (p.counts > 0).sum(0).tolist(), strict=True)),
            "brightness": span(p.brightness),
            "size": span(np.minimum(p.widths, p.heights)),
            "scored": int(p.is_scored.sum()),
            "findings": (
                {kind: int(found.sum()) for kind, found in p.by_kind.items()}
                if self.has_findings
                else None
            ),
            "elsewhere": len(p.elsewhere),
            "flagged": int(p.is_flagged.sum()),
        }

    def which(self, query: str) -> dict[str, Any]:
        """The ids of the pictures that an address asks for.

        Raises:
            BadInput: as `Wish.read`.
        """
        revision = self._revision
        ids = self.pictures.which(Wish.read(query))
        return {"revision": revision, "total": len(self.pictures), "ids": ids}

    def row(self, i: int) -> dict[str, Any]:
        """A picture in the grid."""
        p, entry = self.pictures, self.dataset.entries[i]
        problems = [*p.problems.get(i, ()), *([p.uncompared[i]] if i in p.uncompared else [])]
        return {
            "id": i,
            "key": p.keys[i],
            "name": printable(entry.name),
            "split": entry.split,
            "width": number(p.widths[i]),
            "height": number(p.heights[i]),
            "findings": [*dict.fromkeys(f.kind for f in p.findings.get(i, ()))],
            "scores": [number(score, 4) for score in p.scores[i]] if p.is_scored[i] else None,
            "flagged": bool(p.is_flagged[i]),
            "problems": [printable(problem) for problem in dict.fromkeys(problems)],
        }

    def picture(self, i: int) -> dict[str, Any]:
        """All that is known of a picture."""
        p, entry = self.pictures, self.dataset.entries[i]
        counts = p.counts[i]
        return self.row(i) | {
            "user": printable(p.users[i]),
            "brightness": number(p.brightness[i], 2),
            "hash": entry.meta.get("hash"),
            "counts": None if counts[0] < 0 else counts.tolist(),
            "files": [printable(str(file)) for file in (entry.image_file, entry.mask_file)],
            "about": [
                {
                    "kind": finding.kind,
                    "message": printable(finding.message),
                    "boxes": finding.details.get("boxes", []),
                    "pictures": self._others(finding, i),
                }
                for finding in p.findings.get(i, ())
            ],
        }

    def _others(self, finding: Finding, i: int) -> list[dict[str, str]]:
        """The other pictures that a finding is about."""
        about = [
            j
            for j, found in self.pictures.findings.items()
            if j != i and any(one is finding for one in found)
        ]
        return [
            {"key": self.pictures.keys[j], "name": printable(self.dataset.entries[j].name)}
            for j in about[:20]
        ]

    # -- answers: pictures -----------------------------------------------------------------

    def mark(self, i: int) -> str:
        """Changes when the files of a picture do, now."""
        return stamp(self.dataset.entries[i])

    def thumbnail(self, i: int) -> bytes:
        entry = self.dataset.entries[i]
        return self.kept.get(("thumb", i, self.mark(i)), lambda: thumbnail(entry))

    def photograph(self, i: int) -> bytes:
        entry = self.dataset.entries[i]
        return self.kept.get(("image", i, self.mark(i)), lambda: photograph(entry))

    def mask(self, i: int, *, small: bool) -> Labels:
        entry = self.dataset.entries[i]
        return self._labels(("mask", i, self.mark(i)), lambda: labels_of(entry), small)

    def predicted(self, i: int, *, small: bool) -> Labels:
        return self._labels(("predicted", i, self.mark(i)), lambda: self.compare(i), small)

    def _labels(self, key: tuple[str, int, str], read: Callable[[], Mask], small: bool) -> Labels:
        def make() -> Labels:
            labels = read()
            return packed(smaller(labels) if small else labels)

        return self.kept.get((*key, small), make)

    # -- flags -----------------------------------------------------------------------------

    def flag(self, i: int, flagged: bool) -> int:
        """Flag a picture, or take its flag away; how many are flagged then.

        Raises:
            OutputUnwritable: that cannot be kept; the flag is as it was.
        """
        with self._flags_lock:
            before = bool(self.pictures.is_flagged[i])
            self.pictures.is_flagged[i] = flagged
            try:
                self._save_flags()
            except EasyPortraitError:
                self.pictures.is_flagged[i] = before
                raise
        self._changed()
        return int(self.pictures.is_flagged.sum())

    @property
    def flagged(self) -> list[str]:
        """The names, in the dataset's order."""
        return [self.dataset.entries[i].name for i in np.flatnonzero(self.pictures.is_flagged)]

    def _save_flags(self) -> None:
        names = [*self.flagged, *self._strange_flags]
        if self.options.flags is not None:
            write_flags(self.options.flags, names)
        else:
            self.store.keep_note("flags", json.dumps(names))


def number(value: float, digits: int | None = None) -> float | int | None:
    """For JSON, which has no NaN."""
    if math.isnan(value):
        return None
    return int(value) if digits is None else round(float(value), digits)


def span(values: "np.ndarray[Any, Any]") -> list[float] | None:
    """(least, most) of what is known."""
    known = values[~np.isnan(values)]
    return [float(known.min()), float(known.max())] if known.size else None


def printable(text: str) -> str:
    """File names may hold bytes that are no text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
