from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from easyportrait.data.convert import convert
from easyportrait.data.easyportrait import EasyPortrait
from easyportrait.data.layout import V1
from easyportrait.data.portraits import EasyPortraitFolder, open_folder
from easyportrait.data.shards import ShardFolder
from easyportrait.errors import BadInput
from easyportrait.train.dataset import TrainingSamples, WholeFrames
from easyportrait.train.recipe import Recipe
from tests.unit.data.drawn import drawn


@pytest.fixture
def dataset(tmp_path: Path) -> EasyPortrait:
    return EasyPortrait(drawn(tmp_path / "set", V1, "archives"))


def test_samples_are_the_same_from_memory_and_from_disk(portraits: Path) -> None:
    folder, recipe = open_folder(portraits, "train"), Recipe.load("embedded")
    kept, read = TrainingSamples(folder, recipe), TrainingSamples(folder, recipe, memory_gb=0)
    assert kept.kept and not read.kept
    for n in range(6):
        for a, b in zip(kept[n], read[n], strict=True):
            assert np.array_equal(a, b)


def test_a_split_of_easyportrait_can_be_trained_on(dataset: EasyPortrait) -> None:
    samples = TrainingSamples(open_folder(dataset.root, "train"), Recipe.load("embedded"))
    assert [p.id for p in samples.kept] == ["p0", "p1"]
    assert [p.drawn_off for p in samples.kept] == [0, 0]  # no face mesh made these masks
    image, mask = samples[0]
    assert image.shape[1:] == mask.shape and image.shape[0] == 3


def test_samples_are_the_same_from_shards(dataset: EasyPortrait, tmp_path: Path) -> None:
    convert(dataset.root, tmp_path / "shards", "easyportrait-v1", "webdataset")
    recipe = Recipe.load("v1/segformer-b0")
    recipe = replace(recipe, stages=tuple(replace(s, side=64) for s in recipe.stages))
    files, shards = (
        TrainingSamples(open_folder(root, "train"), recipe, memory_gb=0)
        for root in (dataset.root, tmp_path / "shards")
    )
    assert isinstance(shards.folder, ShardFolder) and len(shards.usable) == 2
    for n in range(3):
        for a, b in zip(files[n], shards[n], strict=True):
            assert np.array_equal(a, b)


def test_portraits_that_are_unsure_are_left_out_and_all_of_them_is_an_error(
    portraits: Path,
) -> None:
    folder, recipe = open_folder(portraits, "train"), Recipe.load("embedded")
    folder.rows[0]["agreement"] = 0.1
    assert len(TrainingSamples(folder, recipe).usable) == len(folder) - 1
    for row in folder.rows:
        row["unsure"] = 0.9
    with pytest.raises(BadInput, match=f"all {len(folder)} portraits are less sure"):
        TrainingSamples(folder, recipe)


def test_its_portraits_are_its_samples(dataset: EasyPortrait) -> None:
    folder = EasyPortraitFolder(dataset.where(split="val"))
    assert len(folder) == 2 and folder.rows[0]["user"] == "u1"
    portrait, sample = folder[1], dataset[3]
    assert portrait.id == portrait.meta["id"] == sample.name
    assert np.array_equal(portrait.image, sample.image)
    assert np.array_equal(portrait.mask, sample.mask)
    image, mask = WholeFrames(folder, Recipe.load("embedded"), 64)[1]
    assert image.shape == (3, 64, 64) and mask.shape == (64, 64)
