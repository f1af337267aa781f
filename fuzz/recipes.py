"""Recipes of training: what is taken for one says every number, and a step has its stage."""

import json
from collections.abc import Mapping

from easyportrait.train.recipe import Recipe, recipes

from .target import refused

WORDS = (
    b"name = ", b"[stages]", b"[[stages]]", b"from_step = 0", b"side = ", b"[augment]", b"[loss]",
    b'kind = "scenes"', b'kind = "reference"', b"kind = []", b"nan", b"inf", b"-inf", b"1e400",
    b"[run]", b"steps = ", b"true", b"1979-05-27", b'"""', b"'''", b"{a = 1}", b"[[[[[[",
    b"9" * 40, b"9" * 400,
)  # fmt: skip


def check(data: bytes) -> None:
    def read() -> None:
        recipe = Recipe.from_toml(data, "recipe.toml")
        json.loads(recipe.to_json())
        assert recipe.stage_at(0) is not None and recipe.file_name
        recipe.augment.scaled(0.5)

    refused(read)


def seeds() -> Mapping[str, bytes]:
    """One of each kind of ours without its comments, and what a hand may write instead."""
    made = {}
    for name in ("embedded", "v1/segformer-b0"):
        lines = recipes()[name].read_text().splitlines()
        plain = (line.partition(" #")[0].rstrip() for line in lines if not line.startswith("#"))
        made[name.replace("/", "-") + ".toml"] = "\n".join(filter(None, plain)).encode()
    whole = made["embedded.toml"]
    made["kind.toml"] = whole.replace(b'kind = "scenes"', b"kind = []")
    made["number.toml"] = whole.replace(b"turn = ", b"turn = " + b"9" * 400)
    made["longest.toml"] = b"a = " + b"9" * 5_000
    made["nan.toml"] = whole.replace(b"turn = ", b"turn = nan # ")
    made["deep.toml"] = b"a = " + b"[" * 5_000
    made["latin.toml"] = b'name = "\xe9"'
    return made
