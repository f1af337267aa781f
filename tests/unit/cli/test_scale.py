"""What `easyportrait scale` says before any Ray is started, and what it hands on."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from easyportrait.assets import DEMO
from easyportrait.cli.app import app
from easyportrait.data.pool import Over, on_all_cores
from easyportrait.errors import DatasetUnsound, EasyPortraitError, MissingExtra
from easyportrait.scale import engine, shared
from easyportrait.scale.engine import Cluster
from easyportrait.scale.task import Travelling
from tests.unit.data.planted import FAULTS, entry, sound


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (("parse", "nowhere", "-o", "out"), 3, "nowhere is no folder of pictures"),
        (("parse", "empty", "-o", "out"), 3, "empty holds no pictures"),
        (("parse", "src", "-o", "src/out"), 3, r"src/out lies in .*/src, which is read"),
        (("parse", "src", "-o", "src"), 3, "lies in"),
        (("parse", "src", "-o", "file"), 3, r"-o names a folder, and .*/file is a file"),
        (("parse", "src", "-o", "out", "--photo"), 3, "--photo is for --as webdataset"),
        (("apply", "src", "-o", "out"), 3, "name an effect"),
        (("parse", "src", "-o", "out", "-m", "embeded"), 4, "Did you mean 'embedded'"),
        (("parse", "src", "-o", "ftp9://x"), 3, "ftp9://x cannot be reached"),
    ],
)
def test_what_cannot_be_is_said_before_ray_is_started(
    args: tuple[str, ...],
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("src", "empty"):
        Path(folder).mkdir()
    Path("src/a.jpg").write_bytes(DEMO.read_bytes())
    Path("file").write_text("")
    with pytest.raises(EasyPortraitError, match=message) as refused:
        app(["scale", *args], standalone_mode=False)
    assert refused.value.exit_status == status
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "src"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Cluster, list[Path]]]:
    """What `verify` and `build` ask of a cluster; this machine answers."""
    seen = []

    @contextmanager
    def here(cluster: Cluster, folders: Iterable[Path]) -> Iterator[Over]:
        seen.append((cluster, [*folders]))
        yield on_all_cores

    monkeypatch.setattr(shared, "everywhere", here)
    return seen


def test_verify_takes_its_own_options_and_those_of_machines(
    asked: list[tuple[Cluster, list[Path]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = sound(tmp_path / "data")
    FAULTS["values"][1](root)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetUnsound):
        app(["scale", "verify", "data", "--workers", "3"], standalone_mode=False)
    app(["scale", "verify", "data", "--allow-255", "--address", "auto"], standalone_mode=False)
    assert asked == [(Cluster(workers=3), [root]), (Cluster("auto"), [root])]


def test_build_sends_its_finder_of_faces(
    asked: list[tuple[Cluster, list[Path]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"
    for i in range(3):
        made = entry(i, "train")
        for folder, file in (("images", made.image_file), ("masks", made.mask_file)):
            path = raw / folder / f"p{i}.{'jpg' if folder == 'images' else 'png'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.read())
    models: list[str] = []
    real = Travelling.__init__

    def noted(self: Travelling, model: str) -> None:
        models.append(model)
        real(self, model)

    monkeypatch.setattr(Travelling, "__init__", noted)
    args = ["scale", "build", str(raw), "-o", str(tmp_path / "built"), "--dry-run"]
    app([*args, "--min-side", "10", "--min-face", "1"], standalone_mode=False)
    assert models == ["embedded-int8"]
    assert asked == [(Cluster(), [raw])]


def test_without_the_extra_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.jpg").write_bytes(DEMO.read_bytes())
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"ray, which comes with the extra 'scale'"):
        args = ["scale", "parse", str(tmp_path / "src"), "-o", str(tmp_path / "out")]
        app(args, standalone_mode=False)
    assert not (tmp_path / "out").exists()
