"""A segmentation loss that forgives labels which are sometimes wrong."""

from torch import Tensor
from torch.nn import functional as F

from ..taxonomy import IGNORE
from .recipe import Loss


def segmentation_loss(logits: Tensor, target: Tensor, how: Loss) -> Tensor:
    """Cross-entropy, absolute error and soft Dice, over the pixels that are known.

    Args:
        logits: (N, C, h, w) float; brought up to the target's size (bilinear).
        target: (N, H, W) int64, 0..C-1 and 255.
        how: weights of the terms; `class_weights` apply to the first two.

    Returns:
        A scalar. Cross-entropy pulls hardest where the net contradicts a label, right or
        wrong; the absolute error 1 - p is bounded there, which makes the sum tolerant
        (Ghosh et al. 2017; Wang et al. 2019, "symmetric cross entropy", whose reverse
        term is the absolute error up to a factor). Dice is counted over the batch, on the
        classes present in it.
    """
    logits = F.interpolate(
        logits.float(), size=target.shape[-2:], mode="bilinear", align_corners=False
    )
    known = target != IGNORE
    safe = target.masked_fill(~known, 0)
    weights = logits.new_tensor(how.class_weights)[safe] * known
    total = weights.sum().clamp_min(1)

    log_probs = logits.log_softmax(1)
    picked = log_probs.gather(1, safe[:, None])[:, 0]
    spread = log_probs.mean(1)
    cross = -((1 - how.smoothing) * picked + how.smoothing * spread)

    probs = log_probs.exp() * known[:, None]
    truth = F.one_hot(safe, logits.shape[1]).permute(0, 3, 1, 2) * known[:, None]
    both = (probs * truth).sum((0, 2, 3))
    size = probs.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    present = truth.sum((0, 2, 3)) > 0
    dice = 1 - ((2 * both + 1) / (size + 1))[present].mean() if present.any() else logits.sum() * 0

    return (
        how.cross_entropy * (cross * weights).sum() / total
        + how.absolute * ((1 - picked.exp()) * weights).sum() / total
        + how.dice * dice
    )
