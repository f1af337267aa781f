"""A model's card: what is taken for one can be written, and is the same when it is read."""

import json
from collections.abc import Mapping

from easyportrait.models.card import Card
from easyportrait.models.session import fake_card

from .target import refused

WORDS = (
    b'"name"', b'"version"', b'"task"', b'"classes"', b'"mean"', b'"std"', b'"multiple"',
    b'"frame_side"', b'"face_side"', b'"licence"', b'"sources"', b'"recipe"', b'"scores"',
    b'"limits"', b'"joint"', b'"ps"', b'"fp"', b"NaN", b"Infinity", b"-Infinity", b"null", b"true",
    b"{}", b"[]", b"1e999", b"[[[[[[[[", b"9" * 40, b"\\ud800",
)  # fmt: skip


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")

    def read() -> None:
        card = Card.from_json(text, "card")
        assert Card.from_json(card.to_json(), "card").to_json() == card.to_json()
        card.to_json().encode()
        assert len(card.taxonomy) == len(card.classes)

    refused(read)


def seeds() -> Mapping[str, bytes]:
    made = {task: fake_card(task, frame_side=128, face_side=64) for task in ("joint", "ps", "fp")}
    texts = {f"{task}.json": card.to_json().encode() for task, card in made.items()}
    raw = json.loads(made["ps"].to_json())
    odd = {
        "types": raw | {"multiple": "32"},
        "list": [raw],
        "nan": raw | {"mean": [float("nan")] * 3},
        "words": raw | {"mean": ["a", "b", "c"]},
        "sides": raw | {"multiple": 1.5, "frame_side": 3.0, "face_side": 0},
        "scores": raw | {"scores": {"val": [1]}},
    }
    texts |= {f"{name}.json": json.dumps(value).encode() for name, value in odd.items()}
    texts["deep.json"] = b"[" * 20_000
    texts["long.json"] = made["ps"].to_json().replace("128", "1" * 5_000).encode()
    return texts
