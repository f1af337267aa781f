from pathlib import Path

import cv2
import numpy as np
import pytest

from easyportrait.cli.data.prelabel import ENOUGH, Run, flat, formats, seen_small
from easyportrait.cli.jobs import Job, find_jobs, named_after
from easyportrait.data.prelabel import judged
from easyportrait.errors import BadInput, OutputUnwritable
from easyportrait.image.io import read_mask, read_notes, write_image
from easyportrait.models.parser import Parser
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask


def test_a_net_is_judged_at_fewer_pixels_and_found_as_sure(colour_parser: Parser) -> None:
    result = colour_parser.parse(CLASSES.colour(face_mask(900, 700)))
    view = seen_small(result)
    assert view.size[0] * view.size[1] <= ENOUGH * 1.01 and len(view.face_looks) == 1
    small = cv2.resize(result.labels, view.size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    assert (view.labels == small).mean() > 0.995
    far, near = (judged(r.labels, r.region, CLASSES)[0] for r in (view, result))
    assert far.sure == pytest.approx(near.sure, abs=0.01)
    assert far.least_class == near.least_class


def test_a_small_picture_is_judged_as_it_is(colour_parser: Parser) -> None:
    result = colour_parser.parse(CLASSES.colour(face_mask(300, 200)))
    assert np.array_equal(seen_small(result).labels, result.labels)


def test_names_have_no_folders_and_clashes_are_problems(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/b.jpg", "a-b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(b"x")
    jobs = flat(
        find_jobs([str(tmp_path)], named_after(tmp_path / "out", [".png"])), tmp_path / "out"
    )
    assert sorted(str(job.stem) for job in jobs) == ["a-b", "a-b", "c"]
    (problem,) = [job.problem for job in jobs if job.problem]
    assert "would both be written to" in str(problem)


def test_formats_are_asked_for_once_and_masks_come_anyway() -> None:
    assert formats(["masks", "cvat", "coco", "cvat"]) == ["cvat", "coco"]
    with pytest.raises(BadInput, match="no format 'cvta' that is written; there are masks, easyp"):
        formats(["cvta"])


def job_of(root: Path) -> Job:
    root.mkdir(exist_ok=True)
    write_image(root / "a.png", CLASSES.colour(face_mask(90, 70)))
    return Job(root / "a.png", Path("a"))


def test_a_mask_that_somebody_changed_is_never_written_over(
    tmp_path: Path, colour_parser: Parser
) -> None:
    job, first = job_of(tmp_path), Run(colour_parser, 1, None, tmp_path / "out", 10**6)
    first.prelabel(job)
    other = Run(colour_parser, 2, None, tmp_path / "out", 10**6)
    other.prelabel(job)  # which nobody has touched
    path = other.mask_of(job)
    notes, mine = read_notes(path), np.full((90, 70), 3, np.uint8)
    for kept in ({}, notes):  # editors forget the notes or do not
        write_image(path, mine, text=kept)
        with pytest.raises(OutputUnwritable, match=r"a\.png is not as it was written: somebody"):
            first.prelabel(job)
        assert np.array_equal(read_mask(path), mine)
    path.write_bytes(b"half a file")
    with pytest.raises(OutputUnwritable, match="is not as it was written"):
        first.prelabel(job)
