from pathlib import Path

import cv2
import numpy as np
import pytest

from easyportrait.data.portraits import PortraitFolder
from easyportrait.evaluate.run import evaluate
from easyportrait.models.parser import Parser
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask


@pytest.fixture
def coloured(tmp_path: Path) -> PortraitFolder:
    """Pictures that the fake net reads right: each pixel in its class's colour."""
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for name in "ab":
        mask = face_mask(320, 320)
        picture = CLASSES.colour(mask)[..., ::-1]
        cv2.imwrite(str(tmp_path / f"images/{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 98])
        cv2.imwrite(str(tmp_path / f"masks/{name}.png"), mask)
    return PortraitFolder(tmp_path)


def test_a_net_that_is_right_scores_high(colour_parser: Parser, coloured: PortraitFolder) -> None:
    seen = []
    scores = evaluate(colour_parser, coloured, progress=lambda: seen.append(1))
    assert scores.pictures == len(seen) == 2
    assert scores.iou["person_whole"] > 0.95 and scores.iou["skin"] > 0.8
    nine = [scores.iou[name] for name in CLASSES.names]
    assert scores.mean == pytest.approx(np.mean(nine))


def test_classes_that_are_never_drawn_are_left_out(
    colour_parser: Parser, coloured: PortraitFolder
) -> None:
    for path in (coloured.root / "masks").glob("*.png"):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), np.where(np.isin(mask, [7, 5]), mask, 255))
    scores = evaluate(colour_parser, coloured, looks=1)
    assert set(scores.iou) == {"left_eye", "lips"}
