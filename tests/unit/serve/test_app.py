"""What the addresses answer, with a net that knows classes by their colours."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags
from PIL import Image as Pil

import easyportrait
from easyportrait.effects import EFFECTS
from easyportrait.effects.effect import Number
from easyportrait.summary import summary
from tests.unit.serve.asking import client, decoded, drawn, net, photo


def test_labels_are_what_python_gives() -> None:
    wanted = net().parse(drawn()).labels
    with client() as asked:
        for how in ({"content": photo()}, {"files": {"picture": photo()}}):
            answer = asked.post("/v1/parse", **how)
            assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
            assert (decoded(answer.content) == wanted).all()
    assert len(np.unique(wanted)) == 9


def test_json_and_cutout_are_what_python_gives() -> None:
    parsing = net().parse(drawn())
    with client() as asked:
        told = asked.post("/v1/parse?as=json", content=photo())
        by_accept = asked.post(
            "/v1/parse", content=photo(), headers={"accept": "application/json;q=1, text/plain"}
        )
        cut = asked.post("/v1/parse?as=cutout", content=photo())
    assert told.json() == by_accept.json() == summary(parsing, "picture")
    assert told.json()["faces"]
    assert (decoded(cut.content) == parsing.cutout()).all()


def test_looks_are_as_many_as_asked_for() -> None:
    with client() as asked:
        one = asked.post("/v1/parse?looks=1", content=photo())
        two = asked.post("/v1/parse?looks=2", content=photo())
    assert (decoded(one.content) == net().parse(drawn(), looks=1).labels).all()
    assert (decoded(two.content) != decoded(one.content)).any()


EVERY: list[dict[str, Any]] = [
    {"whiten-teeth": 0.6, "background": "blur", "smooth-skin": {"amount": 0.4}},
    {"background": "remove", "eye_color": "green"},
    {"background": "#00ff00"},
    *({name: True} for name in EFFECTS),
]


@pytest.mark.parametrize("effects", EVERY, ids=json.dumps)
def test_effects_are_what_python_gives(effects: dict[str, Any]) -> None:
    with client() as asked:
        answer = asked.post(
            "/v1/apply", files={"picture": photo()}, data={"effects": json.dumps(effects)}
        )
    assert answer.status_code == 200, answer.text
    wanted = easyportrait.apply(net().parse(drawn()), **effects)
    assert (decoded(answer.content) == wanted).all()
    if "background" in effects:
        assert (wanted[..., :3] != drawn()).any()


def test_effects_can_stand_in_the_address() -> None:
    with client() as asked:
        answer = asked.post(
            "/v1/apply", params={"effects": '{"anonymize": "blur"}'}, content=photo()
        )
    wanted = easyportrait.apply(net().parse(drawn()), anonymize="blur")
    assert (decoded(answer.content) == wanted).all()


def test_a_second_picture_is_the_background() -> None:
    behind = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    files = {"picture": photo(), "background": photo(image=behind)}
    fit = {"replace-background": {"fit": "contain", "wrap": 0}}
    with client() as asked:
        plain = asked.post("/v1/apply", files=files)
        fitted = asked.post("/v1/apply", files=files, data={"effects": json.dumps(fit)})
        twice = asked.post("/v1/apply", files=files, data={"effects": '{"background": "red"}'})
    parsing = net().parse(drawn())
    assert (decoded(plain.content) == easyportrait.apply(parsing, background=behind)).all()
    assert (decoded(fitted.content) != decoded(plain.content)).any()
    assert twice.status_code == 422 and "two backgrounds" in twice.json()["message"]


@pytest.mark.parametrize(
    ("sent", "how", "got"),
    [
        (".png", {}, "PNG"),
        (".jpg", {}, "JPEG"),
        (".webp", {}, "WEBP"),
        (".jpg", {"data": {"output": "png"}}, "PNG"),
        (".png", {"params": {"output": "webp"}}, "WEBP"),
        (".png", {"headers": {"accept": "image/jpeg"}}, "JPEG"),
    ],
)
def test_the_answers_kind_is_as_asked_else_as_it_came(
    sent: str, how: dict[str, Any], got: str
) -> None:
    data = {"effects": '{"whiten-teeth": 1}'} | how.pop("data", {})
    with client() as asked:
        answer = asked.post("/v1/apply", files={"picture": photo(sent)}, data=data, **how)
    assert answer.headers["content-type"] == f"image/{got.lower()}"
    with Pil.open(io.BytesIO(answer.content)) as picture:
        assert picture.format == got


def test_a_photographs_camera_stays_and_its_place_does_not() -> None:
    exif = Pil.Exif()
    exif[ExifTags.Base.Model] = "A camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    file = io.BytesIO()
    Pil.fromarray(drawn()).save(file, "JPEG", exif=exif)
    with client() as asked:
        answer = asked.post(
            "/v1/apply", params={"effects": '{"background": "blur"}'}, content=file.getvalue()
        )
    with Pil.open(io.BytesIO(answer.content)) as picture:
        kept = picture.getexif()
    assert kept[ExifTags.Base.Model] == "A camera"
    assert not kept.get_ifd(ExifTags.IFD.GPSInfo)


def test_models_are_those_that_it_was_started_with() -> None:
    with client({"fake": net(), "faces": net(task="fp")}) as asked:
        found = asked.get("/v1/models").json()
        unknown = asked.post("/v1/parse?model=other", content=photo())
    assert found["default"] == "fake"
    assert [model["name"] for model in found["models"]] == ["fake", "faces"]
    assert "path" not in json.dumps(found)
    assert unknown.status_code == 404 and unknown.json()["error"] == "unknown-model"
    assert ".onnx" not in unknown.json()["message"]


def test_every_effect_tells_what_a_slider_needs() -> None:
    with client() as asked:
        found = asked.get("/v1/effects").json()
    assert [effect["name"] for effect in found["effects"]] == list(EFFECTS)
    for told, effect in zip(found["effects"], EFFECTS.values(), strict=True):
        assert [knob["name"] for knob in told["knobs"]] == [knob.name for knob in effect.knobs]
        for knob, own in zip(told["knobs"], effect.knobs, strict=True):
            assert knob["help"] and knob["default"] == own.default
            assert (knob["kind"] == "number") == isinstance(own, Number)
            assert knob["kind"] != "number" or knob["low"] <= knob["default"] <= knob["high"]
            assert knob["kind"] != "choice" or knob["default"] in knob["choices"]
            own.read(knob["default"])


def test_openapi_shows_bodies_answers_and_examples() -> None:
    with client(token="x" * 20) as asked:
        told = asked.get("/openapi.json", headers={"authorization": f"Bearer {'x' * 20}"}).json()
    form = told["paths"]["/v1/apply"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert set(form["schema"]["properties"]) == {"picture", "background", "effects", "output"}
    parsing = net().parse(drawn())
    for example in form["examples"].values():
        effects = json.loads(example["value"]["effects"])
        if "replace-background" not in effects:
            assert easyportrait.apply(parsing, **effects).shape[:2] == (120, 90)
    assert {"200", "401", "413", "422", "429"} <= set(
        told["paths"]["/v1/parse"]["post"]["responses"]
    )
    assert told["components"]["securitySchemes"]


def test_it_says_that_it_is_there_and_counts() -> None:
    with client() as asked:
        assert asked.get("/healthz").json() == {
            "status": "ok",
            "version": easyportrait.__version__,
        }
        asked.post("/v1/parse", content=b"no picture")
        asked.get("/v1/../../etc/passwd")
        asked.get("/a-strangers-guess")
        text = asked.get("/metrics").text
    assert 'easyportrait_requests_total{path="/v1/parse",status="422"} 1.0' in text
    assert "guess" not in text and "passwd" not in text
    assert 'path="other",status="404"} 2.0' in text


def test_a_page_can_be_put_in_and_needs_no_token(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>studio</title>")
    (tmp_path / "studio.js").write_text("1")
    with client(page=tmp_path, token="x" * 20) as asked:
        assert asked.get("/").text == "<title>studio</title>"
        script = asked.get("/studio.js")
        outside = asked.get("/..%2f..%2fetc/passwd")
        programs = asked.get("/v1/models")
    assert "script-src 'self'" in script.headers["content-security-policy"]
    assert outside.status_code == 404 and programs.status_code == 401


def test_a_fault_of_ours_is_one_line_and_dressed_as_all_answers() -> None:
    def fail() -> None:
        raise ZeroDivisionError("with a secret")

    with client({"fake": net(fail)}) as asked:
        answer = asked.post("/v1/parse", content=photo())
    assert answer.status_code == 500 and answer.json()["error"] == "error"
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
