"""What `verify` found, as one HTML page that needs nothing else: no host, no script."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from PIL import Image as Pil

from ..errors import EasyPortraitError
from ..image.blend import overlay
from ..image.io import Image, read_image, read_mask, written
from ..taxonomy import CLASSES, Mask
from .files import opened
from .layout import Entry, index
from .pool import in_order
from .verify import Finding, Report

SHOWN = 200  # findings a kind; the page counts the others
SIDE = 200  # of a thumbnail, in pixels
MOST_PICTURES = 4  # of one finding
MARK = (255, 32, 32)

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --dim: #626870; --page: #fff;
  --card: #f4f5f7; --line: #d9dce1; --bad: #b3261e; --good: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --dim: #9aa1ab; --page: #14161a;
  --card: #1e2127; --line: #343943; --bad: #ff8a80; --good: #6fdd8b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 0; display: inline; }
p { margin: .25rem 0; }
.dim, .mend { color: var(--dim); }
.bad { color: var(--bad); }
.good { color: var(--good); }
table { border-collapse: collapse; margin: 1.5rem 0; }
td, th { padding: .3rem 1.5rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
a { color: inherit; }
details { border-top: 1px solid var(--line); padding: 1rem 0; }
summary { cursor: pointer; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(25.5rem, 1fr)); gap: 1rem;
  list-style: none; margin: 1rem 0 0; padding: 0; }
li { background: var(--card); border-radius: .5rem; padding: .75rem; min-width: 0; }
li b, li p { overflow-wrap: anywhere; }
img { max-width: 100%; border-radius: .25rem; display: block; margin-top: .5rem; }
@media (max-width: 30rem) { ul { grid-template-columns: 1fr; } }
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def write_page(report: Report, path: Path, *, shown: int = SHOWN) -> None:
    """Write the page, with thumbnails of the pictures that findings are about.

    A thumbnail is the picture, and beside it the picture with its mask in colour; what
    the finding is about is framed in red. Pictures are read anew, a few at a time.

    Args:
        shown: the most findings of a kind that are listed.

    Raises:
        OutputUnwritable: it cannot be written.
    """
    entries = {(e.split, e.name): e for e in index(report.root).entries}
    with written(path) as file, ThreadPoolExecutor() as pool:
        _put(file, _head(report))
        for check in report.checks:
            found = [f for f in report.findings if f.kind == check.kind]
            if not found:
                continue
            _put(
                file,
                f'<details open id="{check.kind}"><summary><h2>{check.kind}</h2> '
                f"{len(found):,}</summary>\n<p>{escape(check.means)}</p>"
                f'<p class="mend">{escape(check.mend)}</p>\n<ul>\n',
            )
            for finding, pictures in in_order(pool, partial(_shown, entries), found[:shown]):
                _put(file, _item(finding, pictures))
            left = len(found) - shown
            more = f'<p class="dim">and {left:,} more, not listed here</p>' if left > 0 else ""
            _put(file, f"</ul>{more}</details>\n")
        _put(file, "</body></html>\n")


def _put(file: IO[bytes], text: str) -> None:
    # a file name may hold bytes that are no text
    file.write(text.encode("utf-8", "backslashreplace"))


def _head(report: Report) -> str:
    root, counts = escape(str(report.root)), report.counts
    verdict = (
        f'<p class="bad">{len(report.findings):,} findings</p>'
        if report.findings
        else '<p class="good">Sound: nothing was found.</p>'
    )
    rows = "".join(
        f'<tr><td><a href="#{kind}">{kind}</a></td><td class="n">{n:,}</td></tr>'
        for kind, n in counts.items()
    )
    table = f'<table><tr><th>finding</th><th class="n">how many</th></tr>{rows}</table>'
    no_table = "" if report.has_table else "; no table, so rows and users were not compared"
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{root}: {len(report.findings):,} findings</title>
<style>{STYLE}</style></head><body>
<h1>{root}</h1>
<p class="dim">{report.pictures:,} pictures, {len(report.checks)} checks{no_table}</p>
{verdict}
{table if rows else ""}
"""


def _item(finding: Finding, pictures: list[tuple[str, bytes]]) -> str:
    place = f"{finding.split}/{finding.name}" if finding.split else finding.name
    images = "".join(
        f'<img alt="{escape(name)}" title="{escape(name)}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
        for name, data in pictures
    )
    return f"<li><b>{escape(place)}</b><p>{escape(finding.message)}</p>{images}</li>\n"


# -- thumbnails ----------------------------------------------------------------------------


def _shown(entries: dict[tuple[str, str], Entry], finding: Finding) -> list[tuple[str, bytes]]:
    """(split/name, JPEG) of the pictures that a finding is about, as far as they are there."""
    about = finding.details.get("pictures") or [[finding.split, finding.name]]
    there = [entries[split, name] for split, name in about if (split, name) in entries]
    boxes = finding.details.get("boxes", [])
    made = [(f"{e.split}/{e.name}", thumbnail(e, boxes)) for e in there[:MOST_PICTURES]]
    return [(name, data) for name, data in made if data]


def thumbnail(entry: Entry, boxes: list[list[int]]) -> bytes:
    """JPEG of the picture, and beside it the mask over it; of what can be read of them.

    Args:
        boxes: left, top, right, bottom in the mask's pixels, to be framed.

    Returns:
        b"" if neither can be read.
    """
    image = _or_none(read_image, entry.image_file)
    mask = _or_none(read_mask, entry.mask_file)
    halves = [] if image is None else [_small(image)]
    if mask is not None:
        small = _small(mask)
        fits = image is not None and image.shape[:2] == mask.shape
        coloured = overlay(halves[0], small) if fits else CLASSES.colour(small)
        halves.append(_framed(coloured, boxes, mask))
    if not halves:
        return b""
    height = max(half.shape[0] for half in halves)
    padded = [np.pad(h, ((0, height - h.shape[0]), (0, 0), (0, 0))) for h in halves]
    buffer = io.BytesIO()
    Pil.fromarray(np.hstack(padded)).save(buffer, "JPEG", quality=80, subsampling=0)
    return buffer.getvalue()


def _or_none(read: Any, file: Any) -> Image | None:
    try:
        return read(opened(file))
    except EasyPortraitError:
        return None  # the finding says so


def _small(array: Image) -> Image:
    """At most `SIDE` pixels either way; labels are never mixed."""
    height, width = array.shape[:2]
    scale = min(1, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if array.ndim == 3 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(array, size, interpolation=how))


def _framed(picture: Image, boxes: list[list[int]], mask: Mask) -> Image:
    picture, scale = picture.copy(), picture.shape[1] / mask.shape[1]
    for box in boxes:
        left, top, right, bottom = (round(n * scale) for n in box)
        cv2.rectangle(picture, (left - 5, top - 5), (right + 4, bottom + 4), MARK, 2)
    return picture
