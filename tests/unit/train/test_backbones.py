"""Published weights find their places, and what is not them is refused."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from easyportrait.errors import BadInput, BadRecipe, DownloadFailed, OutputUnwritable
from easyportrait.train import backbones
from easyportrait.train.backbones import (
    BACKBONES,
    OPENMMLAB,
    TORCHVISION,
    Published,
    learned,
    load_backbone,
)
from easyportrait.train.nets import NETS
from easyportrait.train.recipe import Recipe, recipes

FILES = {name: entry for name, entry in BACKBONES.items() if isinstance(entry, Published)}
NET_OF = {
    "mobilenet-v2": "fcn-mobilenetv2",
    "mobilenet-v3-small": "lraspp-mobilenetv3",
    "resnet-50": "fpn-resnet50",
    "resnet-50-v1c": "fpn-resnet50",
    "mit-b0": "segformer-b0",
    "mit-b2": "segformer-b2",
}

# A few of the published names and shapes, and where each lies in our encoder.
PLACES = {
    "mobilenet-v2": {
        "features.0.0.weight": ((32, 3, 3, 3), "stem.conv.weight"),
        "features.1.conv.1.weight": ((16, 32, 1, 1), "stages.0.0.body.1.conv.weight"),
        "features.17.conv.3.running_var": ((320,), "stages.6.0.body.2.norm.running_var"),
    },
    "mobilenet-v3-small": {
        "features.0.0.weight": ((16, 3, 3, 3), "stem.conv.weight"),
        "features.1.block.1.fc1.bias": ((8,), "blocks.0.squeeze.narrow.bias"),
        "features.4.block.2.fc2.weight": ((96, 24, 1, 1), "blocks.3.squeeze.widen.weight"),
        "features.12.1.bias": ((576,), "last.norm.bias"),
    },
    "resnet-50": {
        "layer1.0.downsample.0.weight": ((256, 64, 1, 1), "stages.0.0.shortcut.conv.weight"),
        "layer4.2.bn3.running_mean": ((2048,), "stages.3.2.body.2.norm.running_mean"),
    },
    "resnet-50-v1c": {
        "stem.6.weight": ((64, 32, 3, 3), "stem.2.conv.weight"),
        "layer3.5.conv2.weight": ((256, 256, 3, 3), "stages.2.5.body.1.conv.weight"),
    },
    "mit-b0": {
        "layers.0.0.projection.weight": ((32, 3, 7, 7), "stages.0.embed.weight"),
        "layers.1.1.0.attn.sr.weight": (
            (64, 64, 4, 4),
            "stages.1.blocks.0.attention.shrink.weight",
        ),
        "layers.3.2.bias": ((256,), "stages.3.norm.bias"),
    },
    "mit-b2": {
        "layers.2.1.5.ffn.layers.4.bias": ((320,), "stages.2.blocks.5.mlp.narrow.bias"),
    },
}


def published(name: str) -> dict[str, Tensor]:
    """A file of that shape, made by asking the renaming what it looks for, in the order of
    our layers; values are their places' numbers, so that none can be taken for another."""
    encoder = NETS[NET_OF[name]](9).encoder
    ours = learned(encoder)
    if name in ("mobilenet-v2", "mobilenet-v3-small"):
        state = {f"features.{i}": torch.full_like(v, float(i)) for i, v in enumerate(ours.values())}
        return state | {"features.0.num_batches_tracked": torch.tensor(3)}

    class Asked(dict[str, Tensor]):
        def __missing__(self, key: str) -> Tensor:
            self[key] = torch.full((6144, 1), float(len(self)))
            return self[key]

    asked = Asked()
    FILES[name].rename(encoder, asked)
    return dict(asked)


@pytest.mark.parametrize("name", FILES)
def test_published_names_lead_to_their_places(name: str) -> None:
    """By the names where renaming is by name; where it is by order, by the shapes."""
    encoder = NETS[NET_OF[name]](9).encoder
    ours = learned(encoder)
    for theirs, (shape, place) in PLACES[name].items():
        assert tuple(ours[place].shape) == shape
        if name in ("mobilenet-v2", "mobilenet-v3-small"):
            continue
        state = published(name)
        state[theirs] = torch.full(shape, -7.0)
        assert (FILES[name].rename(encoder, state)[place] == -7).all()


def test_query_and_key_are_two_of_ours_and_one_of_theirs() -> None:
    state = published("mit-b0")
    key = "layers.0.1.0.attn.attn.in_proj_bias"
    state[key] = torch.arange(96.0)
    found = FILES["mit-b0"].rename(NETS["segformer-b0"](9).encoder, state)
    assert found["stages.0.blocks.0.attention.query.bias"].tolist() == list(range(32))
    assert found["stages.0.blocks.0.attention.key_value.bias"].tolist() == list(range(32, 96))


def whole(name: str, path: Path, around: Callable[[dict[str, Tensor]], object]) -> Path:
    """A file that holds an encoder's own values plus one, under the published names."""
    encoder = NETS[NET_OF[name]](9).encoder
    ours = learned(encoder)
    state = dict.fromkeys(published(name))
    renamed = FILES[name].rename
    if name in ("mobilenet-v2", "mobilenet-v3-small"):
        full = dict(zip(state, [v + 1 for v in ours.values()], strict=False))
    else:
        full = {}
        for key in state:
            mark = {k: torch.full((6144, 1), float(k == key)) for k in state}
            places = [p for p, v in renamed(encoder, mark).items() if v.any()]
            full[key] = torch.cat([ours[p] + 1 for p in places])
    torch.save(around(full), path)
    return path


@pytest.mark.parametrize(
    ("name", "around"),
    [
        ("mobilenet-v3-small", lambda s: s | {"classifier.0.weight": torch.zeros(1)}),
        (
            "mit-b0",
            lambda s: {"meta": {}, "state_dict": {f"backbone.{k}": v for k, v in s.items()}},
        ),
    ],
)
def test_a_local_file_fills_the_whole_encoder(
    name: str, around: Callable[[dict[str, Tensor]], object], tmp_path: Path
) -> None:
    path = whole(name, tmp_path / "w.pth", around)
    net = NETS[NET_OF[name]](9)
    before = {k: v.clone() for k, v in learned(net.encoder).items()}
    assert load_backbone(net, name, path)
    same = [k for k, v in learned(net.encoder).items() if torch.equal(v, before[k])]
    assert same == []


def test_torchvisions_resnet_leaves_the_stem_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = whole("resnet-50", tmp_path / "w.pth", lambda s: s | {"conv1.weight": torch.zeros(1)})
    net = NETS["fpn-resnet50"](9)
    stem = net.encoder.stem[0].conv.weight.clone()
    stage = net.encoder.stages[0][0].body[0].conv.weight.clone()
    assert load_backbone(net, "resnet-50", path)
    assert torch.equal(stem, net.encoder.stem[0].conv.weight)
    assert not torch.equal(stage, net.encoder.stages[0][0].body[0].conv.weight)
    assert "stem starts from scratch" in caplog.text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mit-b0", {"layers.0.0.projection.weight": torch.zeros(32, 3, 7, 7)}),
        ("mobilenet-v2", {"features.0.0.weight": torch.zeros(32, 3, 3, 3)}),
        ("resnet-50-v1c", [1, 2]),
    ],
)
def test_a_file_of_something_else_is_refused(name: str, content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(BadInput, match=rf"w\.pth does not hold the weights of {name}"):
        load_backbone(NETS[NET_OF[name]](9), name, tmp_path / "w.pth")


def test_a_file_without_use_and_an_unknown_name_are_refused(tmp_path: Path) -> None:
    net = NETS["segformer-b0"](9)
    with pytest.raises(BadInput, match=r"no pretrained backbone; what is .*w\.pth for"):
        load_backbone(net, "none", tmp_path / "w.pth")
    with pytest.raises(BadRecipe, match=r"no backbone 'mit'; backbones: none, .*mit-b0"):
        load_backbone(net, "mit")


def test_the_table_is_pinned_and_every_recipe_names_a_row_of_it() -> None:
    for entry in FILES.values():
        assert entry.url.startswith((TORCHVISION, OPENMMLAB))
        assert entry.file.removesuffix(".pth").endswith(entry.sha256) and len(entry.sha256) == 8
    for name in recipes():
        assert Recipe.load(name).backbone in {"none", *BACKBONES}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for the network that serves b"weights"; says what was asked for."""
    asked: list[str] = []

    def download(url: str, part: object, **_: object) -> None:
        asked.append(url)
        if "offline" in url:
            raise DownloadFailed("no network")
        part.path.write_bytes(b"weights")  # type: ignore[attr-defined]

    monkeypatch.setattr(backbones, "download", download)
    monkeypatch.setattr(backbones, "cache_folder", lambda: tmp_path / "cache")
    return asked


def entry(url: str, sha256: str) -> Published:
    return Published(url, sha256, lambda *_: {})


def test_a_file_is_fetched_once_and_kept(site: list[str]) -> None:
    good = entry("https://a.example/x-1.pth", hashlib.sha256(b"weights").hexdigest()[:8])
    first, again = backbones.fetched(good), backbones.fetched(good)
    assert first == again and first is not None and first.read_bytes() == b"weights"
    assert site == ["https://a.example/x-1.pth"]
    assert [p.name for p in first.parent.iterdir()] == ["x-1.pth"]


def test_another_file_under_its_address_is_refused_and_not_kept(
    site: list[str], tmp_path: Path
) -> None:
    with pytest.raises(DownloadFailed, match=r"has SHA-256 .*, not 00000000\.\.\., and was not"):
        backbones.fetched(entry("https://a.example/x-1.pth", "00000000"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_made_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setattr(backbones, "cache_folder", lambda: tmp_path / "home" / "cache")
    with pytest.raises(OutputUnwritable, match=r"https://a\.example/x\.pth.*--backbone"):
        backbones.fetched(entry("https://a.example/x.pth", "0"))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.pth").touch()
    with pytest.raises(BadInput, match=r"w\.pth does not hold the weights of mit-b0"):
        load_backbone(NETS["segformer-b0"](9), "mit-b0", tmp_path / "w.pth")


def test_without_network_training_is_from_scratch_and_says_so(
    site: list[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES, "mit-b0", entry("https://offline.example/x.pth", "0"))
    assert not load_backbone(NETS["segformer-b0"](9), "mit-b0")
    assert "from scratch: no network" in caplog.text and "--backbone" in caplog.text
