"""Films as a part of the HTML page, or a page of their own."""

from html import escape
from pathlib import Path

from ..data.stats_page import opening, table
from ..image.io import written
from .films import KINDS, Film, Films, caption, rows_of
from .flicker import AROUND, STILL

STYLE = "h3.film { margin: 1.25rem 0 .25rem; }\n"
INDENT = "\N{EM SPACE}"


def write_films_page(films: Films, path: Path) -> None:
    """Write a page of films alone.

    Raises:
        OutputUnwritable: it cannot be written.
    """
    title = f"{escape(films.model)} on films"
    text = f"{opening(title, STYLE)}<h1>{title}</h1>\n{section(films)}</body></html>\n"
    with written(path) as file:
        # a file name may hold bytes that are no text
        file.write(text.encode("utf-8", "backslashreplace"))


def section(films: Films) -> str:
    """A table for each film, and what its numbers are."""
    looks = "One look" if films.looks == 1 else "Two looks"
    often = "every frame" if films.every == 1 else f"one frame in {films.every}"
    failures = "".join(f"<li>{escape(str(failure))}</li>\n" for failure in films.failures)
    return "".join(
        [
            "<h2>How calm it is over films</h2>\n",
            f'<p class="dim">{looks} at {often}. A pixel is still if its blurred luma, and that of '
            f"its neighbours within {AROUND} pixels, stays within {STILL:g} levels of the frame "
            "before: there a change is flicker. A class: of the still pixels that are of it in a "
            "frame or the one before, those that are in one of both only. The temporal error is "
            "one minus the mean IoU of each frame with the next, over all pixels, nothing warped: "
            "motion and cuts count, so compare it on one film only.</p>\n",
            *map(_film, films.films),
            f'<ul class="verdicts">{failures}</ul>\n' if failures else "",
        ]
    )


def _film(film: Film) -> str:
    rows = [(row[0].replace("  ", INDENT), *row[1:]) for row in rows_of(film)]
    head = f'<h3 class="film">{escape(caption(film))}</h3>\n'
    return head + table(["", *KINDS.values()], rows)
