from pathlib import Path

import numpy as np
import pytest

import easyportrait
from easyportrait.assets import DEMO
from easyportrait.errors import ImageTooLarge, UnknownModel


def test_a_path_bytes_a_file_and_an_array_are_the_same_picture() -> None:
    image = easyportrait.demo_image()
    labels = easyportrait.parse(image).labels
    with DEMO.open("rb") as file:
        for picture in (DEMO, str(DEMO), DEMO.read_bytes(), file):
            assert np.array_equal(easyportrait.parse(picture).labels, labels)


def test_the_astronaut_is_found() -> None:
    """The main job on a real photograph: one face, smiling, on the left of the middle."""
    parsing = easyportrait.parse(DEMO)
    (face,) = parsing.faces
    assert set(face.parts) == set(easyportrait.CLASSES.names[3:])
    assert 200 < face.box.centre[0] < 250 and 90 < face.box.centre[1] < 150
    person = parsing.person
    assert person[60:180, 190:260].mean() > 0.98  # her head
    assert person[:60, 300:400].mean() < 0.05  # the wall


def test_a_mirrored_picture_gets_mirrored_labels() -> None:
    """Of head and shoulders; about the helmet in her lap the net may change its mind."""
    image = easyportrait.demo_image()[:330]
    there = easyportrait.CLASSES.flip(easyportrait.parse(image[:, ::-1]).labels)
    here = easyportrait.parse(image).labels
    assert (there == here).mean() > 0.98
    for part in (3, 4, 5, 6, 7, 8):
        both, either = (there == part) & (here == part), (there == part) | (here == part)
        assert both.sum() > 0.7 * either.sum(), easyportrait.CLASSES.names[part]


def test_models_are_loaded_once_and_named_when_unknown() -> None:
    assert easyportrait.load() is easyportrait.load("embedded-int8")
    with pytest.raises(UnknownModel):
        easyportrait.load("unet")


def test_the_pixel_limit_reaches_the_reader() -> None:
    with pytest.raises(ImageTooLarge, match=r"limit of 0\.1"):
        easyportrait.parse(DEMO, max_pixels=100_000)


def test_nothing_but_the_package_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network: a socket that cannot be opened changes nothing."""
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("EASYPORTRAIT_MODELS", str(tmp_path))
    easyportrait.core._load.cache_clear()
    assert easyportrait.parse(np.zeros((64, 64, 3), np.uint8)).labels.shape == (64, 64)
