from fractions import Fraction
from pathlib import Path

import numpy as np

from easyportrait.effects.chain import Chain
from easyportrait.image.io import MAX_PIXELS, write_image
from easyportrait.video.backdrop import Backdrop, Opener

from .films import film, grey, index_of


def test_it_is_looped_at_its_own_rate(tmp_path: Path) -> None:
    backdrop = Backdrop(film(tmp_path / "a.mp4", count=3, sound=None))
    shown = [index_of(backdrop.at(Fraction(i, 50))) for i in range(14)]
    assert shown == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0]
    assert index_of(backdrop.at(Fraction(2))) == 50 % 3
    backdrop.close()


def test_each_frame_gets_the_chain_with_what_the_backdrop_shows_then(tmp_path: Path) -> None:
    opener = Opener(MAX_PIXELS)
    chain = Chain.of({"background": film(tmp_path / "a.mp4", sound=None)}, read=opener)
    for i in (0, 1, 5):
        (step,) = opener.moving(chain, Fraction(i, 25)).steps
        assert step.effect.name == "replace-background" and index_of(step.knobs["with"]) == i
    opener.close()


def test_a_picture_is_brought_to_size_once(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", grey(4))
    opener = Opener(MAX_PIXELS)
    chain = Chain.of({"background": tmp_path / "a.png"}, read=opener)
    chain = opener.at_size(chain, 60, 90)
    assert chain.steps[0].knobs["with"].shape == (60, 90, 3)
    assert opener.moving(chain, Fraction(1)) is chain


def test_other_effects_and_colours_stay_as_they_are() -> None:
    opener = Opener(MAX_PIXELS)
    chain = Chain.of({"background": "red", "anonymize": "blur"}, read=opener)
    sized = opener.at_size(chain, 60, 90)
    assert [s.effect.name for s in sized.steps] == ["anonymize", "replace-background"]
    assert sized.steps[0].knobs == chain.steps[0].knobs
    assert (np.asarray(sized.steps[1].knobs["with"]) == (255, 0, 0)).all()
