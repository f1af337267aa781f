"""Other sites' pages, other names, and those who have no token."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.attacks.conftest import TOKEN
from tests.unit.serve.asking import SOON, Served, client, error_of, photo


def test_a_foreign_name_that_leads_here_is_refused(asked: httpx.Client) -> None:
    for host in (
        *("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[", "", "localhost."),
        *("127.0.0.1@evil.example", "evil.example#localhost", "localhost.evil.example", "127.1"),
        *("0.0.0.0", "localhost, evil.example", "evil.example\\@localhost", "%6cocalhost"),
    ):
        answer = asked.get("/v1/models", headers={"host": host})
        assert answer.status_code == 403, host
        assert error_of(answer.content) == "wrong-host"
        assert asked.get("/", headers={"host": host}).status_code == 403
    for host in ("localhost:9", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
        assert asked.get("/v1/models", headers={"host": host}).status_code == 200


def test_other_sites_pages_are_refused_and_told_no_origin(asked: httpx.Client) -> None:
    own = f"http://127.0.0.1:{asked.base_url.port}"
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://127.0.0.1:9"},
        {"origin": f"{own}.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
    ):
        answer = asked.post("/v1/parse", content=photo(), headers=headers)
        assert (answer.status_code, error_of(answer.content)) == (403, "other-site"), headers
    preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answers = [
        asked.options("/v1/parse", headers=preflight),
        asked.post(
            "/v1/parse",
            content=photo(),
            headers={"origin": own, "sec-fetch-site": "same-origin"},
        ),
    ]
    assert [answer.status_code for answer in answers] == [403, 200]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control")]


GUESSES = [
    *("", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}"),
    *(TOKEN, "Bearer \xe9\xff", f"Bearer {TOKEN.upper()}", f"Bearer {TOKEN}, Bearer x"),
    *("Bearer null", "Bearer *", "Bearer " + "x" * 9_000, "Bearer\t" + TOKEN),
]
PATHS = ("/v1/models", "/v1/effects", "/metrics", "/openapi.json", "/v1/nothing", "/%76%31/models")


def test_a_token_opens_and_nothing_else_does(closed: Served) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{closed.port}", timeout=SOON) as asked:
        for path in PATHS:
            for guess in GUESSES:
                answer = asked.get(path, headers={"authorization": guess.encode("latin-1")})
                assert (answer.status_code, error_of(answer.content)) == (401, "unauthorised")
                assert answer.headers["www-authenticate"] == "Bearer"
                assert TOKEN not in answer.text
            cookie = {"cookie": f"token={TOKEN}"}
            assert asked.get(path, params={"token": TOKEN}).status_code == 401
            assert asked.get(path, headers=cookie).status_code == 401
        for path in PATHS[:4]:
            right = {"authorization": f"bearer {TOKEN}"}
            assert asked.get(path, headers=right).status_code == 200
        assert asked.post("/v1/parse", content=photo()).status_code == 401
        assert asked.get("/healthz").status_code == 200


def test_who_guesses_locks_nobody_out(closed: Served) -> None:
    """Wrong tokens by the dozen, each refused at once, none of them taking a place; the right one
    opens in their midst (the bystander's) and after them."""
    with httpx.Client(base_url=f"http://127.0.0.1:{closed.port}", timeout=SOON) as asked:
        picture = photo()

        def guess(n: int) -> int:
            headers = {"authorization": f"Bearer {TOKEN[:-3]}{n:03}"}
            return asked.post("/v1/parse", content=picture, headers=headers).status_code

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(guess, range(80))) == {401}
        right = {"authorization": f"Bearer {TOKEN}"}
        assert asked.post("/v1/parse", content=photo(), headers=right).status_code == 200


def test_a_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(
        "easyportrait.serve.guard.hmac.compare_digest",
        lambda *both: compared.append(both) or both[0] == both[1],
    )
    with client(token=TOKEN) as asked:
        asked.get("/v1/models", headers={"authorization": "Bearer x"})
        asked.get("/v1/models")
    assert compared == [(b"x", TOKEN.encode()), (b"", TOKEN.encode())]
