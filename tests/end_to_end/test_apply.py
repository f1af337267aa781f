"""`easyportrait apply`, run as users run it, with the net inside the package."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil
from PIL import ImageCms
from typer.testing import CliRunner, Result

from easyportrait import demo_image
from easyportrait.cli.app import app
from easyportrait.errors import EasyPortraitError
from easyportrait.image.io import read_image, write_image


def run(*args: object) -> Result:
    """In this process, which spares starting one; `status` is the status a shell would see."""
    return CliRunner().invoke(app, ["apply", *map(str, args)])


def status(result: Result) -> int:
    error = result.exception
    return error.exit_status if isinstance(error, EasyPortraitError) else result.exit_code


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph as a phone writes it: on its side, with a place and a thumbnail."""
    exif = Pil.Exif()
    exif[271], exif[274] = "Camera", 8
    exif.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0x927C: b"note"})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0)})
    path = tmp_path / "in" / "ann.jpg"
    path.parent.mkdir()
    upright = Pil.fromarray(demo_image())
    upright.rotate(-90, expand=True).save(path, exif=exif.tobytes(), quality=95)
    return path


def test_a_face_is_hidden_and_the_rest_kept(photo: Path, tmp_path: Path) -> None:
    result = run(photo, "-o", tmp_path / "out", "--anonymize", "blur", "--compare")
    assert result.exit_code == 0, result.output
    before, after = read_image(photo), read_image(tmp_path / "out" / "ann.jpg")
    changed = np.abs(before.astype(int) - after).max(2)
    assert changed[40:200, 170:280].mean() > 8  # the face
    assert changed[300:, :].mean() < 2  # far from it: JPEG's own loss
    compared = read_image(tmp_path / "out" / "ann.compare.jpg")
    assert compared.shape[0] == before.shape[0] and compared.shape[1] > 2 * before.shape[1]


@pytest.mark.parametrize("keep", [False, True])
def test_what_the_camera_wrote_stays_but_the_place(photo: Path, tmp_path: Path, keep: bool) -> None:
    options = ["--keep-location"] if keep else []
    assert run(photo, "-o", tmp_path / "o.jpg", "--anonymize", "blur", *options).exit_code == 0
    with Pil.open(tmp_path / "o.jpg") as written:
        exif = written.getexif()
        assert written.size == (512, 512)
        assert exif[271] == "Camera" and 274 not in exif
        inner = exif.get_ifd(0x8769)
        assert inner[0x9003] == "2024:05:06 07:08:09" and 0x927C not in inner
        assert bool(exif.get_ifd(0x8825)) == keep
        assert not exif.get_ifd(1)  # no thumbnail of the face that is hidden


def test_a_colour_profile_is_kept_and_means_the_same(tmp_path: Path) -> None:
    wide = ImageCms.ImageCmsProfile(str(make_wide_profile(tmp_path)))
    path = tmp_path / "wide.png"
    Pil.fromarray(demo_image()).save(path, icc_profile=wide.tobytes())
    assert run(path, "-o", tmp_path / "out", "--anonymize", "blur").exit_code == 0
    with Pil.open(tmp_path / "out" / "wide.png") as written:
        assert written.info["icc_profile"] == wide.tobytes()
    before, after = read_image(path), read_image(tmp_path / "out" / "wide.png")
    assert np.abs(before[300:].astype(int) - after[300:]).max() <= 3


def make_wide_profile(folder: Path) -> Path:
    """sRGB's profile with red and green further out, as wide displays have."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(data[128:132], "big")
    for i in range(count):
        entry = data[132 + 12 * i : 144 + 12 * i]
        at = int.from_bytes(entry[4:8], "big")
        if entry[:4] in (b"rXYZ", b"gXYZ"):
            z = int.from_bytes(data[at + 16 : at + 20], "big", signed=True)
            x = int.from_bytes(data[at + 8 : at + 12], "big", signed=True)
            data[at + 8 : at + 12] = round(x * 1.08).to_bytes(4, "big", signed=True)
            data[at + 16 : at + 20] = round(z * 0.8).to_bytes(4, "big", signed=True)
    path = folder / "wide.icc"
    path.write_bytes(data.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be")))
    return path


def test_a_folder_resumes_and_other_effects_do_it_again(photo: Path, tmp_path: Path) -> None:
    write_image(photo.parent / "bob.png", demo_image()[:200, :200])
    (photo.parent / "bad.jpg").write_bytes(b"no picture")
    out = tmp_path / "out"
    first = run(photo.parent, "-o", out, "--anonymize", "blur")
    assert status(first) == 1 and "bad.jpg is not a picture" in first.output
    assert {p.name for p in out.iterdir()} == {"ann.jpg", "bob.png"}
    (photo.parent / "bad.jpg").unlink()
    again = run(photo.parent, "-o", out, "--anonymize", "blur")
    assert again.exit_code == 0 and "2 were done already" in again.output
    other = run(photo.parent, "-o", out, "--anonymize", "pixelate")
    assert other.exit_code == 0 and "done already" not in other.output


@pytest.mark.parametrize(
    ("args", "left_with", "message"),
    [
        ([], 3, "name an effect: --background"),
        (["--anonymize", "paint"], 3, "style takes one of pixelate, blur, got 'paint'"),
        (["--anonymize-strength", "9"], 3, "strength takes a number from 0.5 to 2, got '9'"),
        (["--anonymize", "blur", "--looks", "3"], 2, "looks"),
    ],
)
def test_a_wrong_wish_is_said_and_writes_nothing(
    photo: Path, tmp_path: Path, args: list[str], left_with: int, message: str
) -> None:
    result = run(photo, "-o", tmp_path / "out", *args)
    assert status(result) == left_with
    said = str(result.exception) if left_with == 3 else result.output
    assert message in said.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_standard_input_to_standard_output(photo: Path) -> None:
    result = CliRunner().invoke(
        app, ["apply", "-", "-o", "-", "--anonymize", "blur"], input=photo.read_bytes()
    )
    assert result.exit_code == 0
    with Pil.open(io.BytesIO(result.stdout_bytes)) as written:
        assert written.format == "PNG" and written.size == (512, 512)


def test_one_file_for_many_pictures_is_refused(photo: Path, tmp_path: Path) -> None:
    result = run(photo, photo, "-o", tmp_path / "o.jpg", "--anonymize", "blur")
    assert "names one file for 2 pictures" in str(result.exception)
