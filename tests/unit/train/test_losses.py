import numpy as np
import pytest
import torch
from torch.nn import functional as F

from easyportrait.train.losses import segmentation_loss
from easyportrait.train.recipe import Loss

PLAIN = Loss(cross_entropy=1.0, absolute=0.0, dice=0.0, smoothing=0.0, class_weights=(1.0,) * 9)


def some(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(2, 9, 8, 8, generator=g), torch.randint(0, 9, (2, 16, 16), generator=g)


def with_(**changes: object) -> Loss:
    from dataclasses import replace

    return replace(PLAIN, **changes)


def test_its_cross_entropy_is_torchs() -> None:
    logits, target = some()
    target[:, :3] = 255
    up = F.interpolate(logits, size=(16, 16), mode="bilinear", align_corners=False)
    for weights, smoothing in (
        ((1.0,) * 9, 0.0),
        (tuple(np.linspace(1, 3, 9)), 0.0),
        ((1.0,) * 9, 0.1),
    ):
        ours = segmentation_loss(logits, target, with_(class_weights=weights, smoothing=smoothing))
        theirs = F.cross_entropy(
            up, target, torch.tensor(weights).float(), ignore_index=255, label_smoothing=smoothing
        )
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)


@pytest.mark.parametrize("term", ["cross_entropy", "absolute", "dice"])
def test_unknown_pixels_count_for_nothing(term: str) -> None:
    logits, target = some()
    how = with_(**({"cross_entropy": 0.0} | {term: 1.0}))
    target[:, :8] = 255
    logits.requires_grad_()
    segmentation_loss(logits, target, how).backward()
    assert logits.grad is not None
    assert not logits.grad[:, :, :3].any() and logits.grad[:, :, 5:].any()


def test_being_right_costs_nothing_and_all_unknown_is_no_accident() -> None:
    target = torch.randint(0, 9, (1, 8, 8))
    logits = 50.0 * F.one_hot(target, 9).permute(0, 3, 1, 2).float()
    how = with_(absolute=1.0, dice=1.0)
    assert segmentation_loss(logits, target, how).item() == pytest.approx(0, abs=1e-3)
    empty = segmentation_loss(logits.requires_grad_(), torch.full((1, 8, 8), 255), how)
    empty.backward()
    assert torch.isfinite(empty)


def test_the_absolute_error_is_bounded_where_cross_entropy_is_not() -> None:
    """A label the net is sure is wrong: what it pulls with."""
    target = torch.zeros(1, 4, 4, dtype=torch.long)
    logits = torch.zeros(1, 9, 4, 4)
    logits[:, 1] = 20
    assert segmentation_loss(logits, target, PLAIN).item() > 15
    bounded = with_(cross_entropy=0.0, absolute=1.0)
    assert segmentation_loss(logits, target, bounded).item() <= 1
