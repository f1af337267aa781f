"""Effects as a request wishes them: what is taken can be described, and no path is opened."""

import json
from collections.abc import Mapping

from easyportrait.effects import EFFECTS
from easyportrait.serve.answers import chain_of, read_wishes

from .target import refused

WORDS = (
    *(f'"{name}"'.encode() for name in EFFECTS),
    *(f'"{knob.name}"'.encode() for effect in EFFECTS.values() for knob in effect.knobs),
    b'"background"', b'"blur"', b'"remove"', b'"with"', b'"#00ff00"', b'"hsl(0,0%,0%)"',
    b'"rgb(1,2,3)"', b"true", b"false", b"null", b"NaN", b"Infinity", b"1e400", b"[0,0,0]",
    b"{}", b"9" * 40, b"[[[[[[[[", b"\\ud800",
)  # fmt: skip


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")

    def read() -> None:
        chain = chain_of(read_wishes(text))
        assert chain.steps
        json.dumps(chain.described).encode()

    refused(read)


def seeds() -> Mapping[str, bytes]:
    every = {effect.name: True for effect in EFFECTS.values() if effect.reach is not None}
    wishes = {
        "every": every,
        "defaults": {e.name: {k.name: k.default for k in e.knobs} for e in EFFECTS.values()},
        "blur": {"background": "blur"},
        "colour": {"background": [0, 128, 255]},
        "name": {"replace-background": {"with": "hsl(120, 50%, 50%)"}},
        "path": {"background": "/etc/passwd"},
        "odd": {"whiten-teeth": {"amount": float("inf")}, "": None},
        "list": [],
    }
    made = {f"{name}.json": json.dumps(wish).encode() for name, wish in wishes.items()}
    made["deep.json"] = b'{"background":' + b"[" * 20_000
    made["long.json"] = b'{"whiten-teeth": ' + b"9" * 5_000 + b"}"
    made["twice.json"] = b'{"whiten-teeth": 1, "whiten_teeth": 0}'
    return made
