import cv2
import numpy as np
import pytest
from PIL import Image as Pil

from easyportrait.data.layout import Entry
from easyportrait.data.measures import faces_in, measure, value_counts
from easyportrait.data.meta import brightness
from easyportrait.errors import ImageUnreadable, ShapeMismatch
from easyportrait.image.io import read_image
from easyportrait.taxonomy import CLASSES
from tests.conftest import face_mask
from tests.unit.data.drawn import Held, as_file
from tests.unit.data.planted import entry, scene


def turned(mask: np.ndarray, degrees: float) -> np.ndarray:
    height, width = mask.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    return np.asarray(cv2.warpAffine(mask, turn, (width, height), flags=cv2.INTER_NEAREST))


def test_everything_is_told_of_a_picture_and_its_mask() -> None:
    found = measure(entry(3, "val", user="u7"))
    picture, mask = scene(3)
    assert (found.name, found.split, found.user) == ("p3", "val", "u7")
    assert (found.width, found.height) == (150, 172)
    assert found.brightness == pytest.approx(brightness(picture), abs=0.5)
    assert found.pixels == tuple(np.bincount(mask.ravel(), minlength=9).tolist())
    assert (found.unknown, found.strange) == (0, 0)
    assert sum(found.share(i) for i in range(9)) == pytest.approx(1)
    (face,) = found.faces
    ys, _ = np.nonzero(mask >= 2)
    assert face.height == pytest.approx((ys.max() + 1 - ys.min()) / 172, abs=0.02)
    assert face.roll == pytest.approx(0, abs=3) and face.yaw == pytest.approx(0, abs=6)


def test_a_picture_on_its_side_counts_as_people_see_it() -> None:
    picture, mask = scene(0)
    exif = Pil.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    lying = as_file(np.ascontiguousarray(np.rot90(picture)), "JPEG", quality=90, exif=exif)
    found = measure(Entry("a", "val", Held(lying), Held(as_file(mask, "PNG"))))
    assert (found.width, found.height) == (150, 160) and len(found.faces) == 1
    assert found.user is None


def test_what_is_no_class_is_counted_apart() -> None:
    mask = face_mask()
    mask[:4, :5], mask[10:12, 0], mask[12, 0] = 255, 9, 254
    picture = Held(as_file(np.zeros((160, 160, 3), np.uint8), "JPEG"))
    found = measure(Entry("a", "val", picture, Held(as_file(mask, "PNG"))))
    assert (found.unknown, found.strange) == (20, 3)
    assert sum(found.pixels) == 160 * 160 - 23


def test_picture_and_mask_of_different_sizes_are_refused() -> None:
    good = entry(0, "val")
    wrong = Held(as_file(np.zeros((150, 160), np.uint8), "PNG"))
    with pytest.raises(ShapeMismatch, match=r"is 150 x 160 \(width x height\), its mask 160 x 150"):
        measure(Entry("a", "val", good.image_file, wrong))


def test_a_cut_picture_is_refused_by_name() -> None:
    good = entry(0, "val")
    large = cv2.resize(read_image(good.image_file.read()), (600, 640))
    cut = Held(as_file(large, "JPEG", quality=90)[:-2000], "cut.jpg")
    with pytest.raises(ImageUnreadable, match=r"cut.jpg is damaged or cut short"):
        measure(Entry("a", "val", cut, good.mask_file))


def test_counts_are_bincounts() -> None:
    mask = np.random.default_rng(0).integers(0, 256, (70, 31), dtype=np.uint8)
    for view in (mask, mask[::2, 3:]):
        assert value_counts(view).tolist() == np.bincount(view.ravel(), minlength=256).tolist()


@pytest.mark.parametrize("side", [160, 900])
@pytest.mark.parametrize("degrees", [-30.0, 0.0, 20.0])
def test_a_face_is_as_high_and_as_tilted_at_any_size(side: int, degrees: float) -> None:
    mask = turned(face_mask(side, side), degrees)
    (face,) = faces_in(mask)
    ys, xs = np.nonzero(mask >= 2)
    box = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    found = face.box.left, face.box.top, face.box.right, face.box.bottom
    assert found == pytest.approx(box, abs=side / 60)
    assert face.roll == pytest.approx(degrees, abs=3)
    assert set(face.parts) == set(CLASSES.names[3:])


def test_a_face_that_is_turned_has_a_yaw_to_its_side() -> None:
    mask = face_mask(320, 320)
    moved = np.where(mask > 2, 2, mask)
    moved[:, 20:] = np.where(mask[:, :-20] > 2, mask[:, :-20], moved[:, 20:])
    (right,), (left,) = faces_in(moved), faces_in(CLASSES.flip(moved))
    assert right.yaw is not None and 10 < right.yaw < 40
    assert left.yaw == pytest.approx(-right.yaw, abs=3)


def test_each_of_two_people_is_a_face_the_larger_first() -> None:
    crowd = np.zeros((200, 400), np.uint8)
    crowd[20:180, 20:180] = face_mask()
    crowd[60:140, 280:360] = face_mask(80, 80)
    large, small = faces_in(crowd)
    assert large.box.height == pytest.approx(2 * small.box.height, rel=0.15)
    assert small.box.left > 280


def test_skin_alone_the_unknown_and_nothing_are_no_face() -> None:
    skin, unknown = np.zeros((2, 100, 100), np.uint8)
    skin[20:80, 20:80], unknown[:] = 2, 255
    for mask in (skin, unknown, np.zeros((3, 500), np.uint8)):
        assert faces_in(mask) == []
