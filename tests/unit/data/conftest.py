"""Local mirrors; see tests/mirror.py."""

from collections.abc import Iterator

import pytest

from tests.mirror import Mirror, serving


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as one:
        yield one


@pytest.fixture
def other(mirror: Mirror) -> Iterator[Mirror]:
    """A second one."""
    with serving() as one:
        yield one
