import json
from dataclasses import replace

import pytest

from easyportrait.errors import ModelError
from easyportrait.models.card import Card, TrainingSource
from easyportrait.models.session import fake_card


def test_a_card_survives_json() -> None:
    card = replace(
        fake_card(),
        sources=(TrainingSource(name="a", licence="CC0-1.0", pictures=3),),
        scores={"val": {"mean": 0.5}},
        limits=("ä",),
    )
    assert Card.from_json(card.to_json(), "here") == card


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "hair"}, "no task 'hair'"),
        ({"classes": ["background", "person"]}, "are not those of 'joint'"),
        ({"frame_side": 100}, "frame_side is 100, not a multiple of 8"),
        ({"frame_side": 0}, "frame_side is 0"),
        ({"face_side": -8}, "face_side is -8"),
        ({"std": [1, 0, 1]}, "std above 0"),
        ({"colour": "red"}, r"unknown \['colour'\]"),
        ({"limits": None}, "cannot be read"),
        ({"mean": ["a", "b", "c"]}, "the card's mean is of another kind"),
        ({"multiple": 1.5, "frame_side": 3.0, "face_side": 0}, "the card's multiple is of another"),
        ({"std": [1, float("nan"), 1]}, "are finite numbers"),
        ({"scores": {"val": {"mean": "high"}}}, "the card's scores is of another kind"),
        ({"name": "\ud800"}, "the card's name is of another kind"),
        ({"face_side": 8 * 10**30}, "the card's face_side is of another kind"),
    ],
)
def test_a_wrong_card_is_refused_by_name(change: dict[str, object], message: str) -> None:
    raw = json.loads(fake_card().to_json()) | change
    with pytest.raises(ModelError, match=message):
        Card.from_json(json.dumps(raw), "x.onnx")


def test_a_net_may_know_whole_frames_only() -> None:
    card = fake_card(face_side=0)
    assert Card.from_json(card.to_json(), "here").face_side == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '"card"', "[" * 50_000, "9" * 5_000])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"x\.onnx"):
        Card.from_json(text, "x.onnx")
