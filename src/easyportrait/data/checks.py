"""What can be wrong with a dataset: a table of checks, each a small function.

A check joins by being listed in `CHECKS`; tests/contracts/test_checks.py then wants a
dataset with that fault and no other, and docs/howto/verify.md a row.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np

from ..errors import EasyPortraitError, ShapeMismatch
from ..taxonomy import CLASSES, IGNORE, Mask
from .duplicates import alike, as_hashes
from .easyportrait import several, split_of
from .evidence import Note, OfDataset, OfPicture, Pair, ReadPair, Whole
from .hashing import distance
from .measures import value_counts
from .meta import brightness
from .shapes import Patch, holes, specks, swapped

MOST_LISTED = 20  # places or names that one finding lists; it counts them all


# -- files ---------------------------------------------------------------------------------


def unpaired(whole: Whole) -> Iterator[Note]:
    for path in whole.found.unpaired:
        kind, split, name = path.split("/", 2)
        if split in whole.splits:
            other = "mask" if kind == "images" else "picture"
            message = f"{path} has no {other} of the same name and split"
            yield Note(message, {}, name.rpartition(".")[0], split)


def half_split(whole: Whole) -> Iterator[Note]:
    counts = Counter((split_of(path), path.split("/")[0]) for path in whole.found.unpaired)
    for (split, kind), n in counts.items():
        if split not in whole.splits:
            other = "annotations" if kind == "images" else "images"
            yield Note(f"{n} files in {kind}, none of them in {other}", {"files": n}, split)


def stray(whole: Whole) -> Iterator[Note]:
    for path in whole.found.strays:
        yield Note("lies where no version of the dataset has files", {}, whole.inside(path))


def name_in_two_splits(whole: Whole) -> Iterator[Note]:
    splits = defaultdict(list)
    for entry in whole.found.entries:
        splits[entry.name].append(entry.split)
    for name in whole.found.repeated:
        yield Note(f"is in {' and '.join(splits[name])}", {"splits": splits[name]}, name)


def unreadable(pair: Pair) -> Note | None:
    problems = [
        str(what)
        for what in (pair.image, pair.mask)
        if isinstance(what, EasyPortraitError) and not isinstance(what, ShapeMismatch)
    ]
    return Note("; ".join(problems), {}) if problems else None


# -- table ---------------------------------------------------------------------------------


def table_unreadable(whole: Whole) -> Iterator[Note]:
    if whole.problem is not None:
        yield Note(str(whole.problem), {}, whole.inside(whole.found.meta))


def no_row(whole: Whole) -> Iterator[Note]:
    for entry in whole.found.entries if whole.rows else ():
        if entry.name not in whole.rows:
            yield Note("has no row in the table", {}, entry.name, entry.split)


def no_picture(whole: Whole) -> Iterator[Note]:
    halves = {path.split("/", 2)[2].rpartition(".")[0] for path in whole.found.unpaired}
    names = halves | {entry.name for entry in whole.found.entries}
    for name, row in whole.rows.items():
        if row["split"] in whole.splits and name not in names:
            yield Note("has a row in the table, and no picture or mask", {}, name, row["split"])


def split_differs(whole: Whole) -> Iterator[Note]:
    repeated = set(whole.found.repeated)
    for entry in whole.found.entries:
        told = whole.rows.get(entry.name, {}).get("split", entry.split)
        if told != entry.split and entry.name not in repeated:
            message = f"its files are in {entry.split}, its row says {told}"
            yield Note(message, {"files": entry.split, "table": told}, entry.name, entry.split)


def user_in_two_splits(whole: Whole) -> Iterator[Note]:
    names: defaultdict[str, defaultdict[str, list[str]]]
    names = defaultdict(lambda: defaultdict(list))
    for name, row in whole.rows.items():
        if row["user"] is not None:
            names[row["user"]][row["split"]].append(name)
    for user, splits in names.items():
        if len(splits) > 1:
            told = "; ".join(several(f"in {split}", found) for split, found in splits.items())
            pictures = [[split, name] for split, found in splits.items() for name in found]
            details = {"pictures": _in_turn(pictures), "count": len(pictures)}
            yield Note(told, details, user)


def _in_turn(pictures: list[list[str]]) -> list[list[str]]:
    """The first few of each split in turn: a long list of one must not hide the other.

    Args:
        pictures: [split, name] of each.
    """
    before: Counter[str] = Counter()
    turns = []
    for split, name in pictures:
        turns.append((before[split], [split, name]))
        before[split] += 1
    return [picture for _, picture in sorted(turns, key=lambda turn: turn[0])][:MOST_LISTED]


def size_in_table(pair: ReadPair) -> Note | None:
    height, width = pair.image.shape
    told = pair.row.get("width"), pair.row.get("height")
    if told[0] in (None, width) and told[1] in (None, height):
        return None
    says = " x ".join("?" if n is None else str(n) for n in told)
    message = f"the picture is {width} x {height} (width x height), its row says {says}"
    return Note(message, {"picture": [width, height], "table": [*told]})


def brightness_in_table(pair: ReadPair) -> Note | None:
    told = pair.row.get("brightness")
    if told is None:
        return None
    measured = brightness(pair.image)
    if abs(measured - told) <= pair.thresholds.brightness:
        return None
    message = f"the picture's mean luma is {measured:.1f}, its row says {told:.1f}"
    return Note(message, {"picture": measured, "table": told})


def hash_in_table(pair: ReadPair) -> Note | None:
    told = pair.row.get("hash")
    if told is None or not _is_hash(told):
        return None
    bits = distance(str(pair.hash), told)
    if bits <= pair.thresholds.hash_bits:
        return None
    message = f"the picture's hash is {pair.hash}, its row says {told}: {bits} of 64 bits differ"
    return Note(message, {"picture": pair.hash, "table": told, "bits": bits})


def hash_of_other_kind(whole: Whole) -> Iterator[Note]:
    told = {name: str(row["hash"]) for name, row in whole.rows.items() if row["hash"] is not None}
    if odd := [name for name, text in told.items() if not _is_hash(text)]:
        message = (
            f"{several('hashes are not 16 hexadecimal digits', [told[name] for name in odd])}; "
            "they were not compared"
        )
        yield Note(
            message, {"names": odd[:MOST_LISTED], "count": len(odd)}, whole.inside(whole.found.meta)
        )


def _is_hash(text: str) -> bool:
    return len(text) == 16 and set(text.lower()) <= set("0123456789abcdef")


# -- duplicates ----------------------------------------------------------------------------


def duplicate_across_splits(whole: Whole) -> Iterator[Note]:
    return _duplicates(whole, across=True)


def duplicate(whole: Whole) -> Iterator[Note]:
    return _duplicates(whole, across=False)


def _duplicates(whole: Whole, *, across: bool) -> Iterator[Note]:
    """A note for each group that looks alike, named after its first."""
    hashes = as_hashes([text for _, text in whole.hashes])
    for group in alike(hashes, whole.thresholds.distance):
        entries = [whole.hashes[i][0] for i in group]
        if (len({entry.split for entry in entries}) > 1) != across:
            continue
        first, pictures = entries[0], _in_turn([[e.split, e.name] for e in entries])
        names = ["/".join(picture) for picture in pictures[1:6]]
        more = ", ..." if len(entries) > 6 else ""
        message = f"looks like {len(entries) - 1} more: {', '.join(names)}{more}"
        details = {"pictures": pictures, "count": len(entries)}
        yield Note(message, details, first.name, first.split)


# -- masks ---------------------------------------------------------------------------------


def mask_mode(pair: Pair) -> Note | None:
    return Note(str(pair.mask), {}) if isinstance(pair.mask, ShapeMismatch) else None


def size(pair: ReadPair) -> Note | None:
    (height, width), of_mask = pair.image.shape, pair.mask.shape
    if (height, width) == of_mask:
        return None
    turned = (width, height) == of_mask
    hint = "; as stored, before its EXIF orientation?" if turned else ""
    message = (
        f"the picture is {width} x {height} (width x height), "
        f"its mask {of_mask[1]} x {of_mask[0]}{hint}"
    )
    return Note(message, {"picture": [width, height], "mask": [of_mask[1], of_mask[0]]})


def values(pair: ReadPair) -> Note | None:
    counts = value_counts(pair.mask)
    odd = [int(v) for v in len(CLASSES) + np.flatnonzero(counts[len(CLASSES) :])]
    if pair.thresholds.allow_255 and IGNORE in odd:
        odd.remove(IGNORE)
    if not odd:
        return None
    listed = ", ".join(f"{v} ({counts[v]} px)" for v in odd[:5])
    more = ", ..." if len(odd) > 5 else ""
    hint = "; --allow-255 lets it stand for unknown" if odd == [IGNORE] else ""
    last = len(CLASSES) - 1
    return Note(
        f"values that are no class 0..{last}: {listed}{more}{hint}",
        {"values": {v: int(counts[v]) for v in odd}, "boxes": [_box(pair.mask, odd)]},
    )


def _box(mask: Mask, wanted: list[int]) -> list[int]:
    ys, xs = np.nonzero(np.isin(mask, wanted))
    return [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]


def empty(pair: ReadPair) -> Note | None:
    return None if pair.mask.any() else Note("nothing but background", {})


def one_class(pair: ReadPair) -> Note | None:
    first = int(pair.mask.flat[0])
    if first == 0 or (pair.mask != first).any():
        return None
    what = CLASSES.names[first] if first < len(CLASSES) else f"the value {first}"
    return Note(f"nothing but {what}", {"value": first})


def sides(pair: ReadPair) -> Note | None:
    wrong = swapped(pair.mask, pair.thresholds.sides_apart)
    if not wrong:
        return None
    parts = list(dict.fromkeys(wrong))
    listed = " and ".join(f"left_{part}" for part in parts)
    return Note(f"{listed} to the right of the other side, as seen by the viewer", {"parts": parts})


def speck(pair: ReadPair) -> Note | None:
    below = pair.thresholds.speck_px
    return _patches(specks(pair.mask, below), "of {}, under " + f"{below} px")


def hole(pair: ReadPair) -> Note | None:
    t = pair.thresholds
    return _patches(holes(pair.mask, t.hole_px, t.hole_share), "of background enclosed by the {}")


def _patches(found: list[Patch], of: str) -> Note | None:
    if not found:
        return None
    counts = Counter(patch.what for patch in found)
    told = ", ".join(
        f"{n} {'piece' if n == 1 else 'pieces'} {of.format(what)}" for what, n in counts.items()
    )
    first = found[0]
    at = f"; the first at x {first.box[0]}, y {first.box[1]}, {first.area} px"
    details = {
        "counts": dict(counts),
        "boxes": [list(patch.box) for patch in found[:MOST_LISTED]],
        "areas": [patch.area for patch in found[:MOST_LISTED]],
    }
    return Note(told + at, details)


BOTH, IMAGE, MASK = ("image", "mask"), ("image",), ("mask",)

CHECKS: tuple[OfPicture | OfDataset, ...] = (
    OfDataset(
        "unpaired",
        "A picture without a mask, or a mask without a picture.",
        "Add the other half under the same name in the same split, or remove this one.",
        unpaired,
    ),
    OfDataset(
        "half-split",
        "A split of which only pictures, or only masks, are there.",
        "Fetch the other archive, or remove this split.",
        half_split,
    ),
    OfDataset(
        "stray",
        "A file where no version of the dataset has any.",
        "Pictures are images/SPLIT/NAME.jpg, masks annotations/SPLIT/NAME.png; move or remove it.",
        stray,
    ),
    OfDataset(
        "name-in-two-splits",
        "Two pictures of the same name in different splits.",
        "Rename one with its mask and row, or remove it if it is the same picture.",
        name_in_two_splits,
    ),
    OfPicture(
        "unreadable",
        "A picture or mask that is damaged, cut short, or of another format.",
        "Fetch or export it again.",
        unreadable,
    ),
    OfDataset(
        "table-unreadable",
        "The table of pictures cannot be read, so nothing was compared with it.",
        "Mend the row or column named, or fetch the table again.",
        table_unreadable,
    ),
    OfDataset(
        "no-row",
        "A picture that the table does not list.",
        "Add a row, or remove picture and mask.",
        no_row,
    ),
    OfDataset(
        "no-picture",
        "A row of the table whose picture and mask are missing.",
        "Fetch them, or remove the row.",
        no_picture,
    ),
    OfDataset(
        "split-differs",
        "Files in one split, and a row that says another.",
        "Decide by the user's other pictures, then move the files or change the row.",
        split_differs,
    ),
    OfDataset(
        "user-in-two-splits",
        "A person in more than one split: scores on the second are too good.",
        "Move all pictures of the user into one split.",
        user_in_two_splits,
    ),
    OfPicture(
        "size-in-table",
        "Width or height of the upright picture are not as the table says.",
        "Write the table again from the pictures, or fetch the original picture.",
        size_in_table,
        IMAGE,
    ),
    OfPicture(
        "brightness-in-table",
        "The mean luma of the picture is not as the table says.",
        "Write the table again from the pictures, or fetch the original picture.",
        brightness_in_table,
        IMAGE,
    ),
    OfPicture(
        "hash-in-table",
        "The picture is not the one whose hash the table has.",
        "Fetch the original picture, or write the table again from the pictures.",
        hash_in_table,
        IMAGE,
    ),
    OfDataset(
        "hash-of-other-kind",
        "Hashes in the table that are not 64-bit perceptual hashes.",
        "Leave it (--skip hash-of-other-kind), or write the table again from the pictures.",
        hash_of_other_kind,
    ),
    OfDataset(
        "duplicate-across-splits",
        "Pictures that look alike in different splits: scores on the second are too good.",
        "Keep all in one split; or lower --distance if they only look alike.",
        duplicate_across_splits,
    ),
    OfDataset(
        "duplicate",
        "Pictures of one split that look alike.",
        "Remove all but one; or lower --distance if they only look alike.",
        duplicate,
    ),
    OfPicture(
        "mask-mode",
        "A mask that is not one channel of up to 8 bits: colours, 16 bits, transparency.",
        "Save class indices as 8-bit grey or palette PNG.",
        mask_mode,
    ),
    OfPicture(
        "size",
        "Picture and mask are not of the same size.",
        "Draw or scale the mask (nearest neighbour only) to the picture as people see it.",
        size,
        BOTH,
    ),
    OfPicture(
        "values",
        "A mask with values that are no class.",
        "Find what wrote them; smooth scaling and lossy formats do.",
        values,
        MASK,
    ),
    OfPicture(
        "empty",
        "A mask of nothing but background.",
        "Draw the person, or remove the pair.",
        empty,
        MASK,
    ),
    OfPicture(
        "one-class",
        "A mask of nothing but one class other than background.",
        "Draw it again, or remove the pair.",
        one_class,
        MASK,
    ),
    OfPicture(
        "sides",
        "Left brow or eye on the right of the face, or the other way round; left is the viewer's.",
        "Swap the indices 3 and 4, and 5 and 6; a flip must rename sides too.",
        sides,
        MASK,
    ),
    OfPicture(
        "specks",
        "Pieces of a class too small to be anything.",
        "Paint them over with the class around them.",
        speck,
        MASK,
    ),
    OfPicture(
        "holes",
        "Background inside a face, or in large in the rest of a person.",
        "Fill them with the class around them.",
        hole,
        MASK,
    ),
)
