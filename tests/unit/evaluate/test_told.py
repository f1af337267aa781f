import json
import re
from pathlib import Path

import numpy as np
import pytest

from easyportrait.data.portraits import open_folder
from easyportrait.evaluate.bootstrap import Value
from easyportrait.evaluate.films import Film, Films, to_data
from easyportrait.evaluate.flicker import Unrest
from easyportrait.evaluate.groups import ATTRIBUTES
from easyportrait.evaluate.run import evaluate
from easyportrait.evaluate.scores import OF_CLASS, OVERALL, Scores
from easyportrait.evaluate.told import ends, overview, to_json, whose
from tests.conftest import face_mask
from tests.unit.data.planted import sound
from tests.unit.evaluate.nets import parser_of, portraits_of

PAGE = Path(__file__).parents[3] / "docs/howto/evaluate.md"


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Scores:
    root = sound(tmp_path_factory.mktemp("sound") / "d")
    return evaluate(parser_of("joint", frame_side=128), open_folder(root))


def test_json_tells_every_score(scores: Scores) -> None:
    told = json.loads(to_json(scores, data="d", split=None))
    assert (told["model"], told["task"], told["looks"]) == ("fake 0", "joint", 2)
    assert (told["data"], told["split"], told["pictures"], told["users"]) == ("d", None, 6, 6)
    assert told["iou"] == scores.iou and told["mean"] == scores.mean
    assert set(told["overall"]) == set(OVERALL)
    assert all(set(its) == set(OF_CLASS) for its in told["classes"].values())
    assert told["classes"]["skin"]["iou"]["value"] == told["iou"]["skin"]
    assert np.array(told["confusion"]["pixels"]).sum() == sum((160 + 4 * i) * 150 for i in range(6))
    assert told["resampled"]["by"] == "user"
    bins = told["calibration"]["bins"]
    assert len(bins) == 15 and (bins[0]["from"], bins[-1]["to"]) == (0, 1)
    assert sum(b["points"] for b in bins) == scores.bins[0].sum()
    light = told["groups"]["brightness"]["groups"]
    assert sum(group["pictures"] for group in light) == 6 and "skin" in light[0]["iou"]
    each = told["each"][2]
    assert (each["name"], each["user"]) == ("p2", "u2") and set(each["iou"]) >= {"skin", "lips"}
    assert each["brightness"] == scores.records[2].attributes["brightness"]


def test_the_how_to_lists_every_key(scores: Scores) -> None:
    listed = {
        key
        for cell in re.findall(r"^\| (`[^|]*) \|", PAGE.read_text(), re.MULTILINE)
        for key in re.findall(r"`(\w+)`", cell)
    }
    told = json.loads(to_json(scores, data="d", split=None))
    quiet = Unrest(labels=0, person=0, still=1, classes={}, apart=0)
    films = to_data(Films("m", "ps", 2, 1, (Film("f", 2, 9, 9, quiet, quiet),)))
    film = films["films"][0]
    of_films = {*films, *film, *film["steadied"]} - {"name"}
    assert listed == {*told, *OVERALL, *OF_CLASS, *(one.name for one in ATTRIBUTES)} | of_films


def test_what_is_not_known_is_null_not_nan(tmp_path: Path) -> None:
    folder = portraits_of(tmp_path, {"a": np.full((64, 64), 255, np.uint8)})
    text = to_json(evaluate(parser_of("joint"), folder))
    told = json.loads(text)
    assert "NaN" not in text and told["mean"] is None and told["classes"] == {}
    assert told["each"][0]["miou"] is None and told["calibration"]["bins"][3]["accuracy"] is None


def test_words(scores: Scores, tmp_path: Path) -> None:
    rows = dict(overview(scores))
    assert [*rows][:3] == [
        "mean IoU", "mean IoU of two: background, person", "mean IoU of eight: faces"
    ]  # fmt: skip
    assert rows["mean IoU"].value == scores.mean
    assert ends(Value(0.5, 0.25, 0.75)) == "0.250–0.750" and ends(Value(0.5)) == ""
    assert whose(scores) == "the 6 users"
    masks = {"a": face_mask(), "b": face_mask()}
    mixed = portraits_of(tmp_path, masks, rows={"a": {"user": "x"}, "b": {}})
    assert whose(evaluate(parser_of("ps"), mixed)) == (
        "the 1 users, and 1 pictures of nobody known"
    )
