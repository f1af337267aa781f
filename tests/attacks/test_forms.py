"""Forms that are cut short, doubled, endless, or speak of files."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.serve.asking import decoded, drawn, error_of, net, photo

LONG = "multipart/form-data; boundary=" + "b" * 999


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> dict[str, Any]:
    body = b"".join(
        b"--b\r\n" + disposition.encode() + b"\r\n\r\n" + data + b"\r\n"
        for disposition, data in parts
    )
    return {
        "content": body + end,
        "headers": {"content-type": "multipart/form-data; boundary=b"},
    }


def named(name: str, file: str = "../../x") -> str:
    return f'Content-Disposition: form-data; name="{name}"; filename="{file}"'


GOOD = (named("picture"), photo())
TYPE = form()["headers"]
ODD: dict[str, tuple[dict[str, Any], int]] = {
    "an address": (form((named("url"), b"http://x")), 422),
    "a path for a name": (form((named("../picture"), photo())), 422),
    "a null in a name": (form((named("picture\0"), photo())), 422),
    "twice the picture": (form(GOOD, GOOD), 422),
    "twice the effects": (form(GOOD, (named("effects"), b"{}"), (named("effects"), b"{}")), 422),
    "an array": (form((named("picture[]"), photo())), 422),
    "no last boundary": (form(GOOD, end=b""), 422),
    "no picture": (form((named("effects"), b"{}")), 422),
    "no name": (form(("Content-Type: image/png", photo())), 422),
    "another boundary": ({"content": b"--c\r\n", "headers": TYPE}, 422),
    "nothing": ({"content": b"", "headers": TYPE}, 422),
    "no boundary": ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 422),
    "a boundary too long": ({"content": b"x", "headers": {"content-type": LONG}}, 422),
    "nulls": ({"content": bytes(9_000), "headers": TYPE}, 422),
    "line ends": ({"content": b"\r\n" * 300_000, "headers": TYPE}, 422),
    "boundaries that are none": ({"content": b"\r\n--" * 200_000, "headers": TYPE}, 422),
    "a form in a form": (
        form((named("picture") + "\r\nContent-Type: multipart/mixed; boundary=c", b"--c--")),
        422,
    ),
    "effects that are no text": (form(GOOD, (named("effects"), b"\xff\xfe{}")), 422),
    "headers too long": (form((named("picture") + ("\r\nX: " + "y" * 1_000) * 5, photo())), 413),
    "effects too long": (form(GOOD, (named("effects"), b" " * 20_000)), 413),
    "output that is none": (form(GOOD, (named("output"), b"exe")), 422),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_forms_are_refused(name: str, asked: httpx.Client) -> None:
    sent, status = ODD[name]
    answer = asked.post("/v1/apply", **sent)
    assert answer.status_code == status, answer.text
    assert error_of(answer.content)


def test_of_a_form_that_is_cut_short_nothing_is_done(asked: httpx.Client) -> None:
    """Its first picture came whole; what else was meant is not known."""
    cut = form(GOOD, (named("background"), photo()), end=b"")
    answer = asked.post("/v1/apply", params={"effects": '{"smooth-skin": 1}'}, **cut)
    assert answer.status_code == 422 and "cut short" in answer.json()["message"]


def test_thousands_of_parts_are_refused_at_the_first_that_is_none(asked: httpx.Client) -> None:
    """Names that are known come once each, so the first of thousands that repeats is it."""
    for name in ("picture", "background", "effects", "x", ""):
        answer = asked.post("/v1/apply", **form(*[(named(name), b"")] * 9_000))
        assert answer.status_code == 422 and len(answer.content) < 300, name


def test_a_files_name_is_the_senders_own_affair(asked: httpx.Client) -> None:
    wanted = net().parse(drawn()).labels
    before = sorted(Path.cwd().iterdir())
    for file in ("../../x", "/etc/passwd", "a\0b", "C:\\x.png", "n" * 3_900, "x.php", "%00", ""):
        answer = asked.post("/v1/parse", **form((named("picture", file), photo())))
        assert answer.status_code == 200 and (decoded(answer.content) == wanted).all(), file
    too_long = asked.post("/v1/parse", **form((named("picture", "n" * 5_000), photo())))
    assert too_long.status_code in (413, 422)  # by our count, or python-multipart's
    assert sorted(Path.cwd().iterdir()) == before
