"""Pictures and masks from one format to another. Nothing is resized, nothing is guessed.

Whatever a source says is brought to our nine classes by its row in `taxonomy.SOURCES`; what
has no counterpart is 255. A target that holds less than nine classes gets what
`taxonomy.to_task` makes of them. Pictures are copied byte for byte.

A format is a small file with a function that reads, or writes, or both, and a row in
`FORMATS`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from ...errors import BadInput, OutputUnwritable
from ..files import left_over, take_back
from ..layout import V1, V2
from ..meta import SPLITS
from . import (
    celebamask,
    coco,
    colours,
    cvat,
    folders,
    labelme,
    labelstudio,
    lapa,
    mmseg,
    parquet,
    webdataset,
    yolo,
)
from .run import Format, transfer, without_repeats
from .samples import How, Notes, Reader, Writer

FORMATS: Mapping[str, Format] = {
    "easyportrait-v1": Format(
        "EasyPortrait as published, first version",
        "images.zip, annotations.zip (or folders)",
        read=folders.read,
        write=folders.writer(V1),
        has_archives=True,
    ),
    "easyportrait-v2": Format(
        "EasyPortrait as published, second version",
        "images.zip, annotations.zip, meta.zip (or folders)",
        read=folders.read,
        write=folders.writer(V2),
        has_archives=True,
    ),
    "mmseg-joint": Format(
        "mmsegmentation, nine classes",
        "img_dir/<split>/NAME.jpg, ann_dir/<split>/NAME.png",
        read=mmseg.reader("joint"),
        write=mmseg.writer("joint"),
    ),
    "mmseg-ps": Format(
        "mmsegmentation, two classes: person or not",
        "img_dir/<split>/NAME.jpg, ann_dir/<split>/NAME.png",
        read=mmseg.reader("ps"),
        write=mmseg.writer("ps"),
        back=mmseg.back("ps"),
    ),
    "mmseg-fp": Format(
        "mmsegmentation, eight classes: no person",
        "img_dir/<split>/NAME.jpg, ann_dir/<split>/NAME.png",
        read=mmseg.reader("fp"),
        write=mmseg.writer("fp"),
        back=mmseg.back("fp"),
    ),
    "coco": Format(
        "COCO instances: run-lengths, and polygons when read",
        "annotations/instances_<split>.json, <split>/NAME.jpg",
        read=coco.read,
        write=coco.writer(as_polygons=False),
        takes_table=True,
        overlaps=True,
    ),
    "coco-polygons": Format(
        "COCO instances: polygons, to be corrected in tools that read COCO",
        "annotations/instances_<split>.json, <split>/NAME.jpg",
        read=coco.read,
        write=coco.writer(as_polygons=True),
        takes_table=True,
        overlaps=True,
        has_polygons=True,
    ),
    "cvat": Format(
        "CVAT for images 1.1: masks, and any shape when read",
        "annotations.xml, images/<split>/NAME.jpg",
        read=cvat.read,
        write=cvat.writer(as_polygons=False),
        takes_table=True,
        overlaps=True,
    ),
    "cvat-polygons": Format(
        "CVAT for images 1.1: polygons, and any shape when read",
        "annotations.xml, images/<split>/NAME.jpg",
        read=cvat.read,
        write=cvat.writer(as_polygons=True),
        takes_table=True,
        overlaps=True,
        has_polygons=True,
    ),
    "label-studio": Format(
        "Label Studio: brush masks, and any region when read",
        "tasks.json, images/<split>/NAME.jpg",
        read=labelstudio.read,
        write=labelstudio.writer(as_polygons=False),
        takes_table=True,
        overlaps=True,
    ),
    "label-studio-polygons": Format(
        "Label Studio: polygons, and any region when read",
        "tasks.json, images/<split>/NAME.jpg",
        read=labelstudio.read,
        write=labelstudio.writer(as_polygons=True),
        takes_table=True,
        overlaps=True,
        has_polygons=True,
    ),
    "labelme": Format(
        "LabelMe: polygons, and any shape when read",
        "<split>/NAME.jpg, <split>/NAME.json",
        read=labelme.read,
        write=labelme.write,
        takes_table=True,
        overlaps=True,
        has_polygons=True,
    ),
    "yolo-seg": Format(
        "YOLO segmentation: polygons",
        "data.yaml, images/<split>/NAME.jpg, labels/<split>/NAME.txt",
        read=yolo.read,
        write=yolo.write,
        back=yolo.back,
        takes_table=True,
        overlaps=True,
    ),
    "parquet": Format(
        "Parquet with pictures inside, for Hugging Face",
        "data/<split>-00000.parquet with columns image, mask",
        read=parquet.read,
        write=parquet.write,
    ),
    "webdataset": Format(
        "WebDataset: shards of tar",
        "<split>-000000.tar with NAME.jpg, NAME.png, NAME.json",
        read=webdataset.read,
        write=webdataset.write,
    ),
    "celebamask-hq": Format(
        "CelebAMask-HQ: a mask a part, or index masks",
        "CelebA-HQ-img/N.jpg, CelebAMask-HQ-mask-anno/*/NNNNN_PART.png",
        read=celebamask.read,
    ),
    "lapa": Format(
        "LaPa",
        "<split>/images/NAME.jpg, <split>/labels/NAME.png",
        read=lapa.read,
    ),
    "colour-masks": Format(
        "masks in colours, with a table of what each colour means",
        "images/NAME.jpg, masks/NAME.png",
        read=colours.read,
        takes_table=True,
    ),
}

READERS: Mapping[str, Reader] = {name: one.read for name, one in FORMATS.items() if one.read}
WRITERS: Mapping[str, Writer] = {name: one.write for name, one in FORMATS.items() if one.write}
POLYGONS = [name for name, one in FORMATS.items() if one.has_polygons]


def convert(
    src: Path | str,
    out: Path | str,
    source: str,
    target: str,
    how: How | None = None,
    *,
    partial: bool = False,
    notes: Notes | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write a dataset again in another format, all of it or nothing.

    A few samples are in memory at a time, however many there are. Of a picture that is
    JPEG only the header is read.

    Args:
        src: the folder (or for formats of plain files, zip) that holds the dataset.
        out: a folder, made if need be, that holds nothing.
        source, target: names in `FORMATS`.
        how: what else there is to say.
        partial: write what can be converted, and only then raise for the rest.
        notes: filled with what was lost, changed, or is not known; also when this raises.
        progress: called after each sample with how many are done, and of how many.

    Returns:
        How many samples were written.

    Raises:
        BadInput: there is no such format; `src` holds nothing of it, or is damaged.
        OutputUnwritable: `out` holds something, or cannot be written.
        SomeFailed: a sample cannot be read, its mask does not cover its picture, it has no
            partner or its name comes twice: `notes.lost` names each. Without `partial`
            nothing was written.
        MissingExtra: a table of pictures is read or written, and Polars is not installed.
    """
    src, out, how = Path(src), Path(out), how or How()
    notes = Notes() if notes is None else notes
    for name, known, verb in ((source, READERS, "read"), (target, WRITERS, "written")):
        if name not in known:
            raise BadInput(f"{name!r} is no format that is {verb}; those are {', '.join(known)}")
    if how.table and not FORMATS[source].takes_table:
        raise BadInput(f"{source} takes no table: what its numbers mean is known")
    if how.later_wins and not FORMATS[source].overlaps:
        raise BadInput(f"{source} has no shapes that overlap, so none can win")
    if how.simplify and not FORMATS[target].has_polygons:
        raise BadInput(f"{target} has no polygons to simplify; those are {', '.join(POLYGONS)}")
    if how.simplify < 0:
        raise BadInput(f"polygons may be off by 0 pixels or more, not {how.simplify}")
    if not how.archives and not FORMATS[target].has_archives:
        raise BadInput(f"{target} is written as folders in any case")
    if how.split not in SPLITS:
        raise BadInput(f"the split is {how.split!r}, not {', '.join(SPLITS)}")
    if not src.exists():
        raise BadInput(f"{src} does not exist; name the folder that holds the dataset")
    take_back(out)
    if out.exists() and (not out.is_dir() or {*out.iterdir()} - {*left_over(out)}):
        raise OutputUnwritable(f"{out} is there already, and not empty; name another folder")
    found = without_repeats(READERS[source](src, how, notes), notes)
    if not found:
        seen = f"; {notes.lost[0]}" if notes.lost else ""
        raise BadInput(
            f"{src} holds no picture with a mask of {source}: {FORMATS[source].lies}{seen}"
        )
    return transfer(
        src, out, found, WRITERS[target], how, notes, partial=partial, progress=progress
    )
