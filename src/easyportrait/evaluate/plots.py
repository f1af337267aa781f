"""Plots of scores, as SVG that stands in a page (data/plots.py says how)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.plots import DIM, INK, LINE, PAPER, SPLIT_COLOURS, svg
from ..taxonomy import CLASSES
from .bootstrap import Value
from .calibration import BINS
from .confusion import Numbers
from .groups import Attribute, Group
from .scores import WHOLE, Scored, reliability
from .told import heading, spoken

BLUE, ORANGE = SPLIT_COLOURS["train"], SPLIT_COLOURS["val"]
FEWEST = 100  # points in a bin that says anything
ROW = 0.24  # inches a row of a plot of rows


def colour_of(name: str) -> tuple[int, int, int]:
    """RGB of a class, or of the whole person."""
    return CLASSES["person" if name == WHOLE else name].rgb


def class_scores(scored: Scored) -> str:
    """IoU of each class with its interval, and boundary F."""
    names = [*scored.classes]

    def draw(axes: Any) -> None:
        lowest = 1.0
        for row, name in enumerate(names):
            its = scored.classes[name]
            colour = np.array(colour_of(name)) / 255
            _span(axes, its["iou"], row, DIM)
            axes.scatter(
                its["iou"].value, row, 52, [colour], edgecolor=INK, linewidth=0.8, zorder=4
            )
            f = its.get("boundary_f", Value(None)).value
            if f is not None:
                axes.scatter(
                    f, row, 30, marker="D", color=PAPER, edgecolor=DIM, linewidth=1, zorder=3
                )
            shown = its["iou"].low, its["iou"].value, f
            lowest = min([lowest, *(n for n in shown if n is not None)])
        axes.set_yticks(range(len(names)), [spoken(name) for name in names])
        axes.invert_yaxis()
        axes.grid(False, axis="y")
        axes.set_xlim(np.floor(10 * max(0, lowest - 0.02)) / 10, 1)
        axes.set_xlabel("IoU (coloured) and boundary F (hollow)")

    return svg(draw, 0.8 + 0.26 * len(names), 7)


def _span(axes: Any, value: Value, row: float, colour: str) -> None:
    if value.low is not None and value.high is not None:
        axes.plot([value.low, value.high], [row, row], color=colour, linewidth=2.2, zorder=2)


def calibration(bins: Numbers) -> str:
    """The share of right points against how sure the net was."""
    sure, right = reliability(bins)
    there = bins[0] >= FEWEST

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=DIM, linewidth=1, linestyle=(0, (4, 3)), zorder=2)
        edges = np.linspace(0, 1, BINS + 1)
        axes.stairs(np.where(there, right, 0), edges, fill=True, color=BLUE, alpha=0.18, zorder=1)
        axes.plot(sure[there], right[there], color=BLUE, linewidth=1.4, zorder=3)
        axes.scatter(sure[there], right[there], 26, BLUE, linewidth=0, zorder=4)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("how sure: probability of the likeliest class")
        axes.set_ylabel("share that is right")

    return svg(draw)


def confidence(bins: Numbers) -> str:
    """How many points there are of each probability, on a scale of powers of ten."""

    def draw(axes: Any) -> None:
        share = 100 * bins[0] / max(1, bins[0].sum())
        axes.stairs(share, np.linspace(0, 1, BINS + 1), fill=True, color=BLUE, zorder=2)
        axes.set_yscale("log")
        axes.set_ylim(0.001, 100)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(False, axis="x")
        axes.set_xlim(0, 1)
        axes.set_xlabel("how sure: probability of the likeliest class")
        axes.set_ylabel("% of points")

    return svg(draw)


def groups(by_group: Mapping[Attribute, Sequence[tuple[Group, Scored]]], overall: float) -> str:
    """Mean IoU of each group with its interval, and a line at that of the whole set."""
    names: list[str] = []
    values: list[Value | None] = []
    for attribute, its in by_group.items():
        names += [heading(attribute), *(group.name for group, _ in its)]
        values += [None, *(scored.overall.get("miou", Value(None)) for _, scored in its)]

    def draw(axes: Any) -> None:
        axes.axvline(overall, color=LINE, linewidth=1.6, zorder=1)
        for row, value in enumerate(values):
            if value is not None and value.value is not None:
                _span(axes, value, row, BLUE)
                axes.scatter(value.value, row, 34, BLUE, linewidth=0, zorder=3)
        axes.set_yticks(range(len(names)), names)
        for label, value in zip(axes.get_yticklabels(), values, strict=True):
            label.set_color(DIM if value is None else INK)
        axes.grid(False, axis="y")
        axes.set_ylim(len(names) - 0.4, -0.8)
        axes.set_xlabel("mean IoU")

    return svg(draw, 0.8 + ROW * len(names), 7.6)
