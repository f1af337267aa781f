"""What there is to build from: photographs, their masks, and who is on them."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ...errors import BadInput
from ...image.io import SUFFIXES
from ..archives import bad_name, folded
from ..easyportrait import several
from ..files import File, files_in
from ..quality import Fault
from .tables import read_users

IMAGES, MASKS = "images", ("masks", "annotations")


@dataclass(frozen=True, slots=True)
class Source:
    """A photograph and its mask, as found; neither is read yet.

    Attributes:
        name: of the files that will be written, without suffix.
        photo: of any format that `read_image` knows.
        mask: PNG.
        user: who it shows.
    """

    name: str
    photo: File
    mask: File
    user: str


@dataclass(frozen=True, slots=True)
class Left:
    """A picture that is not in the dataset, and why.

    Attributes:
        name: its own.
        file: where it lies.
        faults: at least one.
    """

    name: str
    file: str
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        told = "; ".join(fault.message for fault in self.faults)
        return told if told.startswith(self.file) else f"{self.file}: {told}"


@dataclass(slots=True)
class Found:
    """What was found; nothing is left out: a file is in one of these.

    Attributes:
        sources: by name.
        unusable: photographs without a mask or user, masks without a photograph, names
            that come twice or cannot be used.
        remarks: a line for what is left alone and need not be a fault.
        has_users: whether somebody said who is who.
    """

    sources: list[Source] = field(default_factory=list)
    unusable: list[Left] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    has_users: bool = False


def find(photos: Path, masks: Path | None, users: Path | None) -> Found:
    """Pair photographs and masks by name, wherever they lie in their folders.

    Args:
        photos: a folder or zip of photographs; without `masks`, one that holds images/
            and masks/ (or annotations/).
        masks: a folder or zip of masks.
        users: a table (`read_users`); without one each photograph is its own user.

    Raises:
        BadInput: a folder is missing, or holds nothing; the table cannot be read.
    """
    for path in (photos, *([masks] if masks else [])):
        if not path.exists():
            raise BadInput(f"{path} does not exist; name the folder that holds the pictures")
    if masks is None:
        photos, masks = inside(photos)
    found = Found(has_users=users is not None)
    photo_files = by_name(photos, SUFFIXES, found)
    mask_files = by_name(masks, {".png"}, found)
    if not photo_files:
        raise BadInput(f"{photos} holds no picture; suffixes: {', '.join(sorted(SUFFIXES))}")
    who = read_users(users) if users else {name: name for name in photo_files}
    for name, photo in sorted(photo_files.items()):
        mask, user = mask_files.pop(name, None), who.get(name)
        if mask is None:
            refuse(found, name, photo, "no-mask", f"has no mask {name}.png in {masks}")
        elif user is None:
            refuse(found, name, photo, "no-user", f"has no user in {users}")
        elif problem := unfit(name):
            refuse(found, name, photo, "bad-name", f"its name {problem}")
        else:
            found.sources.append(Source(name, photo, mask, user))
    refused = {left.name for left in found.unusable}
    for name, mask in sorted(mask_files.items()):
        if name not in refused:
            refuse(found, name, mask, "no-photo", f"is a mask without a picture in {photos}")
    if nobody := [name for name in who if name not in photo_files and name not in refused]:
        found.remarks.append(f"{users}: {several('rows have no picture', nobody)}")
    return found


def inside(root: Path) -> tuple[Path, Path]:
    """The folders of photographs and masks in one that holds both."""
    masks = [root / name for name in MASKS if (root / name).is_dir()]
    if len(masks) != 1 or not (root / IMAGES).is_dir():
        raise BadInput(
            f"{root} does not hold {IMAGES}/ and {' or '.join(f'{name}/' for name in MASKS)}; "
            "name the folder of masks with --masks"
        )
    return root / IMAGES, masks[0]


def by_name(folder: Path, suffixes: frozenset[str] | set[str], found: Found) -> dict[str, File]:
    """The pictures of a folder, of those of one name none: neither is the right one for certain.

    Names that differ in case only are one name: so they are on many disks.
    """
    same: defaultdict[str, list[tuple[str, File]]] = defaultdict(list)
    others = []
    for parts, file in files_in(folder):
        path = PurePosixPath(parts[-1])
        if path.suffix.lower() in suffixes:
            same[folded(path.stem)].append((path.stem, file))
        else:
            others.append("/".join(parts))
    if others:
        found.remarks.append(f"{folder}: {several('files were left alone', sorted(others))}")
    for twins in same.values():
        for name, file in twins if len(twins) > 1 else ():
            others = [str(other) for _, other in twins if other is not file]
            refuse(found, name, file, "name-twice", f"has the name of {' and '.join(others)}")
    return {name: file for (name, file), *twins in same.values() if not twins}


def unfit(name: str) -> str | None:
    """Why no file of a dataset may have this name."""
    if any("\ud800" <= c <= "\udfff" for c in name):
        return "is not UTF-8 text"
    if name != name.strip():
        return "begins or ends in a space, which tables do not keep"
    return bad_name(f"{name}.jpg")


def refuse(found: Found, name: str, file: File, reason: str, message: str) -> None:
    found.unusable.append(Left(name, str(file), (Fault(reason, message),)))
