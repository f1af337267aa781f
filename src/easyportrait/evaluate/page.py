"""Scores as one HTML page that needs nothing else: no host, no script."""

import base64
from html import escape
from pathlib import Path

import numpy as np

from ..data.stats_page import figure, opening, percent, swatch, table
from ..image.blend import overlay
from ..image.io import encode, written
from ..taxonomy import IGNORE
from . import boundary, calibration, plots
from .bootstrap import Value
from .films import Films
from .films_page import STYLE as FILMS_STYLE
from .films_page import section
from .record import Shot, held_iou
from .scores import Scores
from .told import CLASS_LABELS, ends, heading, number, overview, spoken, whose

STYLE = """
td small { display: block; color: var(--dim); font-size: .8rem; }
td, th { vertical-align: top; }
table.matrix { border-collapse: separate; border-spacing: 2px; }
table.matrix td, table.matrix th { padding: .3rem .6rem; border: 0; }
table.matrix td { text-align: center; border-radius: .2rem; min-width: 4rem;
  font-variant-numeric: tabular-nums; }
table.matrix th { font-weight: 400; text-align: center; }
table.matrix th[scope=row] { text-align: right; }
td.none { color: var(--dim); }
.worst { grid-template-columns: repeat(auto-fill, minmax(min(34rem, 100%), 1fr)); }
.worst img { width: 100%; }
"""
RIGHT, WRONG = "58 134 200", "224 96 32"  # of cells, with their share as opacity
LOWEST = 3  # classes named beside a picture
GREY = (128, 128, 128)  # where a mask is 255


def write_page(scores: Scores, path: Path, *, about: str, films: Films | None = None) -> None:
    """Write the page; arguments and errors as `page`, and

    Raises:
        OutputUnwritable: it cannot be written.
    """
    text = page(scores, about=about, films=films)
    with written(path) as file:
        # a file name may hold bytes that are no text
        file.write(text.encode("utf-8", "backslashreplace"))


def page(scores: Scores, *, about: str, films: Films | None = None) -> str:
    """The page's text.

    Args:
        about: the set, in words.
        films: of the same model, to be told of below.

    Raises:
        MissingExtra: Matplotlib is not installed.
    """
    model = escape(scores.model)
    failed = f"; {len(scores.failures):,} could not be scored" if scores.failures else ""
    looks = "one look" if scores.looks == 1 else "two looks"
    parts = [
        opening(f"{model} on {escape(about)}", STYLE + FILMS_STYLE),
        f"<h1>{model} on {escape(about)}</h1>\n"
        f'<p class="dim">{scores.pictures:,} pictures, {looks}{failed}</p>\n',
        _overview(scores),
        *(_details(scores) if scores.counts.any() else []),
        _failures(scores),
        section(films) if films else "",
        "</body></html>\n",
    ]
    return "".join(parts)


def _details(scores: Scores) -> list[str]:
    return [
        "<h2>Classes</h2>\n",
        _classes(scores),
        "<h2>What is taken for what</h2>\n",
        _matrix(scores),
        "<h2>Is it as often right as it is sure?</h2>\n",
        _calibration(scores),
        _groups(scores),
        _worst(scores),
    ]


def _overview(scores: Scores) -> str:
    rows = [[label, number(value.value, 4), ends(value, 4)] for label, value in overview(scores)]
    return (
        table(["", "score", "95 % interval"], rows)
        + f'<p class="dim">Counted over the whole set, in one matrix; pixels of {IGNORE} do not '
        "count, and a class that no mask holds is left out. Intervals are of a bootstrap over "
        f"{escape(whose(scores))}.</p>\n"
    )


# -- classes -------------------------------------------------------------------------------


def _classes(scores: Scores) -> str:
    total = scores.total
    drawn = figure(
        "",
        plots.class_scores(total),
        "A line is the 95 % interval. The boundary F asks for a boundary within "
        f"{100 * boundary.TOLERANCE:g} % of the picture's diagonal; boundary IoU is the IoU "
        f"within {100 * boundary.DILATION:g} % of boundaries.",
        "wide",
    )
    pixels = dict(zip(scores.taxonomy.names, scores.counts.sum(1), strict=True))
    rows = []
    for name, its in total.classes.items():
        colour = "#{:02x}{:02x}{:02x}".format(*plots.colour_of(name))
        cells = [_cell(its.get(score, Value(None))) for score in CLASS_LABELS]
        share = percent(pixels[name] / scores.counts.sum()) if name in pixels else ""
        rows.append([swatch(colour) + spoken(name), *cells, share])
    return drawn + table(["", *CLASS_LABELS.values(), "of all pixels"], rows, is_markup=True)


def _cell(value: Value) -> str:
    told = ends(value)
    return number(value.value) + (f"<small>{told}</small>" if told else "")


def _matrix(scores: Scores) -> str:
    """Rows of shares: the true class, and as what its pixels were predicted."""
    counts = scores.counts
    names = [spoken(name) for name in scores.taxonomy.names]
    there = counts.sum(1) > 0
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = ""
    for i in np.flatnonzero(there):
        cells = "".join(_share(n, i == j) for j, n in enumerate(counts[i] / counts[i].sum()))
        rows += f'<tr><th scope="row">{names[i]}</th>{cells}</tr>\n'
    return (
        '<p class="dim">Of the pixels of each class, how many per cent were predicted as which. '
        "Below 0.05 a cell is empty.</p>\n"
        f'<div class="scroll"><table class="matrix">\n<tr><td></td>{head}</tr>\n{rows}</table>'
        "</div>\n"
    )


def _share(share: float, is_right: bool) -> str:
    if share < 0.0005:
        return '<td class="none"></td>'
    # shares differ by powers of ten, and the rare ones are what one looks for
    opacity = 0.55 * share if is_right else min(0.75, 1.5 * share**0.5)
    colour = f"rgb({RIGHT if is_right else WRONG} / {100 * opacity:.0f}%)"
    return f'<td style="background: {colour}">{100 * share:.1f}</td>'


# -- the rest ------------------------------------------------------------------------------


def _calibration(scores: Scores) -> str:
    error = scores.total.overall.get("calibration_error", Value(None))
    told = ends(error, 4)
    return (
        f"<p>The expected calibration error is {number(error.value, 4)}"
        f"{f' ({told})' if told else ''}.</p>\n"
        '<div class="plots">\n'
        + figure(
            "How often it is right",
            plots.calibration(scores.bins),
            "On the dashed line it is as often right as it is sure; below, it is too sure. Bins of "
            f"fewer than {plots.FEWEST} points are left out.",
        )
        + figure(
            "How sure it is",
            plots.confidence(scores.bins),
            f"Points on a lattice of at most {calibration.SIDE} x {calibration.SIDE} over each "
            "picture. Each step up is ten times as many.",
        )
        + "</div>\n"
    )


def _groups(scores: Scores) -> str:
    if not scores.by_group:
        return ""
    names = [*scores.total.classes]
    rows: list[list[str]] = []
    for attribute, its_groups in scores.by_group.items():
        rows.append([f"<b>{escape(heading(attribute))}</b>", *[""] * (len(names) + 3)])
        for group, scored in its_groups:
            ious = (scored.classes.get(name, {}).get("iou", Value(None)) for name in names)
            rows.append(
                [
                    escape(group.name),
                    f"{scored.pictures:,}",
                    f"{scored.users:,}" if scored.users else "-",
                    _cell(scored.overall.get("miou", Value(None))),
                    *map(_cell, ious),
                ]
            )
    drawn = figure(
        "",
        plots.groups(scores.by_group, scores.mean),
        "Mean IoU and its 95 % interval; the upright line is the whole set's.",
        "wide",
    )
    head = ["", "pictures", "users", "mean IoU", *map(spoken, names)]
    numbers = table(head, rows, is_markup=True)
    return (
        "<h2>Which pictures it suits</h2>\n"
        '<p class="dim">Brightness and size are measured of the picture, faces of its mask. '
        "Quarters are of this set. The luma of skin is of the light as much as of the complexion. "
        "Groups differ in more than their name says, and in classes that their masks hold."
        f"</p>\n{drawn}<details><summary>All numbers</summary>\n{numbers}</details>\n"
    )


def _worst(scores: Scores) -> str:
    if not scores.worst:
        return ""
    held = sorted({int(v) for shot in scores.worst for v in np.unique(shot.predicted)} - {0})
    colours = [(spoken(scores.taxonomy.names[i]), scores.taxonomy.labels[i].rgb) for i in held]
    colours += [("not known", GREY)] * any((s.truth == IGNORE).any() for s in scores.worst)
    legend = "".join(
        f"<span>{swatch('#{:02x}{:02x}{:02x}'.format(*rgb))}{name}</span>" for name, rgb in colours
    )
    items = "".join(_item(scores, shot) for shot in scores.worst)
    return (
        "<h2>The worst pictures</h2>\n"
        '<p class="dim">By mean IoU over the classes that the mask holds: photograph, mask, '
        f'prediction. The mask may be at fault.</p>\n<p class="legend">{legend}</p>\n'
        f'<ul class="worst">\n{items}</ul>\n'
    )


def _item(scores: Scores, shot: Shot) -> str:
    name, record = escape(shot.record.name), shot.record
    by_class = zip(scores.taxonomy.names, held_iou(record.counts).tolist(), strict=True)
    low = sorted((iou, spoken(one)) for one, iou in by_class if iou < record.miou)[:LOWEST]
    told = ", ".join(f"{one} {iou:.2f}" for iou, one in low)
    data = base64.b64encode(triptych(scores, shot)).decode()
    return (
        f"<li><b>{name}</b><p>mean IoU {record.miou:.3f}"
        f"{f'; {told}' if told else ''}</p>"
        f'<img alt="{name}: photograph, mask, prediction" src="data:image/jpeg;base64,{data}">'
        "</li>\n"
    )


def triptych(scores: Scores, shot: Shot) -> bytes:
    """JPEG of the photograph, its mask and what was predicted, side by side."""
    unknown = shot.truth == IGNORE
    drawn, predicted = (
        overlay(shot.image, labels, scores.taxonomy, strength=0.65)
        for labels in (np.where(unknown, 0, shot.truth).astype(np.uint8), shot.predicted)
    )
    drawn = np.where(unknown[..., None], (drawn // 3 + np.array(GREY) * 2 // 3), drawn)
    gap = np.full((len(drawn), 4, 3), 255, np.uint8)
    return encode(np.hstack([shot.image, gap, drawn.astype(np.uint8), gap, predicted]), ".jpg")


def _failures(scores: Scores) -> str:
    if not scores.failures:
        return ""
    items = "".join(f"<li>{escape(str(failure))}</li>\n" for failure in scores.failures)
    return f'<h2>Could not be scored</h2>\n<ul class="verdicts">{items}</ul>\n'
