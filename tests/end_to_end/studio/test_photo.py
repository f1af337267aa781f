"""The studio with the real net: what a person sees is what is saved, and what Python gives."""

import time
from pathlib import Path

import cv2
import numpy as np

from easyportrait import apply, demo_image
from easyportrait.image.io import encode
from easyportrait.models.parser import Parser
from easyportrait.taxonomy import CLASSES

from .conftest import SLOW, Studio, decoded, launched, watched

FRAMES = 40
LIVE = 10  # seconds that the camera is watched
CORNER = "() => [...after.getContext('2d').getImageData(after.width - 3, 2, 1, 1).data]"
WISHES = {"whiten_teeth": 0.6, "smooth_skin": 0.4, "replace_background": "#8fa58f"}


def test_a_dropped_photo_is_seen_in_parts_retouched_and_saved_as_python_has_it(
    page: Studio, parser: Parser
) -> None:
    image = demo_image()
    page.give(encode(image, ".png"), "astronaut.png")
    page.ready()
    parsing = parser.parse(image)

    page.page.click("#show-parts")
    seen = page.pixels("parts")[..., :3]
    labels = parsing.labels
    wanted = np.where(labels[..., None] > 0, CLASSES.palette[labels], 0)
    assert (seen == wanted).all(-1).mean() > 0.998
    chips = page.page.locator("#legend .chip").evaluate_all("all => all.map(a => a.dataset.class)")
    assert chips == [CLASSES.names[index] for index in np.unique(labels)]

    page.rendered(lambda: page.switch("whiten-teeth"))
    page.rendered(lambda: page.switch("smooth-skin"))
    page.rendered(lambda: page.background("replace-background:colour"))
    page.rendered(lambda: page.page.get_by_title("Sage").click())
    name, data = page.downloaded()
    assert name == "astronaut-easyportrait.png"
    saved = decoded(data)
    np.testing.assert_array_equal(saved, page.pixels("after"))
    check_close(saved[..., :3], apply(parsing, **WISHES))

    page.rendered(lambda: page.background("remove-background"))
    cut = decoded(page.downloaded()[1])
    np.testing.assert_array_equal(cut[..., 3], page.pixels("after")[..., 3])
    wishes = {**WISHES, "replace_background": None, "remove_background": True}
    wanted = apply(parsing, **wishes)
    check_close(cut[..., 3], wanted[..., 3])
    inside = wanted[..., 3] > 128
    check_close(cut[inside][:, :3], wanted[inside][:, :3])


def check_close(found: np.ndarray, wanted: np.ndarray) -> None:
    """Within a level of 255 on average; hardly any pixel by more than four."""
    off = np.abs(found.astype(int) - wanted.astype(int))
    assert off.mean() < 1 and (off > 4).mean() < 0.002, (off.mean(), (off > 4).mean(), off.max())


def test_the_demo_photograph_is_a_press_away_and_a_preview_looks_like_the_file(
    page: Studio,
) -> None:
    """A large photo's preview is made small first, and its file is made of all its pixels."""
    page.page.click("#try")
    page.ready()
    assert page.page.locator("#after").get_attribute("role") == "img"
    large = cv2.resize(demo_image(), (1800, 1800), interpolation=cv2.INTER_CUBIC)
    page.give(encode(large, ".png"), "large.png")
    page.wait("after.width > 600")
    page.ready()
    page.rendered(lambda: page.background("blur-background"))
    _, data = page.downloaded()
    saved, preview = decoded(data)[..., :3], page.pixels("after")[..., :3]
    assert saved.shape == (1800, 1800, 3) and 300 < len(preview) < 1300
    small = cv2.resize(saved, preview.shape[1::-1], interpolation=cv2.INTER_AREA)
    off = np.abs(small.astype(int) - preview)
    assert off.mean() < 2 and np.percentile(off, 99) < 16, (off.mean(), np.percentile(off, 99))


def test_the_camera_shows_effects_live(studio: str, tmp_path: Path) -> None:
    film = tmp_path / "portrait.mjpeg"
    film.write_bytes(b"".join(moving(demo_image())))
    fake = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    with launched(*fake) as browser, watched(browser, studio) as one:
        page = one.open()
        page.click("#use-camera")
        one.wait("parseFloat(fps.textContent) > 0")
        one.background("replace-background:colour")
        page.get_by_title("Sage").click()
        one.wait(f"({CORNER})().every((level, i) => Math.abs(level - [143, 165, 143, 255][i]) < 9)")
        before = seen = one.pixels("after")
        begun, moved = time.monotonic(), 0
        while time.monotonic() < begun + LIVE or not moved:  # it moves, and goes on moving
            assert time.monotonic() < begun + SLOW / 1000, "the picture stands still"
            page.wait_for_timeout(500)
            before, seen = seen, one.pixels("after")
            moved += bool((seen != before).any())
        person = (np.abs(seen[..., :3].astype(int) - (143, 165, 143)).sum(-1) > 60).mean()
        assert 0.1 < person < 0.9
        assert float(page.inner_text("#fps").split()[0]) > 0
        page.click("#show-parts")
        one.wait("!parts.hidden")
        page.click("#stop")
        assert page.locator("#empty").is_visible() and page.evaluate("video.srcObject") is None


def moving(image: np.ndarray) -> list[bytes]:
    """Frames of a film, 640 x 480, on which a portrait sways a little."""
    wide = cv2.copyMakeBorder(image[:480], 0, 0, 80, 80, cv2.BORDER_REPLICATE)
    shifts = [round(12 * np.sin(2 * np.pi * i / FRAMES)) for i in range(FRAMES)]
    return [encode(wide[:, 16 + s : 16 + s + 640], ".jpg") for s in shifts]
