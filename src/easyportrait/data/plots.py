"""Plots of a dataset's numbers, as SVG that stands in a page and takes its colours and type.

Matplotlib draws; what it draws is rewritten to inherit from the page, so that plots are
readable in light and dark, and to hold no address and no name but its own.
"""

import io
import re
from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import MissingExtra
from ..taxonomy import CLASSES
from .distributions import QUANTITIES, Floats, Quantity
from .stats import ALL, ClassCount, Stats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Stand-ins, which the page's own colours take the place of
INK, DIM, LINE, PAPER = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04"
OF_PAGE = {INK: "currentColor", DIM: "var(--dim)", LINE: "var(--line)", PAPER: "var(--page)"}

SPLIT_COLOURS = {"train": "#3a86c8", "val": "#ee7733", "test": "#0f9d8a", ALL: "#8a93a0"}


class Mark(NamedTuple):
    """How a pair of splits is drawn: by Matplotlib, and as a letter in a legend."""

    marker: str
    letter: str
    colour: str


MARKS = {
    ("train", "val"): Mark("o", "●", SPLIT_COLOURS["val"]),
    ("train", "test"): Mark("D", "◆", SPLIT_COLOURS["test"]),
    ("val", "test"): Mark("s", "■", "#9467bd"),
}

WIDTH, HEIGHT = 5.6, 3.1  # inches, of 72 units
BUBBLES = 28  # steps along the longest side, into which sizes are gathered

STYLE = {
    "font.size": 9.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": DIM,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "xtick.minor.size": 0,
    "svg.fonttype": "none",
    "svg.hashsalt": "easyportrait",
    "path.simplify": False,
}


def load_matplotlib() -> Any:
    """The module, when it is first needed.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise MissingExtra("data", "matplotlib") from None
    return matplotlib


def svg(draw: Callable[["Axes"], None], height: float = HEIGHT, width: float = WIDTH) -> str:
    """What `draw` draws, as an `<svg>` as wide as its place.

    Args:
        height, width: in inches of 72 units; a letter is 9.5 units high.

    Raises:
        MissingExtra: Matplotlib is not installed.
    """
    matplotlib = load_matplotlib()
    from matplotlib.figure import Figure  # not pyplot: no window, nothing global

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.add_subplot())
        return _inherited(figure)


def _inherited(figure: "Figure") -> str:
    """The figure's SVG, for the page to colour."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'<svg [^>]*(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true">', text)
    text = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", text)
    used = set(re.findall(r"#([\w-]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", text)
    for stand_in, colour in OF_PAGE.items():
        text = text.replace(stand_in, colour)
    return re.sub(r"\n\s*", "\n", text)


# -- classes -------------------------------------------------------------------------------


def class_pixels(stats: Stats) -> str:
    """How much of all pixels each class is, on a scale of powers of ten."""
    return _class_bars(stats, lambda count: 100 * count.share, "% of all pixels", "log")


def class_masks(stats: Stats) -> str:
    """In how many masks each class occurs."""
    return _class_bars(stats, lambda count: 100 * count.masks_share, "% of masks", "linear")


def _class_bars(stats: Stats, value: Callable[[ClassCount], float], label: str, scale: str) -> str:
    groups = [*stats.splits, ALL] if len(stats.splits) > 1 else [ALL]
    at = np.arange(len(CLASSES))

    def draw(axes: "Axes") -> None:
        axes.set_xscale(scale)
        for group in groups:
            values = [value(stats.classes[name][group]) for name in CLASSES.names]
            if group == ALL:
                colours = [np.array(one.rgb) / 255 for one in CLASSES.labels]
                axes.barh(at, values, 0.72, color=colours, edgecolor=INK, linewidth=0.6, zorder=2)
            else:
                axes.scatter(values, at, s=18, c=SPLIT_COLOURS[group], clip_on=False, zorder=3)
        axes.set_yticks(at, [name.replace("_", " ") for name in CLASSES.names])
        axes.grid(False, axis="y")
        axes.invert_yaxis()
        axes.set_xlabel(label)
        axes.set_xlim(right=100)
        axes.xaxis.set_major_formatter("{x:g}")

    return svg(draw, 3.4)


# -- spreads -------------------------------------------------------------------------------


def spread(stats: Stats, quantity: Quantity, of: str) -> str:
    """A histogram of each split, each as shares of its own values.

    Args:
        of: what the values are of, in the plural.
    """
    edges = stats.edges[quantity.name]
    groups = stats.splits if len(stats.splits) > 1 else (ALL,)

    def draw(axes: "Axes") -> None:
        for group in groups:
            found = stats.quantities[quantity.name][group]
            shares = 100 * np.array(found.counts) / max(1, found.n)
            colour = SPLIT_COLOURS[group]
            axes.stairs(shares, edges, color=colour, linewidth=1.6, zorder=3)
            if group == groups[0]:
                axes.stairs(shares, edges, color=colour, fill=True, alpha=0.18, zorder=2)
        axes.set_ylabel(f"% of {of}")
        axes.set_xlabel(quantity.unit)
        axes.grid(False, axis="x")
        axes.set_ylim(bottom=0)
        axes.set_xlim(edges[0], edges[-1])
        if _are_whole(edges):
            numbers = [round(n) for n in edges[:-1] + 0.5]
            axes.set_xticks(numbers, [*map(str, numbers[:-1]), f"{numbers[-1]}+"])
            filled = np.flatnonzero(stats.quantities[quantity.name][ALL].counts)
            axes.set_xlim(right=edges[min(max(5, filled[-1] + 2), len(edges) - 1)])

    return svg(draw)


def _are_whole(edges: Floats) -> bool:
    return bool((edges % 1 == 0.5).all())


def sizes(stats: Stats) -> str:
    """Width and height: a bubble for each size, as large as the pictures of it are many."""
    width = np.array([p.width for p in stats.pictures])
    height = np.array([p.height for p in stats.pictures])
    longest = max(width.max(), height.max())
    step = -(-longest // BUBBLES)
    cells = np.stack([width // step, height // step])
    _, which, counts = np.unique(cells, axis=1, return_inverse=True, return_counts=True)
    x, y = (np.bincount(which.ravel(), weights=values) / counts for values in (width, height))

    def draw(axes: "Axes") -> None:
        areas = 12 + 700 * counts / counts.max()
        axes.scatter(x, y, s=areas, c=SPLIT_COLOURS["train"], alpha=0.55, linewidth=0, zorder=3)
        axes.plot([0, 1.1 * longest], [0, 1.1 * longest], color=LINE, linewidth=1, zorder=1)
        axes.set_xlim(0, 1.12 * longest)
        axes.set_ylim(0, 1.12 * longest)
        axes.set_xlabel("width, pixels")
        axes.set_ylabel("height, pixels")

    return svg(draw)


# -- splits --------------------------------------------------------------------------------


def differences(stats: Stats) -> str:
    """How far apart each two splits are, as multiples of what chance would pass."""
    pairs = [*combinations(stats.splits, 2)]
    rows = {q.name: i for i, q in enumerate(QUANTITIES)}

    def draw(axes: "Axes") -> None:
        axes.axvspan(0, 1, color=LINE, alpha=0.45, linewidth=0, zorder=0)
        for i, pair in enumerate(pairs):
            mine = [d for d in stats.differences if (d.first, d.second) == pair]
            far = [d.distance / d.chance for d in mine]
            at = [rows[d.quantity] + 0.22 * (i - (len(pairs) - 1) / 2) for d in mine]
            mark = MARKS[pair]
            axes.scatter(far, at, s=30, c=mark.colour, marker=mark.marker, linewidth=0, zorder=3)
        axes.set_yticks([*rows.values()], [q.label for q in QUANTITIES])
        axes.set_xlim(left=0, right=max(1.5, axes.get_xlim()[1]))
        axes.invert_yaxis()
        axes.set_xlabel("distance, over what chance passes once in 1,000")

    return svg(draw, 5.2, 7.6)
