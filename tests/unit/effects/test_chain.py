from pathlib import Path

import numpy as np
import pytest

from easyportrait.core import apply
from easyportrait.effects import EFFECTS
from easyportrait.effects.chain import Chain
from easyportrait.errors import BadKnob
from tests.contracts.test_effects import one_face, parsed


def names(**wishes: object) -> list[str]:
    return [step.effect.name for step in Chain.of(wishes).steps]


def test_effects_run_in_the_tables_order_however_they_are_wished() -> None:
    assert names(background="remove", anonymize="blur", smooth_skin=0.5) == [
        "smooth-skin",
        "anonymize",
        "remove-background",
    ]


def test_hyphens_and_underscores_are_alike() -> None:
    assert Chain.of({"smooth-skin": 0.5}) == Chain.of({"smooth_skin": 0.5})


@pytest.mark.parametrize("off", [None, False])
def test_what_is_wished_off_does_not_run(off: object) -> None:
    assert names(smooth_skin=off, background=off, remove_red_eye=off) == []


def test_true_is_on_as_it_comes_and_a_mapping_sets_knobs() -> None:
    (as_it_comes,) = Chain.of({"smooth_skin": True}).steps
    assert as_it_comes.knobs == {k.name: k.default for k in EFFECTS["smooth-skin"].knobs}
    (set_,) = Chain.of({"smooth_skin": {"amount": 0.2}}).steps
    assert set_.knobs == {**as_it_comes.knobs, "amount": 0.2}
    assert Chain.of({"smooth_skin": 0.2}).steps == (set_,)


def test_background_is_short_for_three_effects() -> None:
    assert names(background="blur") == ["blur-background"]
    assert names(background="remove") == ["remove-background"]
    assert names(background="#00ff00") == ["replace-background"]
    (step,) = Chain.of({"background": "teal"}).steps
    assert step.knobs["with"].tolist() == [[[0, 128, 128]]]
    picture = np.zeros((5, 7, 3), np.uint8)
    (step,) = Chain.of({"background": picture}).steps
    assert step.knobs["with"] is picture


def test_finer_knobs_join_what_background_means() -> None:
    (step,) = Chain.of({"background": "blur", "blur-background": {"amount": 0.9}}).steps
    assert step.knobs["amount"] == 0.9


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"whiten": 1}, "there is no effect 'whiten'; effects: background, "),
        ({"smooth_skin": 2}, "smooth-skin: amount takes a number from 0 to 1, got 2"),
        ({"smooth_skin": {"volume": 1}}, "smooth-skin has no knob 'volume'; it has amount"),
        ({"remove_red_eye": 0.5}, "remove-red-eye is on or off, got 0.5"),
        ({"background": True}, "background takes blur, remove, a colour or a picture, got True"),
        ({"background": "beach.jpg"}, "with takes a picture, or a colour: .*got 'beach.jpg'"),
        ({"background": np.zeros((5, 7), np.uint8)}, "with takes a picture"),
        (
            {"background": "blur", "remove_background": True},
            "blur-background and remove-background exclude each other",
        ),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(wishes: dict[str, object], message: str) -> None:
    with pytest.raises(BadKnob, match=message):
        Chain.of(wishes)


def test_paths_are_read_only_for_who_may_read_files() -> None:
    picture, asked = np.full((4, 4, 3), 9, np.uint8), []

    def read(path: Path | str) -> np.ndarray:
        asked.append(path)
        return picture

    for path in ("beach.jpg", Path("beach.jpg")):
        (step,) = Chain.of({"background": path}, read=read).steps
        assert step.knobs["with"] is picture and asked.pop() == path
    Chain.of({"background": "red"}, read=read)
    assert asked == []
    with pytest.raises(BadKnob):
        Chain.of({"background": Path("beach.jpg")})


def test_what_it_does_can_be_told_in_json() -> None:
    chain = Chain.of({"background": np.zeros((5, 7, 3), np.uint8), "anonymize": "blur"})
    told = chain.described
    assert told["anonymize"]["style"] == "blur"
    assert str(told["replace-background"]["with"]).startswith("7x5 ")


def test_no_wish_at_all_gives_a_copy() -> None:
    parsing = parsed(one_face())
    out = apply(parsing)
    assert (out == parsing.image).all() and not np.shares_memory(out, parsing.image)


def test_one_parsing_serves_many_tries() -> None:
    parsing = parsed(one_face())
    a, b = apply(parsing, anonymize="blur"), apply(parsing, anonymize="pixelate")
    assert (a != b).any() and (parsing.image == parsed(one_face()).image).all()


def test_transparency_is_known_before() -> None:
    assert Chain.of({"background": "remove"}).makes_transparency
    assert not Chain.of({"background": "blur"}).makes_transparency
