"""Begin where another training ended: weights from a checkpoint or from a model file.

In a model file every norm lies folded into the convolution before it. Unfolding needs
pictures: a norm that is told the mean and spread of what reaches it, and made to undo
them, changes nothing today and can be trained from there.
"""

import pickle
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from ..errors import BadInput


def start_from(net: nn.Module, path: Path, pictures: Tensor) -> None:
    """Give a net the weights of one of its own kind.

    Args:
        net: to be filled; its convolutions without bias are each followed by their norm.
        path: a checkpoint (.ckpt) of a run, or a model file (.onnx) as `export` writes it.
        pictures: (N, 3, H, W) float32, normalised, as training shows them: a batch.

    Raises:
        BadInput: the file cannot be read, or is of another net.
    """
    try:
        if path.suffix == ".ckpt":
            from_checkpoint(net, path)
        else:
            from_model(net, path, pictures)
    except BadInput:
        raise
    except KeyError as error:
        raise BadInput(f"{path} is not of this recipe's net: it has no {error.args[0]}") from error
    except (OSError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise BadInput(f"{path} does not hold this recipe's net: {error}") from error
    except Exception as error:  # protobuf's own, for a file that is no model
        raise BadInput(f"{path} is neither a checkpoint nor a model file: {error}") from error


def from_checkpoint(net: nn.Module, path: Path) -> None:
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    net.load_state_dict({key.removeprefix("net."): value for key, value in state.items()})


def from_model(net: nn.Module, path: Path, pictures: Tensor) -> None:
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
