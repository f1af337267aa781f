"""`easyportrait data build`: from photographs and masks to a dataset of EasyPortrait's shape."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.table import Table

from ...core import load
from ...data.build import build as run
from ...data.building.how import DUPLICATES, How
from ...data.building.pictures import FaceFinder, Reading
from ...data.building.report import Report, check_suffix
from ...data.duplicates import FURTHEST
from ...data.layout import LAYOUTS
from ...data.pool import Over, on_all_cores
from ...data.quality import Limits
from ...data.split import Part, read_shares
from ...image.io import MAX_PIXELS, written
from ...models.catalog import DEFAULT
from ..common import MaxPixels, Model, complain, hides, progress_bar, words
from .verify import printable

USUAL, LIMITS = How(), Limits()
LISTED = 20  # pictures at fault that are named on the terminal; the report has all

Shares = Annotated[
    str | None,
    typer.Option(
        metavar="SHARES",
        help="Of the pictures: train=.7,val=.1,test=.2; else those of the published version.",
    ),
]
Seed = Annotated[int, typer.Option(help="Another one gives other splits.")]
Distance = Annotated[
    int, typer.Option(min=0, max=FURTHEST, help="Bits of 64 by which duplicates may differ.")
]
KeepSplit = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR|TABLE", help="Users keep the split that this dataset or table gives them."
    ),
]


def on_a_core(model: str) -> FaceFinder:
    return load(model, threads=1)


@hides("over", "opened")
def build(
    photos: Annotated[
        Path,
        typer.Argument(
            metavar="PHOTOS", help="Folder of photographs; or one with images/ and masks/ in it."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DST", help="Folder for the dataset.")
    ],
    masks: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of masks: NAME.png for the photograph NAME."),
    ] = None,
    users: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE", help="Who is who: CSV or TSV with the columns name and user."
        ),
    ] = None,
    version: Annotated[
        str, typer.Option("--to", metavar="VERSION", help=f"{' or '.join(LAYOUTS)}.")
    ] = USUAL.version,
    folders: Annotated[bool, typer.Option("--folders", help="Folders instead of zips.")] = False,
    shares: Shares = None,
    seed: Seed = USUAL.seed,
    keep_split: KeepSplit = None,
    resplit: Annotated[
        bool, typer.Option("--resplit", help="Forget who had which split in DST.")
    ] = False,
    duplicates: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            help=f"{', '.join(DUPLICATES)}: of pictures that look alike, drop all but one, group "
            "them and their users into one split, or keep them.",
        ),
    ] = USUAL.duplicates,
    distance: Distance = USUAL.distance,
    min_side: Annotated[
        float, typer.Option(min=0, help="The least pixels of the shorter side.")
    ] = LIMITS.min_side,
    min_brightness: Annotated[
        float, typer.Option(min=0, help="The least mean luma, of 255.")
    ] = LIMITS.min_brightness,
    min_sharpness: Annotated[
        float, typer.Option(min=0, help="The least sharpness of the face, in per cent.")
    ] = LIMITS.min_sharpness,
    min_face: Annotated[
        float, typer.Option(min=0, help="The least height of a face in pixels; 0: do not look.")
    ] = LIMITS.min_face,
    model: Model = DEFAULT,
    masks_as_stored: Annotated[
        bool,
        typer.Option(
            "--masks-as-stored", help="Masks do not heed the EXIF orientation: turn them."
        ),
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Build from what can be used, and list the rest.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Pictures in DST that PHOTOS does not have may go."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Measure and report; write no dataset.")
    ] = False,
    report_file: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Every picture and its measures, as .json or .csv."
        ),
    ] = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    over: Over = on_all_cores,
    opened: Callable[[str], FaceFinder] = on_a_core,
) -> None:
    """Make a dataset of photographs and masks: filtered, without repeats, split by user.

    Run again after it was stopped, it goes on; run again with more photographs, it makes
    the dataset anew, and whoever was in it keeps the split. Each picture that is left out
    is in DST/build.json, with the reason and what was measured. docs/howto/build.md says
    more.
    """
    how = How(
        version=version,
        archives=not folders,
        shares=read_shares(shares) if shares else None,
        seed=seed,
        keep_split=keep_split,
        resplit=resplit,
        duplicates=duplicates,
        distance=distance,
        limits=Limits(
            min_side=min_side,
            min_brightness=min_brightness,
            min_sharpness=min_sharpness,
            min_face=min_face,
        ),
        reading=Reading(masks_as_stored=masks_as_stored, max_pixels=max_pixels),
        partial=partial,
        replace=replace,
        dry_run=dry_run,
    )
    if report_file is not None:
        check_suffix(report_file)
    cv2.setNumThreads(1)  # a picture a core
    report = Report()
    try:
        with progress_bar() as bar:
            task = bar.add_task("looking", total=None)
            run(
                photos,
                output,
                masks=masks,
                users=users,
                how=how,
                finder=opened(model) if min_face else None,
                report=report,
                over=over,
                progress=lambda doing, done, total: bar.update(
                    task, description=doing, completed=done, total=total
                ),
            )
    finally:
        say(report, output)
        if report_file is not None:
            with written(report_file) as file:
                file.write(report.to_bytes(report_file))
    outcome = "would be taken" if dry_run else f"are in {output}"
    words.print(
        f"{len(report.splits):,} pictures {outcome}, {len(report.left):,} are left out",
        style="green",
        markup=False,
    )


def say(report: Report, output: Path) -> None:
    """The splits on stdout; on stderr what was left out, what is at fault, and remarks."""
    if report.parts:
        Console().print(splits(report.parts))
    for one in report.unusable[:LISTED]:
        complain(printable(str(one)))
    if len(report.unusable) > LISTED:
        complain(f"and {len(report.unusable) - LISTED:,} more; --report FILE lists all")
    for reason, n in report.reasons.items():
        first = next(one for one in report.left if one.faults[0].reason == reason)
        words.print(f"{n:,} left out as {reason}, such as {printable(str(first))}", markup=False)
    for remark in report.remarks:
        words.print(printable(remark), style="yellow", markup=False)


def splits(parts: list[Part]) -> Table:
    """Each split in numbers; "off" says how unlike all pictures it is in the column before."""
    table = Table("split", "pictures", "share", "users", "brightness", "off", "shorter side", "off")
    for part in parts:
        table.add_row(
            part.split,
            f"{part.pictures:,}",
            f"{part.share:.1%}",
            f"{part.users:,}",
            "" if part.brightness is None else f"{part.brightness:.1f}",
            "" if part.brightness_off is None else f"{part.brightness_off:.1%}",
            "" if part.side is None else f"{part.side:.0f}",
            "" if part.side_off is None else f"{part.side_off:.1%}",
        )
    return table
