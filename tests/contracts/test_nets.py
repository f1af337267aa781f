"""What every net promises. A new net is tested by being in `NETS`."""

import pytest
import torch
from torch import nn

from easyportrait.train.nets import NETS, all_logits

every_net = pytest.mark.parametrize("name", NETS)


def built(name: str, classes: int = 9) -> nn.Module:
    torch.manual_seed(0)
    return NETS[name](classes)


@every_net
@pytest.mark.parametrize("classes", [2, 8, 9])
def test_it_answers_any_multiple_of_32_with_a_map_that_divides_it(name: str, classes: int) -> None:
    net = built(name, classes).eval()
    with torch.inference_mode():
        logits = net(torch.zeros(2, 3, 64, 96))
    stride = 64 // logits.shape[2]
    assert stride in (1, 2, 4, 8)
    assert logits.shape == (2, classes, 64 // stride, 96 // stride)


@every_net
def test_every_parameter_gets_a_gradient(name: str) -> None:
    """Of some size with the norms' running statistics: with a batch's own, a norm takes out
    again what the bias of a norm before it adds."""
    net = built(name)
    for training in (True, False):
        net.train(training).zero_grad()
        answers = all_logits(net, torch.randn(2, 3, 64, 64))
        torch.stack([logits.square().mean() for logits in answers]).sum().backward()
        grads = {k: p.grad for k, p in net.named_parameters()}
        assert [k for k, grad in grads.items() if grad is None or not grad.isfinite().all()] == []
    assert [k for k, grad in grads.items() if not grad.any()] == []


@every_net
def test_auxiliary_logits_come_after_the_main_ones_and_have_the_same_classes(name: str) -> None:
    net = built(name).eval()
    x = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        main, *others = all_logits(net, x)
        assert torch.equal(main, net(x))
    assert all(other.shape[1] == main.shape[1] for other in others)


@every_net
def test_it_answers_the_same_twice_and_each_picture_by_itself(name: str) -> None:
    net = built(name).eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        together, again, alone = net(x), net(x), net(x[1:])
    assert torch.equal(together, again)
    assert torch.allclose(together[1:], alone, atol=1e-5)
