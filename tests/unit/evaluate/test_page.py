import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from easyportrait.errors import MissingExtra
from easyportrait.evaluate.page import page, triptych, write_page
from easyportrait.evaluate.run import evaluate
from easyportrait.evaluate.scores import Failure, Scores
from easyportrait.taxonomy import TASKS
from tests.conftest import face_mask
from tests.unit.evaluate.nets import parser_of, portraits_of


def scores_of(root: Path, task: str = "joint") -> Scores:
    masks = {f"p{i}": face_mask(160 + 20 * i, 160) for i in range(4)}
    masks["p3"][:20] = 255
    shown = {"p1": np.zeros_like(masks["p1"])}
    return evaluate(parser_of(task), portraits_of(root, masks, shown=shown), worst=3)


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Scores:
    return scores_of(tmp_path_factory.mktemp("p"))


def test_the_page_needs_nothing_else_and_shows_everything(scores: Scores, tmp_path: Path) -> None:
    write_page(scores, tmp_path / "page.html", about="portraits, val")
    text = (tmp_path / "page.html").read_text("utf-8")
    without_pictures = re.sub(r'src="data:image/jpeg;base64,[^"]*"', "", text)
    assert not re.search(r"https?:|//|<script|<link|<image|@import|src=", without_pictures)
    assert all(target in text for target in re.findall(r'(?:href="|url\()#(\w+)', text))
    assert "default-src 'none'" in text and "prefers-color-scheme: dark" in text
    assert text.count("<svg") == text.count("<figure") == 4
    assert "0a0b0" not in text  # each stand-in has become a colour of the page
    assert "<h1>fake 0 on portraits, val</h1>" in text and "4 pictures, two looks" in text
    assert text.count("data:image/jpeg") == 3 and text.index("<b>p1</b>") < text.index("<b>p3</b>")
    assert "nan" not in re.sub(r'"data:[^"]*"', "", text).lower().replace("tenant", "")


def test_rows_of_the_matrix_are_shares_of_the_true_class(scores: Scores) -> None:
    matrix = re.search(r'<table class="matrix">.*?</table>', page(scores, about="d"), re.DOTALL)
    assert matrix is not None
    rows = re.findall(r'<th scope="row">([^<]*)</th>(.*?)</tr>', matrix[0])
    assert [name for name, _ in rows] == [name.replace("_", " ") for name in TASKS["joint"].names]
    for i, (_, cells) in enumerate(rows):
        told = [float(cell or 0) for cell in re.findall(r"<td[^>]*>([^<]*)</td>", cells)]
        shares = 100 * scores.counts[i] / scores.counts[i].sum()
        assert np.allclose(told, shares, atol=0.051) and sum(told) == pytest.approx(100, abs=0.4)


def test_the_worst_are_shown_beside_mask_and_prediction(scores: Scores) -> None:
    first = scores.worst[0]
    height, width = first.truth.shape
    shown = cv2.imdecode(np.frombuffer(triptych(scores, first), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert shown.shape == (height, 3 * width + 8, 3)
    photo, mask, predicted = (shown[:, at : at + width] for at in (0, width + 4, 2 * width + 8))
    assert np.abs(photo.astype(int) - predicted).mean() < 3  # it saw nothing
    assert np.abs(photo.astype(int) - mask).mean() > 20
    text = page(scores, about="d")
    assert f"mean IoU {first.record.miou:.3f}; " in text and "left brow 0.00" in text
    assert "not known</span>" in text


@pytest.mark.parametrize("task", ["ps", "fp"])
def test_models_of_other_tasks_have_a_page(task: str, tmp_path: Path) -> None:
    text = page(scores_of(tmp_path, task), about="d")
    assert text.count('<th scope="row">') == len(TASKS[task]) and "person whole" not in text


def test_a_single_picture_has_a_page_without_kinds(tmp_path: Path) -> None:
    folder = portraits_of(tmp_path, {"a": face_mask()})
    text = page(evaluate(parser_of("joint"), folder, looks=1), about="d")
    assert "Which pictures it suits" not in text and "The worst" not in text
    assert "one look" in text and text.count("<svg") == 3


def test_a_set_of_nothing_known_has_a_page(tmp_path: Path) -> None:
    folder = portraits_of(tmp_path, {"a": np.full((64, 64), 255, np.uint8)})
    text = page(evaluate(parser_of("joint"), folder), about="d")
    assert "1 pictures, two looks" in text and "<svg" not in text


def test_a_name_cannot_become_a_tag(scores: Scores) -> None:
    bad = '<script>alert(1)</script>" onerror="x'
    failed = Scores(bad, "joint", 2, scores.records, (Failure(bad, bad),))
    text = page(failed, about=bad)
    assert "<script>" not in text and '" onerror="x' not in text
    assert "1 could not be scored" in text and "&lt;script&gt;" in text


def test_without_matplotlib_the_page_says_what_it_needs(
    scores: Scores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"needs matplotlib.*easyportrait\[data\]"):
        page(scores, about="d")
