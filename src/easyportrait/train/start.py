"""Begin where another training ended: weights from a checkpoint or from a model file.

In a model file every norm lies folded into the convolution before it. Unfolding needs
pictures: a norm that is told the mean and spread of what reaches it, and made to undo
them, changes nothing today and can be trained from there.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from ..errors import BadInput, ModelError
from .weights import read_weights


def start_from(net: nn.Module, path: Path, pictures: Tensor) -> None:
    """Give a net the weights of one of its own kind.

    Args:
        net: to be filled; its convolutions without bias are each followed by their norm.
        path: a checkpoint (.ckpt) of a run, weights (.safetensors) as `models import` writes
            them, or a model file (.onnx) as `export` writes it; where weights lie beside a
            model file, they are taken. Auxiliary heads that a file lacks stay as they are.
        pictures: (N, 3, H, W) float32, normalised, as training shows them: a batch.

    Raises:
        BadInput: the file cannot be read, or is of another net; or a model file is of a net
            that cannot be had from it whole.
    """
    if path.suffix == ".onnx" and path.with_suffix(".safetensors").exists():
        path = path.with_suffix(".safetensors")
    try:
        if path.suffix == ".ckpt":
            from_checkpoint(net, path)
        elif path.suffix == ".safetensors":
            fill(net, read_weights(path)[1], path)
        else:
            from_model(net, path, pictures)
    except BadInput:
        raise
    except ModelError as error:
        raise BadInput(str(error)) from error
    except KeyError as error:
        raise BadInput(f"{path} is not of this recipe's net: it has no {error.args[0]}") from error
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise BadInput(f"{path} does not hold this recipe's net: {error}") from error
    except Exception as error:  # protobuf's own, for a file that is no model
        raise BadInput(f"{path} is neither a checkpoint nor a model file: {error}") from error


def from_checkpoint(net: nn.Module, path: Path) -> None:
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    fill(net, {key.removeprefix("net."): value for key, value in state.items()}, path)


def fill(net: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Raises: BadInput: tensors are missing, unknown, or of another shape."""
    wanted = {key: value.shape for key, value in net.state_dict().items()}
    for key, shape in wanted.items():
        if key in state and state[key].shape != shape:
            raise BadInput(
                f"{path} is not of this recipe's net: {key} is {tuple(state[key].shape)} there, "
                f"{tuple(shape)} here"
            )
    missing = [key for key in wanted if key not in state and not key.startswith("aux.")]
    unknown = [key for key in state if key not in wanted and not key.startswith("aux.")]
    for what, keys in (("has no", missing), ("has, and the net has not,", unknown)):
        if keys:
            raise BadInput(f"{path} is not of this recipe's net: it {what} {keys[0]}")
    net.load_state_dict({key: state[key] for key in wanted if key in state}, strict=False)


def from_model(net: nn.Module, path: Path, pictures: Tensor) -> None:
    """Only nets of nothing but convolutions and norms: of others a file does not keep all."""
    known = (nn.Conv2d, nn.BatchNorm2d)
    others = (part for part in net.modules() if not isinstance(part, known))
    if any(True for part in others for _ in part.parameters(recurse=False)) or len(
        getattr(net, "aux", ())
    ):
        raise BadInput(
            f"{path}: a model file does not keep all of this recipe's net; begin with the run's "
            "best.ckpt or last.ckpt, or with the .safetensors that `models import` wrote"
        )
    stored = {
        weight.name.removesuffix(".half").removeprefix("net."): numpy_helper.to_array(weight)
        for weight in onnx.load(path).graph.initializer
    }

    def take(name: str, like: Tensor) -> Tensor:
        value = torch.from_numpy(stored[name].astype(np.float32))
        if value.shape != like.shape:
            raise BadInput(
                f"{path} is not of this recipe's net: {name} is {tuple(value.shape)} there, "
                f"{tuple(like.shape)} here"
            )
        return value

    hooks, open_conv = [], ""
    with torch.no_grad():
        for name, part in net.named_modules():
            if isinstance(part, nn.Conv2d):
                part.weight.copy_(take(f"{name}.weight", part.weight))
                if part.bias is None:
                    open_conv = name
                else:
                    part.bias.copy_(take(f"{name}.bias", part.bias))
            elif isinstance(part, nn.BatchNorm2d):
                shift = take(f"{open_conv}.weight_bias", part.bias)
                hooks.append(part.register_forward_pre_hook(unfolding(shift)))
        net.eval()(pictures)
    for hook in hooks:
        hook.remove()
    net.train()


def unfolding(shift: Tensor):  # type: ignore[no-untyped-def]
    """A hook that makes a norm add `shift` and nothing else, to what is about to reach it."""

    def unfold(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        mean = inputs[0].mean((0, 2, 3))
        var = inputs[0].var((0, 2, 3), unbiased=False)
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)
        norm.weight.copy_((var + norm.eps).sqrt())
        norm.bias.copy_(mean + shift)

    return unfold
