"""A segmentation loss that forgives labels which are sometimes wrong."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..taxonomy import IGNORE
from .recipe import Loss


def training_loss(logits: tuple[Tensor, ...], target: Tensor, how: Loss) -> Tensor:
    """The main head's loss, and those of the auxiliary heads by their weights.

    Args:
        logits: of the main head and after it of as many auxiliary ones as `how.auxiliary`
            has weights; as `segmentation_loss`.
    """
    total = segmentation_loss(logits[0], target, how)
    for each, weight in zip(logits[1:], how.auxiliary, strict=True):
        total = total + weight * segmentation_loss(each, target, how)
    return total


def segmentation_loss(logits: Tensor, target: Tensor, how: Loss) -> Tensor:
    """Cross-entropy, absolute error, soft Dice and Lovász, over the pixels that are known.

    Args:
        logits: (N, C, h, w) float; brought up to the target's size (bilinear).
        target: (N, H, W) int64, 0..C-1 and 255.
        how: weights of the terms; `class_weights` and `hard_below` apply to the first two.

    Returns:
        A scalar. Cross-entropy pulls hardest where the net contradicts a label, right or
        wrong; the absolute error 1 - p is bounded there, which makes the sum tolerant
        (Ghosh et al. 2017; Wang et al. 2019, "symmetric cross entropy", whose reverse
        term is the absolute error up to a factor). Dice is counted over the batch, on the
        classes present in it; so is Lovász, the piecewise linear stand-in for IoU.
    """
    logits = F.interpolate(
        logits.float(), size=target.shape[-2:], mode="bilinear", align_corners=False
    )
    known = target != IGNORE
    safe = target.masked_fill(~known, 0)
    log_probs = logits.log_softmax(1)
    picked = log_probs.gather(1, safe[:, None])[:, 0]
    spread = log_probs.mean(1)
    cross = -((1 - how.smoothing) * picked + how.smoothing * spread)

    counted = known
    if how.hard_below:
        counted = known & hard(picked.detach().exp(), known, how.hard_below, how.hard_least)
    weights = logits.new_tensor(how.class_weights)[safe] * counted
    total = weights.sum().clamp_min(1)

    probs = log_probs.exp() * known[:, None]
    truth = F.one_hot(safe, logits.shape[1]).permute(0, 3, 1, 2) * known[:, None]
    both = (probs * truth).sum((0, 2, 3))
    size = probs.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    present = truth.sum((0, 2, 3)) > 0
    dice = 1 - ((2 * both + 1) / (size + 1))[present].mean() if present.any() else logits.sum() * 0

    loss = (
        how.cross_entropy * (cross * weights).sum() / total
        + how.absolute * ((1 - picked.exp()) * weights).sum() / total
        + how.dice * dice
    )
    if how.lovasz:
        loss = loss + how.lovasz * lovasz(log_probs.exp(), target)
    return loss


def hard(probs: Tensor, known: Tensor, below: float, least: int) -> Tensor:
    """Which pixels the net finds hard (online hard example mining, Shrivastava et al. 2016).

    Args:
        probs: (N, H, W), of the true class.
        known: (N, H, W) bool.
        below: a pixel is hard if its probability is less than this.
        least: of so many pixels a picture the hardest count all the same.

    Returns:
        (N, H, W) bool.
    """
    values = probs[known]
    if not len(values):
        return known
    rank = min(least * len(probs), len(values) - 1)
    worst = values.kthvalue(rank + 1).values
    return probs < torch.clamp(worst, min=below)


def lovasz(probs: Tensor, target: Tensor) -> Tensor:
    """Lovász-Softmax (Berman et al. 2018) over the batch, mean over the classes present.

    Args:
        probs: (N, C, H, W), summing to 1 over C.
        target: (N, H, W) int64, 0..C-1 and 255.
    """
    known = target != IGNORE
    truth = target[known]
    losses = []
    for c in truth.unique().tolist():
        own = (truth == c).float()
        errors, order = (own - probs[:, c][known]).abs().sort(descending=True)
        losses.append(errors @ rise_of_jaccard(own[order]))
    return torch.stack(losses).mean() if losses else probs.sum() * 0


def rise_of_jaccard(own: Tensor) -> Tensor:
    """(P,) of 0 and 1, the worst error first -> by how much 1 - IoU grows with each error."""
    inside = own.sum()
    left = inside - own.cumsum(0)
    either = inside + (1 - own).cumsum(0)
    jaccard = 1 - left / either
    return torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
