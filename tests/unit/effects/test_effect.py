import numpy as np
import pytest

from easyportrait.effects.effect import Backdrop, Choice, Colour, Number
from easyportrait.errors import BadKnob

NUMBER = Number(name="amount", help="how much", default=0.5)
COLOUR = Colour(name="color", help="which", default="green", names={"green": (80, 110, 70)})


@pytest.mark.parametrize("value", [0, 1, 0.25, "0.25", np.float32(0.25)])
def test_numbers(value: object) -> None:
    assert NUMBER.read(value) == pytest.approx(float(value))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-0.01, 1.01, "much", None, True, float("nan"), [1]])
def test_what_is_no_such_number(value: object) -> None:
    with pytest.raises(BadKnob, match=r"amount takes a number from 0 to 1, got "):
        NUMBER.read(value)


@pytest.mark.parametrize(
    ("value", "rgb"),
    [
        ("green", (80, 110, 70)),  # its own green wins
        ("GREEN", (80, 110, 70)),
        ("teal", (0, 128, 128)),
        ("#0f0", (0, 255, 0)),
        ("#3c6e71", (60, 110, 113)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ((1, 2, 3), (1, 2, 3)),
        (np.array([1, 2, 3]), (1, 2, 3)),
    ],
)
def test_colours(value: object, rgb: tuple[int, int, int]) -> None:
    assert COLOUR.read(value) == rgb


@pytest.mark.parametrize(
    "value", ["greenish", "#12", "", None, 3, (1, 2), (1, 2, 256), (1, 2, 0.5)]
)
def test_what_is_no_colour(value: object) -> None:
    with pytest.raises(BadKnob, match="color takes a colour: green, a name that CSS knows"):
        COLOUR.read(value)


def test_choices() -> None:
    knob = Choice(name="fit", help="how", default="cover", choices=("cover", "contain"))
    assert knob.read("contain") == "contain"
    with pytest.raises(BadKnob, match="fit takes one of cover, contain, got 'stretch'"):
        knob.read("stretch")
    with pytest.raises(BadKnob, match="fit takes one of"):
        knob.read(["cover"])


def test_backdrops() -> None:
    knob = Backdrop(name="with", help="what", default="white")
    assert knob.read("red").tolist() == [[[255, 0, 0]]]
    picture = np.zeros((2, 3, 3), np.uint8)
    assert knob.read(picture) is picture
    for wrong in (picture[..., :1], picture.astype(np.float32), picture[:0], picture[0]):
        with pytest.raises(BadKnob, match="with takes a picture"):
            knob.read(wrong)
