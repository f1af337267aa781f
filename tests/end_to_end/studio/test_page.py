"""What the page does by itself: photos in, controls, keys, words. The worker is a fake one."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from easyportrait.image.io import encode
from easyportrait.serve import describe

from .conftest import Studio, decoded, launched, photo, watched

TABLE = describe.effects()
RIVALS = TABLE["background"]["exclude_each_other"]
PHONE = {"width": 360, "height": 640}
SIZES = [PHONE, {"width": 768, "height": 1024}, {"width": 1440, "height": 900}]
SMALL_TARGETS = """() => [...document.querySelectorAll('button, label, input:not([type=radio])')]
  .filter((one) => one.offsetParent && !one.closest('dialog, .toasts, .any, .knob-head'))
  .map((one) => [one.id || one.className || one.textContent, one.getBoundingClientRect()])
  .filter(([, box]) => box.height && (box.height < 43.9 || box.width < 42))
  .map(([name, box]) => `${name} ${box.width} x ${box.height}`)"""
KEPT = """async () => [localStorage.length, sessionStorage.length, document.cookie.length,
  (await indexedDB.databases()).length, (await caches.keys()).length,
  (await navigator.serviceWorker.getRegistrations()).length]"""


@pytest.fixture
def ready(fake_page: Studio) -> Studio:
    """A photo of 90 x 120 pixels is on the stage."""
    fake_page.give(photo())
    fake_page.ready()
    return fake_page


# -- photos in -----------------------------------------------------------------------------


def test_a_photo_is_dropped_and_another_pasted(fake_page: Studio) -> None:
    for by, height in (("drop", 120), ("paste", 100)):
        fake_page.give(photo(height), by=by)
        fake_page.wait(f"after.height === {height}")
        fake_page.ready()
        assert fake_page.page.locator("#dropping").is_hidden()
        np.testing.assert_array_equal(fake_page.pixels("after")[..., :3], decoded(photo(height)))


def test_a_photo_is_chosen_and_another_one_after_it(fake_page: Studio) -> None:
    page = fake_page.page
    for button, height in (("#choose", 60), ("#new-photo", 70)):
        with page.expect_file_chooser() as chooser:
            page.click(button)
        chooser.value.set_files(
            {"name": "me.png", "mimeType": "image/png", "buffer": photo(height, 50)}
        )
        fake_page.wait(f"after.height === {height}")
        fake_page.ready()
    name, data = fake_page.downloaded()
    assert name == "me-easyportrait.png"
    np.testing.assert_array_equal(decoded(data)[..., :3], decoded(photo(70, 50)))


def test_what_is_no_photo_is_said(fake_page: Studio) -> None:
    for data, name, words in (
        (b"no picture at all", "me.jpg", "me.jpg cannot be opened: it is damaged"),
        (photo()[:300], "cut.png", "cut.png is cut short: its end is missing."),
        (b"%PDF-1.7", "letter.pdf", "letter.pdf is no photo that this browser can open"),
        (b"????ftypheic", "IMG_1.HEIC", "This browser cannot open HEIC"),
        (b"", "none.jpg", "none.jpg is empty"),
    ):
        fake_page.give(data, name)
        fake_page.page.locator(".toast", has_text=words).wait_for()
    assert fake_page.page.locator("#empty").is_visible()
    fake_page.give(photo())  # and it works on
    fake_page.ready()


def test_a_huge_photo_is_refused_before_it_is_decoded(fake_page: Studio) -> None:
    fake_page.give(encode(np.zeros((8_000, 8_000), np.uint8), ".png"), "wall.png")
    assert "too large: 8000 × 8000 is 64 megapixels; 50 " in fake_page.toasts()


def test_what_is_transparent_comes_to_lie_on_white(fake_page: Studio) -> None:
    rgba = np.full((40, 30, 4), 80, np.uint8)
    rgba[:20, :, 3], rgba[20:, :, 3] = 0, 255
    fake_page.give(encode(rgba, ".png"))
    fake_page.ready()
    seen = fake_page.pixels("after")
    assert (seen[:20] == 255).all() and (seen[20:] == (80, 80, 80, 255)).all()


# -- parts ---------------------------------------------------------------------------------


def colours(studio: Studio) -> set[tuple[int, ...]]:
    seen = studio.pixels("parts")
    return {tuple(map(int, colour)) for colour in np.unique(seen[seen[..., 3] > 0][:, :3], axis=0)}


def test_parts_are_coloured_class_by_class(ready: Studio) -> None:
    page, parser_colours = ready.page, {(223, 87, 188), (160, 221, 255), (230, 232, 230)}
    page.click("#show-parts")
    seen = colours(ready)
    assert parser_colours < seen and len(seen) == 8 and (0, 0, 0) not in seen
    assert page.locator("#legend [aria-pressed=true]").count() == 8
    page.click("[data-class=teeth]")
    assert colours(ready) == seen - {(230, 232, 230)}
    page.click("[data-class=background]")
    assert colours(ready) == seen - {(230, 232, 230)} | {(0, 0, 0)}
    page.click("[data-class=teeth]")
    assert colours(ready) == seen | {(0, 0, 0)}
    page.click("#show-parts")
    assert page.locator("#parts").is_hidden() and page.locator("#legend").is_hidden()


# -- effects -------------------------------------------------------------------------------


def test_every_knob_of_the_table_has_a_control(ready: Studio) -> None:
    page = ready.page
    for effect in TABLE["effects"]:
        name, knobs = effect["name"], effect["knobs"]
        kinds = {knob["kind"] for knob in knobs}
        if name not in RIVALS:
            ready.switch(name)
        else:
            ready.background(f"{name}:colour" if "backdrop" in kinds else name)
        card = page.locator(f"[data-effect={name}]")
        shown = card.locator("[data-knob]").evaluate_all("all => all.map(a => a.dataset.knob)")
        assert [one for one in shown if one != "colour"] == [knob["name"] for knob in knobs]
        for knob in knobs:
            check_control(card.locator(f"[data-knob={knob['name']}]").first, knob)
    assert page.locator("[role=switch]").count() == len(TABLE["effects"]) - len(RIVALS)


def check_control(control: Any, knob: dict[str, Any]) -> None:
    """It has the range, the choices and the default of the table."""
    if knob["kind"] == "number":
        slider = control.locator("input[type=range]")
        found = slider.evaluate("(s) => [s.min, s.max, s.value].map(Number)")
        assert found == [knob["low"], knob["high"], knob["default"]]
    elif knob["kind"] in ("choice", "colour"):
        names = knob.get("choices") or list(
            {code: name for name, code in reversed(knob["names"].items())}.values()
        )
        values = control.locator("input[type=radio]").evaluate_all("all => all.map(a => a.value)")
        assert sorted(values) == sorted(names)
        assert control.locator("input:checked").get_attribute("value") == knob["default"]
    else:
        assert control.locator("input[type=color]").count() == 1


def test_the_worker_hears_all_knobs_as_the_table_has_them(ready: Studio) -> None:
    ready.rendered(lambda: ready.switch("tint-lips"))
    plain = {k["name"]: k["default"] for k in TABLE["effects"][3]["knobs"]}
    assert ready.applied()[-1] == {"tint-lips": plain}
    lips = ready.page.locator("[data-effect=tint-lips]")
    ready.rendered(lambda: lips.get_by_title("Plum").click())
    ready.rendered(lambda: lips.get_by_label("Gloss").check())
    ready.rendered(lambda: lips.locator("input[type=color]").fill("#3a7bd5"))
    ready.rendered(lambda: lips.locator("input[type=range]").fill("0.25"))
    assert ready.applied()[-1] == {
        "tint-lips": {"color": "#3a7bd5", "amount": 0.25, "finish": "gloss"}
    }
    ready.rendered(lambda: ready.switch("tint-lips"))
    np.testing.assert_array_equal(ready.pixels("after")[..., :3], decoded(photo()))


def test_backgrounds_exclude_each_other_and_may_be_a_picture(ready: Studio) -> None:
    page = ready.page
    ready.rendered(lambda: ready.background("blur-background"))
    ready.rendered(lambda: ready.background("replace-background:colour"))
    assert list(ready.applied()[-1]) == ["replace-background"]
    assert ready.applied()[-1]["replace-background"]["with"] == "#ffffff"
    ready.rendered(lambda: page.get_by_title("Sage").click())
    assert ready.applied()[-1]["replace-background"]["with"] == "#8fa58f"
    with page.expect_file_chooser() as chooser:
        ready.background("replace-background:picture")
    beach = {"name": "beach.png", "mimeType": "image/png", "buffer": photo(30, 40)}
    ready.rendered(lambda: chooser.value.set_files(beach))
    last = page.evaluate("window.asked.findLast((one) => one.kind === 'apply')")
    assert last["backgrounds"] == ["replace-background"]
    assert set(last["settings"]["replace-background"]) == {"fit", "wrap", "match"}
    assert page.get_by_text("beach.png").is_visible()
    ready.rendered(lambda: ready.background(""))
    np.testing.assert_array_equal(ready.pixels("after")[..., :3], decoded(photo()))


def test_a_cutout_has_no_jpeg(ready: Studio) -> None:
    page = ready.page
    ready.rendered(lambda: ready.background("remove-background"))
    assert page.locator("[value=jpeg]").is_disabled()
    assert page.locator("#sheet.is-clear").count() == 1
    _, data = ready.downloaded()
    assert decoded(data).shape == (120, 90, 4) and not decoded(data)[0, 0, 3]
    ready.rendered(lambda: ready.background(""))
    page.locator("label:has([value=jpeg])").click()
    name, data = ready.downloaded()
    assert name == "photo-easyportrait.jpg" and data[:3] == b"\xff\xd8\xff"


def test_of_many_moves_the_newest_wins(ready: Studio) -> None:
    ready.rendered(lambda: ready.switch("whiten-teeth"))
    before = len(ready.applied())
    slider = ready.page.locator("[data-effect=whiten-teeth] input[type=range]")
    moves = "(s) => { for (let i = 0; i <= 50; i++) { s.value = i / 50; \
        s.dispatchEvent(new Event('input')); } s.dispatchEvent(new Event('change')); }"
    ready.rendered(lambda: slider.evaluate(moves))
    heard = [one["whiten-teeth"]["amount"] for one in ready.applied()[before:]]
    assert len(heard) <= 3 and heard[-1] == 1


def test_undo_redo_and_reset(ready: Studio) -> None:
    page = ready.page
    value = "document.querySelector('[data-effect=smooth-skin] input').value"
    assert page.locator("#undo").is_disabled()
    ready.rendered(lambda: ready.switch("smooth-skin"))
    amount = page.locator("[data-effect=smooth-skin] input").first
    ready.rendered(lambda: amount.fill("0.9"))
    ready.rendered(lambda: page.keyboard.press("Control+z"))
    assert page.evaluate(value) == "0.4"
    ready.rendered(lambda: page.click("#redo"))
    assert page.evaluate(value) == "0.9"
    ready.rendered(lambda: page.get_by_label("Reset smooth skin").click())
    assert page.evaluate(value) == "0.4"
    ready.rendered(lambda: page.click("#reset"))
    assert page.locator("[role=switch][aria-checked=true]").count() == 0
    ready.rendered(lambda: page.click("#undo"))
    assert page.locator("[role=switch][aria-checked=true]").count() == 1


def test_what_an_effect_says_is_shown(ready: Studio) -> None:
    ready.switch("anonymize")
    assert ready.toasts() == 'There is no effect "anonymize".'


# -- looking -------------------------------------------------------------------------------


def test_before_and_after_are_parted_by_a_handle(ready: Studio) -> None:
    page = ready.page
    ready.rendered(lambda: ready.switch("whiten-teeth"))  # the fake one turns colours round
    assert page.locator("#before").is_hidden()
    page.click("#compare")
    box = page.locator("#sheet").bounding_box()
    across, down = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, down)
    page.mouse.down()
    page.mouse.move(across, down, steps=3)
    page.mouse.up()
    handle = page.locator("#handle")
    assert abs(int(handle.get_attribute("aria-valuenow")) - 25) <= 1
    left, right = (
        decoded(page.screenshot(clip={"x": x, "y": down + 60, "width": 4, "height": 4}))
        for x in (across - 40, across + 40)
    )
    at = [int((x - box["x"]) / box["width"] * 90) for x in (across - 38, across + 42)]
    before = decoded(photo())[int((down + 62 - box["y"]) / box["height"] * 120)]
    assert np.abs(left[2, 2, :2].astype(int) - before[at[0], :2]).max() <= 4
    assert np.abs(right[2, 2, :2].astype(int) - (255 - before[at[1], :2])).max() <= 4
    handle.press("ArrowRight")
    handle.press("PageUp")
    assert abs(int(handle.get_attribute("aria-valuenow")) - 37) <= 1
    handle.press("End")
    assert handle.get_attribute("aria-valuetext") == "100 % before"


def test_zoom_goes_to_the_face_and_back(ready: Studio) -> None:
    page = ready.page
    page.click("#to-face")
    assert page.locator("#sheet.is-zoomed").count() == 1
    assert page.locator("#to-face").get_attribute("aria-pressed") == "true"
    box = page.locator("#after").bounding_box()
    sheet = page.locator("#sheet").bounding_box()
    assert box["width"] > sheet["width"] * 1.1
    page.click("#to-face")
    assert page.locator("#after").bounding_box() == sheet


def test_all_of_it_works_by_keys_alone(fake_page: Studio) -> None:
    page = fake_page.page
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "choose"
        page.keyboard.press("Enter")
    chooser.value.set_files({"name": "me.png", "mimeType": "image/png", "buffer": photo()})
    fake_page.ready()
    go_to(page, "show-parts")
    page.keyboard.press("Space")
    assert len(colours(fake_page)) == 8
    go_to(page, "compare")
    page.keyboard.press("Enter")
    go_to(page, "handle", back=True)
    page.keyboard.press("ArrowLeft")
    assert page.locator("#handle").get_attribute("aria-valuenow") == "48"
    go_to(page, "", "document.activeElement.name === 'background'")
    fake_page.rendered(lambda: page.keyboard.press("ArrowRight"))
    assert list(fake_page.applied()[-1]) == ["blur-background"]
    go_to(page, "", "document.activeElement.closest('[data-effect=whiten-teeth]')")
    fake_page.rendered(lambda: page.keyboard.press("Space"))
    go_to(page, "", "document.activeElement.matches('[data-effect=whiten-teeth] input')")
    fake_page.rendered(lambda: page.keyboard.press("ArrowRight"))
    assert fake_page.applied()[-1]["whiten-teeth"] == {"amount": 0.61}
    go_to(page, "download")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "me-easyportrait.png"


def go_to(page: Any, name: str, reached: str = "", *, back: bool = False) -> None:
    """Press Tab until an element has the focus, and that shows."""
    reached = reached or f"document.activeElement.id === '{name}'"
    for _ in range(80):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if page.evaluate(f"Boolean({reached})"):
            return
    raise AssertionError(f"Tab does not lead to {name or reached}")


def test_nothing_is_remembered(ready: Studio) -> None:
    ready.rendered(lambda: ready.switch("whiten-teeth"))
    assert ready.page.evaluate(KEPT) == [0] * 6


# -- sizes, sight --------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
def test_it_fits_and_fingers_find_it(chromium: Any, fake_studio: str, size: dict[str, int]) -> None:
    is_phone = size == PHONE
    with watched(
        chromium, fake_studio, viewport=size, has_touch=is_phone, is_mobile=is_phone
    ) as one:
        page = one.open()
        fits = f"document.scrollingElement.scrollWidth <= {size['width']}"
        assert page.evaluate(fits) and page.evaluate(SMALL_TARGETS) == []
        one.give(photo(800, 600))
        one.ready()
        one.background("replace-background:colour")
        for name in ("eye-color", "tint-lips", "shape-light"):
            one.switch(name)
        page.click("#show-parts")
        assert page.evaluate(fits) and page.evaluate(SMALL_TARGETS) == []
        sheet = page.locator("#sheet").bounding_box()
        tools, panel = page.locator(".tools").bounding_box(), page.locator("#panel").bounding_box()
        assert sheet["height"] > size["height"] / 5 and sheet["y"] + sheet["height"] <= tools["y"]
        assert tools["y"] + tools["height"] <= size["height"]
        assert panel["y"] + panel["height"] <= size["height"] + 1
        if page.locator("#fold").is_visible():
            page.click("#fold")
            one.wait(f"sheet.getBoundingClientRect().height > 1.3 * {sheet['height']}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chromium: Any, fake_studio: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with watched(chromium, fake_studio, color_scheme=scheme) as one:
        page = one.open()
        assert violations(axe, page) == []
        one.give(photo())
        one.ready()
        one.background("replace-background:colour")
        for effect in TABLE["effects"]:
            if effect["name"] not in (*RIVALS, "anonymize"):
                one.switch(effect["name"])
        page.click("#show-parts")
        page.click("[data-class=skin]")
        page.click("#compare")
        one.give(b"no picture", "me.jpg")
        one.toasts()
        assert violations(axe, page) == []


def violations(axe: Any, page: Any) -> list[str]:
    found = axe.run(page).response["violations"]
    return [json.dumps({n["id"]: [x["html"] for x in n["nodes"]]}, indent=1) for n in found]


# -- where the net cannot run --------------------------------------------------------------


@pytest.fixture
def without_net(chromium: Any, fake_studio: str) -> Iterator[Studio]:
    with watched(chromium, fake_studio) as one:
        one.page.add_init_script("delete globalThis.WebAssembly")
        one.open()
        yield one


def test_without_webassembly_the_server_is_asked_only_if_the_person_agrees(
    without_net: Studio,
) -> None:
    page = without_net.page
    sent = lambda: [url for url in without_net.asked if url.startswith("POST")]  # noqa: E731
    nobody = encode(np.zeros((120, 90, 3), np.uint8), ".png")  # black is background
    for answer in ("Keep it here", "Send it"):
        without_net.give(nobody)
        page.wait_for_selector("#ask[open]")
        assert "cannot run the net: it has no WebAssembly" in page.inner_text("#ask-why")
        assert sent() == []
        page.get_by_role("button", name=answer).click()
    without_net.ready()
    assert page.inner_text("#privacy").startswith("Photos are sent to 127.0.0.1")
    without_net.rendered(lambda: without_net.background("replace-background:colour"))
    assert (without_net.pixels("after")[..., :3] == 255).all()
    assert decoded(without_net.downloaded()[1]).shape == (120, 90, 4)
    assert {url.split("/v1/")[1].split("?")[0] for url in sent()} == {"parse", "apply"}


def test_without_webassembly_and_server_it_is_said(without_net: Studio) -> None:
    without_net.page.route("**/healthz", lambda route: route.fulfill(status=404))
    without_net.give(photo())
    assert "This browser cannot run the net: it has no WebAssembly" in without_net.toasts()
    without_net.complaints.clear()  # the console tells of the 404
    assert without_net.page.locator("#ask").is_hidden()


# -- the camera ----------------------------------------------------------------------------


def test_without_a_camera_that_is_said(fake_page: Studio) -> None:
    fake_page.page.context.grant_permissions(["camera"])
    fake_page.page.click("#use-camera")
    assert "There is no camera" in fake_page.toasts()
    assert fake_page.page.locator("#empty").is_visible()


def test_a_photo_is_taken_and_worked_on(fake_studio: str) -> None:
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with launched(*fake) as browser, watched(browser, fake_studio) as one:
        page = one.open()
        page.click("#use-camera")
        one.wait("fps.textContent.endsWith('fps')")
        page.click("#shoot")
        one.ready()
        assert page.evaluate("video.srcObject") is None  # its light is off
        assert page.locator("#shutter").is_hidden()
        assert max(one.pixels("after").shape) >= 600
        before = one.pixels("after")
        page.click("#new-camera")
        one.wait("!shutter.hidden")
        assert page.locator("#download").is_disabled()
        page.click("#stop")
        one.ready()  # the photo is back
        np.testing.assert_array_equal(one.pixels("after"), before)
