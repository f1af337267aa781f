"""Small work for commands that meet faults."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from easyportrait.data.layout import V1
from easyportrait.image.io import write_image
from tests.faults.faulty import Commands, commands
from tests.unit.data.drawn import drawn
from tests.unit.data.heap import put


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with commands(tmp_path_factory.mktemp("commands") / "said") as made:
        yield made


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of nobody."""
    folder = tmp_path_factory.mktemp("photos")
    for name, seed in (("a.jpg", 0), ("b.png", 1)):
        noise = np.random.default_rng(seed).integers(0, 256, (64, 48, 3), dtype=np.uint8)
        write_image(folder / name, noise)
    return folder


@pytest.fixture(scope="session")
def heap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five portraits as people have them in `heap`, and six as a dataset in `drawn`."""
    root = tmp_path_factory.mktemp("heap")
    put(root / "heap", range(5))
    drawn(root / "drawn", V1, "folders")
    return root
