import io
from pathlib import Path
from types import SimpleNamespace

import imagehash
import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.data.building.pictures import TURNS, Reading, look, ready, tallest
from easyportrait.data.building.sources import Source
from easyportrait.data.files import File
from easyportrait.data.meta import brightness
from easyportrait.data.shapes import swapped
from easyportrait.errors import BadInput, ImageTooLarge, ImageUnreadable, ShapeMismatch
from easyportrait.image.io import read_image, read_mask
from easyportrait.taxonomy import CLASSES
from tests.unit.data.drawn import as_file
from tests.unit.data.planted import scene

PHOTO, MASK = scene(0)
ORIENTATION = 0x0112


def source(folder: Path, photo: bytes, mask: bytes) -> Source:
    (folder / "a.jpg").write_bytes(photo)
    (folder / "a.png").write_bytes(mask)
    return Source("a", File(folder / "a.jpg"), File(folder / "a.png"), "u")


def pair(folder: Path, photo: bytes | None = None, mask: bytes | None = None) -> Source:
    photo = as_file(PHOTO, "JPEG", quality=95) if photo is None else photo
    return source(folder, photo, as_file(MASK, "PNG") if mask is None else mask)


def stored_as(picture: np.ndarray, orientation: int) -> Pil.Image:
    """The picture as a camera stores it that notes so to turn it."""
    back = {6: 8, 8: 6}.get(orientation, orientation)
    image = Pil.fromarray(picture)
    return image.transpose(TURNS[back][0]) if back in TURNS else image


def turned(orientation: int) -> bytes:
    exif = Pil.Exif()
    exif[ORIENTATION] = orientation
    return as_file(stored_as(PHOTO, orientation), "JPEG", quality=95, exif=exif)


# -- photographs ---------------------------------------------------------------------------


def test_an_upright_rgb_jpeg_and_a_plain_mask_stay_to_the_last_byte(tmp_path: Path) -> None:
    one = pair(tmp_path)
    photo, image, mask = ready(one, Reading())
    assert photo.data == one.photo.read() and mask.data == one.mask.read()
    assert not photo.made and not mask.made
    assert np.array_equal(mask.classes, MASK) and image.shape == PHOTO.shape


def test_measures_are_those_of_the_file_that_is_written(tmp_path: Path) -> None:
    """The hash is imagehash's, of what is written and not of what was given."""
    one = pair(tmp_path, photo=as_file(PHOTO, "PNG"))
    photo, image, _ = ready(one, Reading())
    seen = look(one, Reading(), None)
    assert photo.made and seen.photo_made and photo.data.startswith(b"\xff\xd8\xff")
    assert seen.measures.hash == str(imagehash.phash(Pil.open(io.BytesIO(photo.data))))
    assert seen.measures.brightness == brightness(read_image(photo.data))
    assert (seen.measures.height, seen.measures.width) == PHOTO.shape[:2]
    assert seen.measures.face is None and seen.unknown == 0
    assert np.abs(image.astype(int) - PHOTO).mean() < 4, "quality 92"


@pytest.mark.parametrize("orientation", [*TURNS])
def test_what_exif_turns_is_written_upright_and_fits_its_mask(
    tmp_path: Path, orientation: int
) -> None:
    photo, image, mask = ready(pair(tmp_path, photo=turned(orientation)), Reading())
    assert photo.made and image.shape[:2] == mask.classes.shape
    with Pil.open(io.BytesIO(photo.data)) as picture:
        assert picture.getexif().get(ORIENTATION, 1) == 1
        assert picture.size == (PHOTO.shape[1], PHOTO.shape[0]), "whoever reads it"
    assert np.abs(image.astype(int) - PHOTO).mean() < 5


@pytest.mark.parametrize("orientation", [*TURNS])
def test_masks_drawn_on_stored_pixels_are_turned_too(tmp_path: Path, orientation: int) -> None:
    stored = np.asarray(stored_as(MASK, orientation))
    if TURNS[orientation][1]:  # who draws on a mirrored face calls its left side left
        stored = CLASSES.mirror_table[stored]
    one = pair(tmp_path, photo=turned(orientation), mask=as_file(stored, "PNG"))
    _, _, mask = ready(one, Reading(masks_as_stored=True))
    assert np.array_equal(mask.classes, MASK) and mask.made
    assert np.array_equal(read_mask(mask.data), MASK)
    assert not swapped(mask.classes, 0.3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
def test_other_formats_become_jpeg(tmp_path: Path, kind: str) -> None:
    photo, image, _ = ready(pair(tmp_path, photo=as_file(PHOTO, kind)), Reading())
    assert photo.made and read_image(photo.data).shape == PHOTO.shape
    assert np.array_equal(read_image(photo.data), image)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_that_are_not_rgb_become_rgb(tmp_path: Path, mode: str) -> None:
    given = as_file(Pil.fromarray(PHOTO).convert(mode), "JPEG", quality=95)
    photo, _, _ = ready(pair(tmp_path, photo=given), Reading())
    with Pil.open(io.BytesIO(photo.data)) as picture:
        assert picture.mode == "RGB" and photo.made


def test_heic_becomes_jpeg(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    photo, image, _ = ready(pair(tmp_path, photo=as_file(PHOTO, "HEIF", quality=90)), Reading())
    assert photo.made and np.abs(image.astype(int) - PHOTO).mean() < 8


def test_what_is_no_photograph_or_too_large_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageUnreadable, match=r"a\.jpg is not a picture"):
        look(pair(tmp_path, photo=b"words"), Reading(), None)
    with pytest.raises(ImageTooLarge, match=r"a\.jpg: 150 x 160 .*--max-pixels"):
        look(pair(tmp_path), Reading(max_pixels=1000), None)


# -- masks ---------------------------------------------------------------------------------


def with_palette(indices: np.ndarray, colours: list[int]) -> bytes:
    picture = Pil.fromarray(indices)
    picture.putpalette(colours)
    assert picture.mode == "P"
    return as_file(picture, "PNG")


def renumbered(order: np.ndarray, colours: np.ndarray) -> bytes:
    """What an optimiser makes of a mask: a palette of its own, numbered as it likes."""
    back = np.argsort(order)
    return with_palette(back[MASK].astype(np.uint8), colours[order].ravel().tolist())


ORDER = np.array([4, 2, 0, 8, 6, 1, 3, 5, 7])
GREY = np.repeat(np.arange(9)[:, None], 3, 1)
ODD = np.random.default_rng(0).integers(20, 90, (9, 3))

FORMS = {
    "colours": as_file(CLASSES.colour(MASK), "PNG"),
    "colours with alpha": as_file(
        np.dstack([CLASSES.colour(MASK), np.full_like(MASK, 255)]), "PNG"
    ),
    "palette, the taxonomy's": with_palette(MASK, CLASSES.palette.ravel().tolist()),
    "palette, any colours": with_palette(MASK, ODD.ravel().tolist()),
    "palette, all black": with_palette(MASK, [0] * 27),
    "colours squeezed into a palette": renumbered(ORDER, CLASSES.palette[:9]),
    "grey squeezed into a palette": renumbered(ORDER, GREY),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_mask_in_any_form_becomes_8_bit_indices(tmp_path: Path, form: str) -> None:
    one = pair(tmp_path, mask=FORMS[form])
    _, _, mask = ready(one, Reading())
    assert np.array_equal(mask.classes, MASK) and mask.made
    with Pil.open(io.BytesIO(mask.data)) as picture:
        assert picture.mode == "L" and np.array_equal(np.asarray(picture), MASK)
    assert look(one, Reading(), None).mask_made


def test_white_and_255_are_what_is_not_known(tmp_path: Path) -> None:
    unsure = MASK.copy()
    unsure[:4, :5] = 255
    for data in (as_file(unsure, "PNG"), as_file(CLASSES.colour(unsure), "PNG")):
        one = pair(tmp_path, mask=data)
        assert np.array_equal(ready(one, Reading())[2].classes, unsure)
        assert look(one, Reading(), None).unknown == 20


def spotted(value: int) -> np.ndarray:
    mask = MASK.copy()
    mask[3, 4] = value
    return mask


def tinted() -> np.ndarray:
    colours = CLASSES.colour(MASK).copy()
    colours[3, 4:6] = 1, 2, 3
    return colours


CLEAR = np.dstack([CLASSES.colour(MASK), MASK])


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (as_file(spotted(9), "PNG"), BadInput, r"no class 0\.\.8 or 255: 9"),
        (as_file(tinted(), "PNG"), BadInput, r"1 colours .* such as #010203 \(2 px\)"),
        (as_file(CLEAR, "PNG"), ShapeMismatch, "transparent in places"),
        (as_file(MASK.astype(np.uint16), "PNG"), ShapeMismatch, "8 bits"),
        (as_file(MASK, "BMP"), ImageUnreadable, "a mask is a PNG"),
        (as_file(MASK, "PNG")[:200], ImageUnreadable, r"a\.png is damaged"),
        (as_file(CLASSES.colour(MASK), "PNG")[:300], ImageUnreadable, r"a\.png is damaged"),
        (b"", ImageUnreadable, r"a\.png"),
        (as_file(MASK[1:], "PNG"), ShapeMismatch, "150 x 159 .* and its photograph 150 x 160"),
        (as_file(MASK.T, "PNG"), ShapeMismatch, "--masks-as-stored"),
    ],
)
def test_what_is_no_mask_of_this_photograph_is_named(
    tmp_path: Path, data: bytes, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        look(pair(tmp_path, mask=data), Reading(), None)


# -- faces ---------------------------------------------------------------------------------


class Finder:
    """Finds faces of these heights in every picture."""

    def __init__(self, *heights: float) -> None:
        self.heights = heights
        self.card = SimpleNamespace(name="fake", version=str(heights))

    def parse(self, image: np.ndarray, /) -> SimpleNamespace:
        boxes = (SimpleNamespace(height=height) for height in self.heights)
        return SimpleNamespace(faces=[SimpleNamespace(box=box) for box in boxes])


def test_the_tallest_face_counts(tmp_path: Path) -> None:
    assert tallest(Finder(30.04, 80.26, 2), PHOTO) == 80.3
    assert look(pair(tmp_path), Reading(), Finder()).measures.face == 0
