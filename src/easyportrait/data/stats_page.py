"""What `stats` measured, as one HTML page that needs nothing else: no host, no script."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import combinations
from pathlib import Path

from ..image.io import written
from ..taxonomy import CLASSES
from . import plots
from .distributions import (
    BRIGHTNESS,
    FACE_HEIGHT,
    FACES,
    QUANTITIES,
    ROLL,
    SHAPE,
    SHORTER_SIDE,
    USER_PICTURES,
    YAW,
    Distribution,
    Quantity,
)
from .page import POLICY
from .page import STYLE as PAGE_STYLE
from .stats import ALL, MOST_SIZES, Stats

# The plots, their headings, what their values are of, and what to know to read them
SPREADS: tuple[tuple[Quantity, str, str], ...] = (
    (SHORTER_SIDE, "pictures", "A net that squeezes a picture into its input sees less of it."),
    (BRIGHTNESS, "pictures", "The mean luma of a picture: 0 is black, 255 white."),
    (FACES, "pictures", "Patches of skin with an eye, brow or mouth."),
    (FACE_HEIGHT, "faces", "From hairline to chin, as far as it is seen."),
    (ROLL, "faces", "From eye to eye, where both are seen; 0 is upright."),
    (YAW, "faces", "From where eyes and lips lie between the face's sides; 0 is frontal."),
    (USER_PICTURES, "users", "Splits are by user, so these go together."),
)

STYLE = """
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
  gap: 1.5rem 2.5rem; }
figure { margin: 0; min-width: 0; }
figure.wide { max-width: 60rem; }
figcaption { color: var(--dim); font-size: .9rem; }
h2 { display: block; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0; }
svg { display: block; width: 100%; height: auto; }
.verdicts { grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr));
  margin-bottom: 1rem; }
.legend span { margin-right: 1.25rem; white-space: nowrap; }
.scroll { overflow-x: auto; }
td, th { padding-right: 1.25rem; white-space: nowrap; }
td.telling { color: var(--bad); font-weight: 600; }
i.swatch { display: inline-block; width: .8em; height: .8em; margin-right: .5em;
  border: 1px solid var(--dim); border-radius: .15em; vertical-align: -.05em; }
"""


def write_page(stats: Stats, path: Path) -> None:
    """Write the page.

    Raises:
        MissingExtra: Matplotlib is not installed.
        OutputUnwritable: it cannot be written.
    """
    text = page(stats)
    with written(path) as file:
        # a file name may hold bytes that are no text
        file.write(text.encode("utf-8", "backslashreplace"))


def page(stats: Stats) -> str:
    """The page's text.

    Raises:
        MissingExtra: Matplotlib is not installed.
    """
    root = escape(str(stats.root))
    parts = [
        opening(f"{root}: what is in it"),
        f'<h1>{root}</h1>\n<p class="dim">{_counted(stats)}</p>\n',
        *(f'<p class="bad">{escape(line)}</p>\n' for line in stats.left_out),
        table(["", *stats.groups], overview(stats)),
        '<p class="dim">Spreads are told as the median (and what nine in ten lie between).</p>\n',
        _alike(stats),
        "<h2>Classes</h2>\n",
        _classes(stats),
        "<h2>Pictures, faces, users</h2>\n",
        _legend(stats),
        _spreads(stats),
        f"<h2>The {MOST_SIZES} commonest sizes</h2>\n",
        _sizes(stats),
        _failures(stats),
        "</body></html>\n",
    ]
    return "".join(parts)


def _counted(stats: Stats) -> str:
    users = stats.users[ALL]
    told = f"{len(stats.pictures):,} pictures with masks"
    told += f" of {users:,} users" if users else "; no table tells whose they are"
    failed = f"; {len(stats.failures):,} could not be measured" if stats.failures else ""
    return f"{told}{failed}"


# -- numbers -------------------------------------------------------------------------------


def overview(stats: Stats, *, with_spread: bool = True) -> list[list[str]]:
    """What there is, a row each: a name, and a cell for each of `stats.groups`.

    Args:
        with_spread: tell what nine in ten lie between, beside the median.
    """

    def spread(name: str, quantity: Quantity, form: str, times: float = 1) -> list[str]:
        found = stats.quantities[quantity.name]
        return [name, *(_median(found[g], form, times, with_spread) for g in stats.groups)]

    per_user = stats.quantities[USER_PICTURES.name]
    return [
        ["pictures", *(f"{len(pictures):,}" for pictures in stats.groups.values())],
        ["users", *(f"{stats.users[group]:,}" for group in stats.groups)],
        ["pictures of a user, mean (most)", *(_mean_and_most(d) for d in per_user.values())],
        spread("shorter side, pixels", SHORTER_SIDE, ",.0f"),
        spread("width over height", SHAPE, ".2f"),
        spread("brightness, of 255", BRIGHTNESS, ".0f"),
        ["pictures without a face", *(_shared(stats, group, 0, 0) for group in stats.groups)],
        ["pictures with more than one", *(_shared(stats, g, 2, 99) for g in stats.groups)],
        spread("height of a face, %", FACE_HEIGHT, ".0f", 100),
        spread("roll of a face, degrees", ROLL, ".0f"),
        spread("yaw of a face, rough degrees", YAW, ".0f"),
    ]


def _median(found: Distribution, form: str, times: float, with_spread: bool) -> str:
    if found.median is None or found.p5 is None or found.p95 is None:
        return "-"
    numbers = (times * n for n in (found.median, found.p5, found.p95))
    middle, low, high = (_unsigned_zero(f"{n:{form}}") for n in numbers)
    return f"{middle} ({low} to {high})" if with_spread else middle


def _unsigned_zero(text: str) -> str:
    return text if text.strip("-0.") else text.removeprefix("-")


def _mean_and_most(found: Distribution) -> str:
    return "-" if found.mean is None else f"{found.mean:.2f} ({found.most:.0f})"


def _shared(stats: Stats, group: str, least: int, most: int) -> str:
    pictures = stats.groups[group]
    return percent(sum(least <= len(p.faces) <= most for p in pictures) / len(pictures))


def percent(share: float) -> str:
    """
    >>> percent(0.5), percent(0.002), percent(0.00042), percent(0.0)
    ('50.0 %', '0.20 %', '0.042 %', '0 %')
    """
    if not share:
        return "0 %"
    return f"{100 * share:.1f} %" if share >= 0.01 else f"{100 * share:#.2g} %"


def verdicts(stats: Stats) -> list[tuple[tuple[str, str], str]]:
    """Each two splits, and whether they are alike or in what they differ."""
    label = {q.name: q.label for q in QUANTITIES}
    found = []
    for pair in combinations(stats.splits, 2):
        mine = [d for d in stats.differences if (d.first, d.second) == pair]
        telling = sorted((d for d in mine if d.is_telling), key=lambda d: -d.distance)
        if telling:
            what = ", ".join(f"{label[d.quantity]} ({d.distance:.2f})" for d in telling)
            found.append((pair, f"differ in {what}"))
        elif min(d.chance for d in mine) >= 1:
            found.append((pair, "too few users to tell"))
        else:
            found.append(
                (pair, f"alike: none of {len(mine)} quantities differs by more than chance")
            )
    return found


# -- parts of the page ---------------------------------------------------------------------


def opening(title: str, style: str = "") -> str:
    """The page's beginning, to the start of its body.

    Args:
        title: HTML already.
        style: what this page adds to the style of all.
    """
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{PAGE_STYLE}{STYLE}{style}</style></head><body>
"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, is_markup: bool = False) -> str:
    """The first column is text, the others are numbers.

    Args:
        is_markup: the cells are HTML already, but for the head.
    """

    def row(cells: Sequence[str], tag: str, tell: Callable[[str], str]) -> str:
        rest = "".join(f'<{tag} class="n">{tell(cell)}</{tag}>' for cell in cells[1:])
        return f"<tr><{tag}>{tell(cells[0])}</{tag}>{rest}</tr>\n"

    body = "".join(row(cells, "td", str if is_markup else escape) for cells in rows)
    return f'<div class="scroll"><table>\n{row(head, "th", escape)}{body}</table></div>\n'


def figure(heading: str, drawn: str, caption: str, kind: str = "") -> str:
    return (
        f'<figure class="{kind}"><h3>{escape(heading)}</h3>\n{drawn}'
        f"<figcaption>{escape(caption)}</figcaption></figure>\n"
    )


def _legend(stats: Stats) -> str:
    if len(stats.splits) < 2:
        return ""
    spans = (f"<span>{swatch(plots.SPLIT_COLOURS[split])}{split}</span>" for split in stats.splits)
    return f'<p class="legend">{"".join(spans)}</p>\n'


def swatch(colour: str) -> str:
    return f'<i class="swatch" style="background: {colour}"></i>'


def _alike(stats: Stats) -> str:
    """Whether the splits look like each other."""
    if len(stats.splits) < 2:
        return ""
    pairs = [*combinations(stats.splits, 2)]
    told = "".join(
        f'<li><span style="color: {plots.MARKS[pair].colour}">{plots.MARKS[pair].letter}</span> '
        f"<b>{' and '.join(pair)}</b>: {escape(verdict)}</li>\n"
        for pair, verdict in verdicts(stats)
    )
    return f"""<h2>Do the splits look alike?</h2>
<ul class="verdicts">
{told}</ul>
<p class="dim">The distance of two splits is the greatest gap between their cumulative shares
(Kolmogorov and Smirnov): at 0.20 there is a value that 20 in 100 more of one split stay below than
of the other. Splits that were drawn at random from the same users pass the shaded part once in
1,000 times.</p>
{figure("How far apart", plots.differences(stats), "", "wide")}
<details><summary>The distances, and what chance passes once in 1,000</summary>
{_distances(stats, pairs)}</details>
"""


def _distances(stats: Stats, pairs: Sequence[tuple[str, str]]) -> str:
    found = {(d.first, d.second, d.quantity): d for d in stats.differences}
    rows = []
    for q in QUANTITIES:
        cells = ""
        for pair in pairs:
            d = found.get((*pair, q.name))
            kind = "n telling" if d is not None and d.is_telling else "n"
            text = "-" if d is None else f"{d.distance:.3f} ({d.chance:.3f})"
            cells += f'<td class="{kind}">{text}</td>'
        rows.append(f"<tr><td>{escape(q.label)}</td>{cells}</tr>\n")
    head = "".join(f'<th class="n">{first}, {second}</th>' for first, second in pairs)
    body = "".join(rows)
    return f'<div class="scroll"><table>\n<tr><th></th>{head}</tr>\n{body}</table></div>\n'


def _classes(stats: Stats) -> str:
    dots = " Dots are the splits." if len(stats.splits) > 1 else ""
    drawn = figure(
        "How much of all pixels",
        plots.class_pixels(stats),
        f"Each step to the right is ten times as much.{dots}",
    ) + figure("In how many masks", plots.class_masks(stats), "With a pixel of it or more.")
    rows = []
    for name, counts in stats.classes.items():
        if name in CLASSES.names:
            colour = "#{:02x}{:02x}{:02x}".format(*CLASSES[name].rgb)
        elif any(count.pixels for count in counts.values()):
            colour = "transparent"
        else:
            continue
        first = swatch(colour) + name.replace("_", " ")
        shares = [percent(count.share) for count in counts.values()]
        rows.append([first, *shares, *(percent(count.masks_share) for count in counts.values())])
    head = ["", *(f"pixels, {g}" for g in stats.groups), *(f"masks, {g}" for g in stats.groups)]
    shares_table = table(head, rows, is_markup=True)
    return f'{_legend(stats)}<div class="plots">\n{drawn}</div>\n{shares_table}'


def _spreads(stats: Stats) -> str:
    figures = [
        figure("width and height", plots.sizes(stats), "A bubble is as large as pictures are many.")
    ]
    for quantity, of, note in SPREADS:
        if stats.quantities[quantity.name][ALL].n:
            drawn = plots.spread(stats, quantity, of)
            figures.append(figure(quantity.label, drawn, note))
    return f'<div class="plots">\n{"".join(figures)}</div>\n'


def _sizes(stats: Stats) -> str:
    def cell(group: str, at: int) -> str:
        if at >= len(stats.sizes[group]):
            return ""
        width, height, n = stats.sizes[group][at]
        return f"{width} x {height}: {percent(n / len(stats.groups[group]))}"

    most = max(len(sizes) for sizes in stats.sizes.values())
    rows = [[str(at + 1), *(cell(group, at) for group in stats.groups)] for at in range(most)]
    return table(["", *stats.groups], rows)


def _failures(stats: Stats) -> str:
    if not stats.failures:
        return ""
    items = "".join(f"<li>{escape(str(failure))}</li>\n" for failure in stats.failures)
    return f'<h2>Could not be measured</h2>\n<ul class="verdicts">{items}</ul>\n'
