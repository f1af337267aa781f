"""Who may call: tokens, names, addresses."""

from pathlib import Path

import pytest

from easyportrait.errors import BadInput
from easyportrait.serve.run import address, allowed_hosts, bound, is_loopback, read_token


def test_what_others_can_reach_is_not_started_without_a_token() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.7", "a-name.example"):
        assert not is_loopback(host)
        with pytest.raises(BadInput, match="a token is needed"):
            allowed_hosts(host, [], None)
        assert allowed_hosts(host, [], "t" * 16) is None
        assert allowed_hosts(host, ["A.example"], "t" * 16) == {"a.example", host}


def test_this_machine_goes_by_its_own_names_and_those_it_is_given() -> None:
    assert allowed_hosts("127.0.0.5", ["Me.example"], None) == {
        "localhost", "127.0.0.1", "::1", "127.0.0.5", "me.example",
    }  # fmt: skip


def test_a_token_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EASYPORTRAIT_TOKEN", raising=False)
    assert read_token(None) is None
    monkeypatch.setenv("EASYPORTRAIT_TOKEN", "from-the-environment")
    assert read_token(None) == "from-the-environment"
    file = tmp_path / "token"
    file.write_text("from-the-file-itself\n")
    assert read_token(file) == "from-the-file-itself"


@pytest.mark.parametrize("text", ["", "short", " " * 40, "é" * 20, "two\nlines of a token"])
def test_a_bad_token_is_no_start(text: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(text, "utf-8")
    with pytest.raises(BadInput, match="16 or more printable"):
        read_token(file)


def test_a_token_that_cannot_be_read_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_token(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff" * 40)
    with pytest.raises(BadInput, match="no text"):
        read_token(tmp_path / "binary")


def test_a_port_that_is_taken_is_named() -> None:
    with bound("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        assert address(first) == f"http://127.0.0.1:{port}/"
        with pytest.raises(BadInput, match=f"port {port} cannot be used.*--port 0"):
            bound("127.0.0.1", port)
    with pytest.raises(BadInput, match="cannot be used"):
        bound("no-such-name.invalid", 0)
