import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil
from PIL import ImageCms

from easyportrait.assets import DEMO
from easyportrait.errors import ImageTooLarge, ImageUnreadable, OutputUnwritable, ShapeMismatch
from easyportrait.image.io import (
    picture_size,
    read_image,
    read_luma,
    read_mask,
    read_notes,
    size_and_luma,
    write_image,
    written,
)

RED, GREEN = (200, 40, 30), (30, 180, 60)


def two_tone(height: int = 20, width: int = 32) -> np.ndarray:
    """Red left half, green right half."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2], image[:, width // 2 :] = RED, GREEN
    return image


def saved(picture: Pil.Image, kind: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()


def close(image: np.ndarray, expected: np.ndarray, by: int) -> bool:
    return bool((np.abs(image.astype(int) - expected.astype(int)) <= by).mean() > 0.9)


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [
        ("PNG", 0),
        ("BMP", 0),
        ("TIFF", 0),
        ("PPM", 0),
        ("GIF", 3),
        ("JPEG", 12),
        ("WEBP", 25),
        ("AVIF", 25),
    ],
)
def test_every_format_gives_the_same_picture(kind: str, tolerance: int) -> None:
    if kind not in Pil.registered_extensions().values():
        pytest.fail(f"this Pillow cannot write {kind}; the wheels can")
    data = saved(Pil.fromarray(two_tone()), kind)
    image = read_image(data)
    assert image.dtype == np.uint8 and image.shape == (20, 32, 3)
    assert close(image, two_tone(), tolerance)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_is_what_pillow_makes_of_it(mode: str, subsampling: int, progressive: bool) -> None:
    how = {"progressive": progressive} | ({"subsampling": subsampling} if mode == "RGB" else {})
    data = saved(Pil.open(DEMO).crop((0, 0, 203, 101)).convert(mode), "JPEG", **how)
    expected = np.asarray(Pil.open(io.BytesIO(data)).convert("RGB"))
    found = read_image(data)
    np.testing.assert_array_equal(found, expected)
    assert not found.flags.writeable  # as Pillow's are


def test_heic_is_read_with_its_extra() -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    data = saved(Pil.fromarray(two_tone(64, 64)), "HEIF", quality=95)
    assert close(read_image(data), two_tone(64, 64), 25)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "CMYK", "L", "1", "I;16", "RGB"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    grey = np.asarray(Pil.fromarray(two_tone()).convert("L"))
    if mode == "I;16":
        picture, kind = Pil.fromarray(grey.astype(np.uint16) * 257), "PNG"
    else:
        kind = "TIFF" if mode == "CMYK" else "PNG"
        whole = Pil.fromarray(two_tone())
        picture = whole.quantize(8) if mode == "P" else whole.convert(mode)
    image = read_image(saved(picture, kind))
    colour = mode in ("RGBA", "P", "CMYK", "RGB")
    expected = two_tone() if colour else np.repeat(grey[..., None], 3, 2)
    if mode == "1":
        assert set(np.unique(image)) <= {0, 255} and image.shape == (20, 32, 3)
    else:
        assert close(image, expected, 4)


def test_transparency_is_put_on_white() -> None:
    rgba = np.dstack([two_tone(), np.full((20, 32), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    image = read_image(saved(Pil.fromarray(rgba), "PNG"))
    assert (image[:10] == 255).all() and np.array_equal(image[10:], two_tone()[10:])


def test_a_transparent_palette_colour_is_put_on_white() -> None:
    picture = Pil.fromarray(two_tone()).quantize(4)
    index = picture.getpixel((0, 0))
    image = read_image(saved(picture, "GIF", transparency=index))
    assert (image[:, :16] == 255).all() and close(image[:, 16:], two_tone()[:, 16:], 4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation: int) -> None:
    upright = Pil.fromarray(two_tone())
    turned = {
        1: [], 2: [Pil.Transpose.FLIP_LEFT_RIGHT], 3: [Pil.Transpose.ROTATE_180],
        4: [Pil.Transpose.FLIP_TOP_BOTTOM], 5: [Pil.Transpose.TRANSPOSE],
        6: [Pil.Transpose.ROTATE_90], 7: [Pil.Transpose.TRANSVERSE], 8: [Pil.Transpose.ROTATE_270],
    }[orientation]  # fmt: skip
    stored = upright
    for step in turned:
        stored = stored.transpose(step)
    exif = Pil.Exif()
    exif[0x0112] = orientation
    image = read_image(saved(stored, "JPEG", exif=exif, quality=95))
    assert image.shape == (20, 32, 3) and close(image, two_tone(), 20)


def test_an_icc_profile_is_followed_to_srgb() -> None:
    """Colours of a wide profile are not those of sRGB; Pillow's own conversion is the truth."""
    lab = Pil.fromarray(np.full((8, 8, 3), (160, 90, 60), np.uint8))
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    assert wide is not None
    profile = swapped_primaries()
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    truth = ImageCms.profileToProfile(lab, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    image = read_image(saved(lab, "PNG", icc_profile=profile))
    assert np.array_equal(image, np.asarray(truth))
    assert not close(image, np.asarray(lab), 10)


def swapped_primaries() -> bytes:
    """sRGB's own profile, renamed, with its red and blue primaries exchanged."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data = bytearray(bytes(data).replace("sRGB".encode("utf-16-be"), "wRGB".encode("utf-16-be")))
    count = struct.unpack(">I", data[128:132])[0]
    for i in range(count):
        at = 132 + 12 * i
        data[at : at + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(
            bytes(data[at : at + 4]), bytes(data[at : at + 4])
        )
    return bytes(data)


def test_a_broken_icc_profile_costs_nothing() -> None:
    data = saved(Pil.fromarray(two_tone()), "PNG", icc_profile=b"not a profile")
    assert np.array_equal(read_image(data), two_tone())


def test_the_first_frame_of_an_animation_is_read() -> None:
    frames = [Pil.fromarray(two_tone()), Pil.fromarray(two_tone()[:, ::-1])]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert close(read_image(data), two_tone(), 4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 20000), (20000, 1)])
def test_extreme_shapes_are_pictures_too(shape: tuple[int, int]) -> None:
    data = saved(Pil.fromarray(np.zeros((*shape, 3), np.uint8)), "PNG")
    assert read_image(data).shape == (*shape, 3)


# -- what cannot be read -------------------------------------------------------------------


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG whose header promises far more pixels than it holds."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb())
    with pytest.raises(ImageTooLarge, match=r"bomb\.png"):
        read_image(path)


def test_the_pixel_limit_is_named_and_can_be_set(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(path, two_tone(1000, 2000))
    with pytest.raises(ImageTooLarge, match=r"2000 x 1000 is 2\.0 megapixels.*limit of 1\.0"):
        read_image(path, max_pixels=1_000_000)
    assert read_image(path, max_pixels=2_000_000).shape == (1000, 2000, 3)


JPEG = saved(
    Pil.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)), "JPEG"
)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("empty.jpg", b"", "empty"),
        ("text.jpg", b"this is no picture, but a letter\n" * 9, "not a picture of a known format"),
        ("cut.jpg", JPEG[: len(JPEG) // 2], "damaged or cut short"),
        ("cut.png", saved(Pil.fromarray(two_tone()), "PNG")[:60], "damaged or cut short"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture of a known"),
        ("print.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture of a"),
    ],
)
def test_a_bad_file_is_named_with_the_reason(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ImageUnreadable, match=reason) as caught:
        read_image(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ImageUnreadable, match="does not exist"):
        read_image(tmp_path / "gone.jpg")
    with pytest.raises(ImageUnreadable, match="is a folder"):
        read_image(tmp_path)


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root reads everything, so the refusal is played."""
    path = tmp_path / "a.png"
    write_image(path, two_tone())

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Pil, "open", refuse)
    with pytest.raises(ImageUnreadable, match=r"a\.png may not be read: permission denied"):
        read_image(path)


@pytest.mark.parametrize("seed", range(60))
def test_damage_anywhere_is_a_clear_error_or_a_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"][seed % 6]
    data = bytearray(saved(Pil.fromarray(two_tone()), kind))
    for _ in range(1 + seed // 6):
        data[rng.integers(len(data))] = rng.integers(256)
    try:
        image = read_image(bytes(data))
    except (ImageUnreadable, ImageTooLarge):
        return
    assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3


# -- writing -------------------------------------------------------------------------------


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.png"
    write_image(path, two_tone(), text={"easyportrait": "a note, ä"})
    assert np.array_equal(read_image(path), two_tone())
    assert read_notes(path) == {"easyportrait": "a note, ä"}
    assert read_notes(tmp_path / "gone.png") == {}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with (
        pytest.raises(OutputUnwritable, match=r"a\.bin cannot be written: No space left"),
        written(path) as file,
    ):
        file.write(b"half of the n")
        raise OSError(28, "No space left on device")
    with pytest.raises(KeyboardInterrupt), written(path) as file:
        file.write(b"half of the n")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes here")
def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with written(path) as file:
            file.write(b"words")
        assert path.is_fifo() and os.read(end, 10) == b"words"
    finally:
        os.close(end)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputUnwritable, match="cannot be written"):
        write_image(tmp_path / "file" / "a.png", two_tone())
    with pytest.raises(OutputUnwritable, match=r"not '\.bmp'"):
        write_image(tmp_path / "a.bmp", two_tone())


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeMismatch, match="float64"):
        write_image(tmp_path / "a.png", np.zeros((4, 4)))
    with pytest.raises(ShapeMismatch, match="transparency"):
        write_image(tmp_path / "a.jpg", np.zeros((4, 4, 4), np.uint8))
    assert list(tmp_path.iterdir()) == []


def grey_png(mask: np.ndarray, bits: int) -> bytes:
    """A grey PNG of fewer than 8 bits a pixel, which Pillow does not write."""
    width = mask.shape[1]
    lines = [np.unpackbits(row[:, None], axis=1)[:, -bits:].ravel() for row in mask]
    data = zlib.compress(b"".join(b"\0" + np.packbits(line).tobytes() for line in lines))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = chunk(b"IHDR", struct.pack(">2I5B", width, len(mask), bits, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_mask_is_read_as_the_indices_it_stores() -> None:
    mask = (np.arange(20 * 32).reshape(20, 32) % 9).astype(np.uint8)
    mask[0, 0] = 255
    assert np.array_equal(read_mask(saved(Pil.fromarray(mask), "PNG")), mask)
    palette = Pil.fromarray(mask).convert("P")
    palette.putdata(mask.ravel().tolist())
    palette.putpalette([255 - i // 3 for i in range(768)])
    assert np.array_equal(read_mask(saved(palette, "PNG")), mask)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("kind", ["grey", "palette"])
def test_a_mask_of_few_bits_keeps_its_indices(bits: int, kind: str) -> None:
    mask = (np.arange(20 * 31).reshape(20, 31) % min(1 << bits, 9)).astype(np.uint8)
    data = grey_png(mask, bits)
    if kind == "palette":
        picture = Pil.fromarray(mask).convert("P")
        picture.putdata(mask.ravel().tolist())
        data = saved(picture, "PNG", bits=bits)
    assert np.array_equal(read_mask(data), mask)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "1", "I;16"])
def test_what_is_no_mask_is_refused(mode: str) -> None:
    grey = Pil.fromarray(np.zeros((4, 5), np.uint16 if mode == "I;16" else np.uint8))
    picture = grey if mode == "I;16" else grey.convert(mode)
    with pytest.raises(ShapeMismatch, match=f"8 bits .L. or a palette .P., got {mode}"):
        read_mask(saved(picture, "PNG"))


def test_a_mask_that_is_lossy_large_or_damaged_is_refused(tmp_path: Path) -> None:
    mask = Pil.fromarray(np.zeros((40, 50), np.uint8))
    path = tmp_path / "m.jpg"
    path.write_bytes(saved(mask, "JPEG"))
    with pytest.raises(ImageUnreadable, match=r"m\.jpg is a JPEG, and a mask is a PNG"):
        read_mask(path)
    with pytest.raises(ImageTooLarge, match="50 x 40"):
        read_mask(saved(mask, "PNG"), max_pixels=1999)
    with pytest.raises(ImageUnreadable, match="damaged or cut short"):
        read_mask(saved(mask, "PNG")[:-30])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_known_without_reading_the_picture(orientation: int) -> None:
    exif = Pil.Exif()
    exif[0x0112] = orientation
    data = saved(Pil.fromarray(two_tone(200, 320)), "JPEG", exif=exif)
    assert picture_size(data) == read_image(data).shape[:2]
    assert picture_size(data[:-100]) == picture_size(data)
    with pytest.raises(ImageUnreadable):
        picture_size(b"no picture")


def photograph(height: int, width: int) -> Pil.Image:
    """The demo's, in a size of its own."""
    with Pil.open(DEMO) as picture:
        return picture.convert("RGB").resize((width, height))


@pytest.mark.parametrize(
    "how",
    [
        {"kind": "JPEG", "quality": 90},
        {"kind": "JPEG", "quality": 75, "subsampling": 0, "progressive": True},
        {"kind": "JPEG", "quality": 90, "mode": "L"},
        {"kind": "JPEG", "quality": 90, "mode": "CMYK"},
        {"kind": "JPEG", "quality": 90, "icc": True},
        {"kind": "PNG"},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [(523, 389), (61, 43)])
def test_size_and_luma_are_those_of_the_whole_picture(
    size: tuple[int, int], how: dict[str, object]
) -> None:
    options = dict(how)
    kind, mode = str(options.pop("kind")), str(options.pop("mode", "RGB"))
    if options.pop("icc", False):
        options["icc_profile"] = swapped_primaries()
    exif = Pil.Exif()
    exif[0x0112] = 6  # to be turned a quarter
    data = saved(photograph(*size).convert(mode), kind, exif=exif, **options)
    found, mean = size_and_luma(data)
    assert found == size[::-1] == read_image(data).shape[:2]
    grey = np.asarray(Pil.fromarray(read_image(data)).convert("L"))
    assert np.array_equal(read_luma(data), grey)
    assert mean == pytest.approx(grey.mean(), abs=0.3)


def test_the_luma_of_what_cannot_be_read_is_refused_as_the_picture_is() -> None:
    data = saved(photograph(523, 389), "JPEG")
    for read in (size_and_luma, read_luma, read_image):
        with pytest.raises(ImageUnreadable, match="damaged or cut short"):
            read(data[:-3000])
        with pytest.raises(ImageTooLarge, match="389 x 523"):
            read(data, max_pixels=200_000)
