from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from easyportrait.errors import ModelError
from easyportrait.models.session import fake_card
from easyportrait.train.nets import NETS
from easyportrait.train.weights import read_weights, write_weights


def test_weights_survive_safetensors_with_their_net_and_card(tmp_path: Path) -> None:
    net, card = NETS["lraspp-mobilenetv3"](8), replace(fake_card("fp"), name="mine")
    write_weights(tmp_path / "a.safetensors", net, "lraspp-mobilenetv3", card)
    name, state, read = read_weights(tmp_path / "a.safetensors")
    assert (name, read) == ("lraspp-mobilenetv3", card)
    again = NETS[name](8)
    again.load_state_dict(state)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "b.safetensors")
    with pytest.raises(ModelError, match="does not say of which net"):
        read_weights(tmp_path / "b.safetensors")
