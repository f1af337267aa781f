import numpy as np
import pytest
import torch
from torch.nn import functional as F

from easyportrait.evaluate.confusion import Confusion
from easyportrait.taxonomy import CLASSES
from easyportrait.train.losses import hard, lovasz, segmentation_loss, training_loss
from easyportrait.train.recipe import Loss

PLAIN = Loss(
    cross_entropy=1.0,
    absolute=0.0,
    dice=0.0,
    lovasz=0.0,
    smoothing=0.0,
    hard_below=0.0,
    hard_least=0,
    auxiliary=(),
    class_weights=(1.0,) * 9,
)


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


@pytest.mark.parametrize("term", ["cross_entropy", "absolute", "dice", "lovasz"])
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
    how = with_(absolute=1.0, dice=1.0, lovasz=1.0)
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


def test_lovasz_of_answers_without_doubt_is_what_iou_lacks_to_one() -> None:
    """It extends 1 - IoU from whole answers to shares: on whole ones the two are equal."""
    g = torch.Generator().manual_seed(1)
    truth = torch.randint(0, 4, (2, 12, 12), generator=g)
    truth[0, :2] = 255
    found = torch.where(torch.rand(truth.shape, generator=g) < 0.7, truth % 255, 1).clamp(max=8)
    counts = Confusion(CLASSES)
    counts.add(truth.numpy().astype(np.uint8), found.numpy().astype(np.uint8))
    probs = F.one_hot(found, 9).permute(0, 3, 1, 2).float()
    iou = counts.mean_iou(*CLASSES.names[:4])
    assert lovasz(probs, truth).item() == pytest.approx(1 - iou, abs=1e-5)


def test_hard_pixels_are_those_below_or_the_worst_few() -> None:
    probs = torch.linspace(0, 1, 101)[None, None]
    known = torch.ones(1, 1, 101, dtype=torch.bool)
    assert hard(probs, known, 0.7, 10).sum() == 70  # 0.00 to 0.69
    assert hard(probs, known, 0.1, 50).sum() == 50  # more than the ten below
    assert hard(probs, known, 0.1, 1000).sum() == 100  # all but the best
    known[..., :60] = False
    assert (hard(probs, known, 0.7, 1) & known).sum() == 10
    assert not hard(probs, torch.zeros_like(known), 0.7, 1).any()


def test_only_hard_pixels_pull_where_the_recipe_says_so() -> None:
    target = torch.zeros(1, 4, 4, dtype=torch.long)
    logits = torch.zeros(1, 9, 4, 4)
    logits[:, 0, :2] = 10.0  # known well
    logits.requires_grad_()
    segmentation_loss(logits, target, with_(hard_below=0.7, hard_least=1)).backward()
    assert logits.grad is not None
    assert not logits.grad[:, :, :2].any() and logits.grad[:, :, 2:].any()


def test_auxiliary_heads_count_by_their_weights() -> None:
    (main, target), (coarse, _) = some(0), some(2)
    how = with_(auxiliary=(0.4, 0.0))
    both = training_loss((main, coarse[..., ::2], main), target, how)
    parts = [segmentation_loss(x, target, how).item() for x in (main, coarse[..., ::2])]
    assert both.item() == pytest.approx(parts[0] + 0.4 * parts[1], rel=1e-5)
    with pytest.raises(ValueError, match="zip"):
        training_loss((main,), target, how)
