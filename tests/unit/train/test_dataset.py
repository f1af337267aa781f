from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from easyportrait.data.easyportrait import EasyPortrait
from easyportrait.data.layout import V1
from easyportrait.train.dataset import EasyPortraitFolder, TrainingSamples, WholeFrames
from easyportrait.train.recipe import Recipe
from tests.unit.data.drawn import drawn


@pytest.fixture
def dataset(tmp_path: Path) -> EasyPortrait:
    return EasyPortrait(drawn(tmp_path / "set", V1, "archives"))


def test_a_split_of_easyportrait_can_be_trained_on(dataset: EasyPortrait) -> None:
    samples = TrainingSamples(
        EasyPortraitFolder(dataset.where(split="train")), Recipe.load("embedded")
    )
    assert [p.id for p in samples.portraits] == ["p0", "p1"]
    image, mask = samples[0]
    assert image.shape[1:] == mask.shape and image.shape[0] == 3


def test_its_portraits_are_its_samples(dataset: EasyPortrait) -> None:
    folder = EasyPortraitFolder(dataset.where(split="val"))
    assert len(folder) == 2 and folder.rows[0]["user"] == "u1"
    portrait, sample = folder[1], dataset[3]
    assert portrait.id == portrait.meta["id"] == sample.name
    assert np.array_equal(portrait.image, sample.image)
    assert np.array_equal(portrait.mask, sample.mask)
    image, mask = WholeFrames(folder, Recipe.load("embedded"), 64)[1]
    assert image.shape == (3, 64, 64) and mask.shape == (64, 64)
