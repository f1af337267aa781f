import numpy as np
import pytest

from easyportrait.evaluate.calibration import BINS, bins_of, expected_error
from easyportrait.models.parser import Parser
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask, one_hot


def parsing_of(probs: np.ndarray, height: int, width: int, *faces: Look) -> Parsing:
    frame = Look(probs.astype(np.float32), 0, 0, width, height)
    return Parsing(np.zeros((height, width, 3), np.uint8), frame, faces, (), CLASSES, "test")


def some(seed: int, *shape: int) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(0, 2, (9, *shape))
    return np.exp(logits) / np.exp(logits).sum(0)


def test_the_error_is_torchmetrics() -> None:
    """Whose bins are the same, on the same points."""
    import torch
    from torchmetrics.classification import MulticlassCalibrationError

    probs = some(0, 60, 50)
    truth = np.random.default_rng(1).integers(0, 9, (60, 50), np.uint8)
    truth = np.where(np.random.default_rng(2).random((60, 50)) < 0.6, probs.argmax(0), truth)
    truth[:7] = 255
    bins = bins_of(parsing_of(probs, 60, 50), truth.astype(np.uint8))
    known = truth != 255
    theirs = MulticlassCalibrationError(9, n_bins=BINS, norm="l1")
    expected = theirs(torch.tensor(probs[:, known].T), torch.tensor(truth[known].astype(int)))
    assert bins[0].sum() == known.sum()
    assert expected_error(bins) == pytest.approx(float(expected), abs=1e-5)
    assert expected_error(np.stack([bins, 2 * bins])) == pytest.approx([float(expected)] * 2)


def test_sure_and_right_is_0_and_sure_and_wrong_is_1() -> None:
    mask = face_mask(96, 80)
    parsing = parsing_of(one_hot(mask), 96, 80)
    assert expected_error(bins_of(parsing, mask)) == pytest.approx(0, abs=1e-6)
    wrong = ((mask + 1) % 9).astype(np.uint8)
    assert expected_error(bins_of(parsing, wrong)) == pytest.approx(1)
    unknown = bins_of(parsing, np.full_like(mask, 255))
    assert unknown.sum() == 0 and np.isnan(expected_error(unknown))


def test_each_look_at_a_picture_may_be_of_any_size(colour_parser: Parser) -> None:
    picture = CLASSES.colour(face_mask(700, 400))
    bins = bins_of(colour_parser.parse(picture), face_mask(700, 400))
    assert bins[0].sum() == 192 * 110
    assert expected_error(bins) < 0.1
