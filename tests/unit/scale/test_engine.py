import builtins
import sys
from typing import Any

import pytest

from easyportrait.errors import BadInput, MissingExtra, OutputUnwritable, UnknownModel
from easyportrait.models.session import cores
from easyportrait.scale.engine import Cluster, Failure, Worker, connected
from easyportrait.scale.shared import Seeing


@pytest.mark.parametrize(
    ("cluster", "most"),
    [
        (Cluster(), max(1, cores() - 1)),
        (Cluster(workers=3), 3),
        (Cluster("auto"), None),
        (Cluster("auto", 7), 7),
        (Cluster(cpus=1000), 1),
    ],
)
def test_how_many_workers_there_are(cluster: Cluster, most: int | None) -> None:
    assert cluster.most == most


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "ray":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.split(".")[0] == "ray"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r'pip install "easyportrait\[scale\]"'):
        connected(Cluster()).__enter__()


def test_an_error_comes_home_as_it_was() -> None:
    """Some of ours cannot be pickled: their arguments are not their message."""
    for raised in (OutputUnwritable("no room"), UnknownModel("x", ["y"])):
        error = Failure(type(raised), str(raised)).error
        assert type(error) is type(raised) and str(error) == str(raised)


def test_workers_of_another_version_are_refused() -> None:
    with pytest.raises(RuntimeError, match=r"on the workers and 0\.0\.0 here"):
        Worker(b"", "0.0.0")


def test_a_machine_that_does_not_see_the_folder_says_so(tmp_path: Any) -> None:
    assert Seeing(str.upper, (tmp_path,))("a") == "A"
    with pytest.raises(BadInput, match=r"gone is not there on .*all machines see"):
        Seeing(str.upper, (tmp_path / "gone",))("a")
