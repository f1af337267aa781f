"""The page's engine answers what Python answers."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
import pytest

from easyportrait.assets import demo_image
from easyportrait.core import load
from easyportrait.image.crop import cut
from easyportrait.image.letterbox import Letterbox
from easyportrait.models.parser import Parser, normalised, square_around
from easyportrait.models.session import FakeSession, fake_card
from easyportrait.parsing import Look, Parsing, Window
from easyportrait.serve.studio import described
from easyportrait.taxonomy import CLASSES
from tests.conftest import BLOCK, by_colour, face_mask

from .node import needs_node, picture, run

pytestmark = needs_node

Image = np.ndarray


def crowd() -> Image:
    """Three faces, one mirrored and one smaller."""
    one = demo_image()[:400, 60:400]
    small = cv2.resize(one, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    scene = np.full((420, 900, 3), 90, np.uint8)
    scene[:400, :340], scene[:400, 340:680], scene[60:300, 690:894] = one, one[:, ::-1], small
    return scene


PICTURES: dict[str, Callable[[], Image]] = {
    "portrait": lambda: np.ascontiguousarray(demo_image()[:, 120:330]),
    "landscape": lambda: cv2.resize(demo_image()[60:300], (900, 420)),
    "crowd": crowd,
    "tiny": lambda: cv2.resize(demo_image(), (24, 24), interpolation=cv2.INTER_AREA),
    "pixel": lambda: demo_image()[:1, :1],
    "empty": lambda: np.full((90, 160, 3), 127, np.uint8),
}


def look(one: Look) -> dict[str, Any]:
    _, rows, columns = one.probs.shape
    place = {name: getattr(one, name) for name in ("left", "top", "width", "height")}
    more = {"rows": rows, "columns": columns, "fade": one.fade, "weight": one.weight}
    return {"probs": one.probs, **place, **more}


def told(parsing: Parsing) -> dict[str, Any]:
    """What `parsingFrom` takes."""
    return {
        "image": picture(parsing.image),
        "model": parsing.model,
        "classes": list(parsing.taxonomy.names),
        "frame": look(parsing.frame),
        "faceLooks": [look(one) for one in parsing.face_looks],
        "faceBoxes": [asdict(box) for box in parsing.face_boxes],
    }


def boxes(windows: list[Window]) -> list[dict[str, int]]:
    return [
        {"top": rows.start, "left": columns.start, "bottom": rows.stop, "right": columns.stop}
        for rows, columns in windows
    ]


def faces(parsing: Parsing) -> list[dict[str, Any]]:
    return [
        asdict(face) | {"parts": {n: asdict(p) for n, p in face.parts.items()}}
        for face in parsing.faces
    ]


def flat(value: Any) -> Any:
    """Nested values as one list, for `pytest.approx`."""
    if isinstance(value, dict):
        return [x for key in sorted(value) for x in (key, *flat(value[key]))]
    if isinstance(value, (list, tuple)):
        return [x for one in value for x in flat(one)]
    return [value]


def assert_near(got: Any, expected: Any, far: float) -> None:
    for one, other in zip(flat(got), flat(expected), strict=True):
        if isinstance(other, float):
            assert one == pytest.approx(other, abs=far)
        else:
            assert one == other


# -- a parsing -----------------------------------------------------------------------------

ASKED = """
const { parsingFrom } = await load("engine/parsing.js");
const parsing = parsingFrom(given);
const windows = parsing.windows(["lips", "teeth"], { margin: 0.2 });
return {
  labels: parsing.labels,
  region: parsing.region(["skin", "lips"]),
  windows,
  wide: parsing.windows(parsing.classes.slice(1), { above: 0.3 }),
  parts: windows.map((window) => parsing.region(["skin", "lips"], window)),
  person: parsing.person,
  faces: parsing.faces,
};
"""


@pytest.mark.parametrize("looks", [1, 2])
@pytest.mark.parametrize("name", PICTURES)
def test_a_parsing_answers_as_in_python(name: str, looks: int) -> None:
    parsing = load("embedded").parse(PICTURES[name](), looks=looks)
    got = run(ASKED, told(parsing))
    size = parsing.size
    assert (got["labels"].reshape(size) == parsing.labels).mean() > 0.9999
    region = parsing.region("skin", "lips")
    np.testing.assert_allclose(got["region"].reshape(size), region, atol=1e-5)
    windows = parsing.windows("lips", "teeth", margin=0.2)
    assert sorted(map(flat, got["windows"])) == sorted(map(flat, boxes(windows)))
    wide = parsing.windows(*CLASSES.names[1:], above=0.3)
    assert sorted(map(flat, got["wide"])) == sorted(map(flat, boxes(wide)))
    for place, part in zip(got["windows"], got["parts"], strict=True):
        rows, columns = slice(place["top"], place["bottom"]), slice(place["left"], place["right"])
        np.testing.assert_allclose(part, region[rows, columns].ravel(), atol=1e-5)
    assert_near(got["faces"], faces(parsing), 0.01)
    # the guided filter's sums of floats differ in their last digits
    far = np.abs(got["person"].reshape(size) - parsing.person)
    assert far.max() < 0.02 and far.mean() < 1e-4


def test_an_empty_scene_has_an_empty_person() -> None:
    parsing = load("embedded").parse(PICTURES["empty"]())
    got = run(ASKED, told(parsing))
    assert not got["person"].any() and got["faces"] == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("parsing.region([])", "name at least one class of background, person"),
        ("parsing.windows(['nose'])", 'there is no class "nose"; there are background'),
        ("parsingFrom({...given, classes: ['background']})", "are not 1 x"),
        (
            "parsingFrom({...given, classes: given.classes.with(1, 'hat')}).person",
            "parses faces only (background, hat, skin",
        ),
    ],
)
def test_what_cannot_be_asked_is_said(code: str, message: str) -> None:
    given = told(load("embedded").parse(PICTURES["empty"](), looks=1))
    asked = f"""
      const {{ parsingFrom }} = await load("engine/parsing.js");
      const {{ BadInput }} = await load("engine/errors.js");
      const parsing = parsingFrom(given);
      try {{ {code}; }} catch (error) {{ return [error instanceof BadInput, error.message]; }}
    """
    is_ours, said = run(asked, given)
    assert is_ours and message in said


# -- from a picture to a parsing -----------------------------------------------------------

BY_COLOUR = """
const { parse } = await load("engine/parser.js");
const { palette, block, card, images, looks } = given;
const nearest = (r, g, b) => {
  const far = palette.map(([x, y, z]) => (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2);
  return far.indexOf(Math.min(...far));
};
const sizes = [];
const run = async (values, height, width) => {
  sizes.push([height, width]);
  const [rows, columns, pixels] = [height / block, width / block, height * width];
  const probs = new Float32Array(palette.length * rows * columns);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const at = (y * block + block / 2) * width + x * block + block / 2;
      const rgb = [0, 1, 2].map((channel) => values[channel * pixels + at]);
      probs[(nearest(...rgb) * rows + y) * columns + x] = 1;
    }
  }
  return probs;
};
const out = [];
for (const image of images) {
  const parsing = await parse({ card, run }, image, { looks });
  const { labels, faceBoxes, faceLooks, model } = parsing;
  out.push({ labels, boxes: faceBoxes, looks: faceLooks.length, model });
}
return [out, sizes];
"""


def scene(*centres: tuple[int, int], size: tuple[int, int] = (300, 420)) -> Image:
    mask = np.zeros(size, np.uint8)
    drawn = face_mask(150, 120)
    for y, x in centres:
        window = mask[y : y + 150, x : x + 120]
        window[:] = np.maximum(window, drawn[: window.shape[0], : window.shape[1]])
    return CLASSES.palette[mask]


@pytest.mark.parametrize("looks", [1, 2])
def test_a_picture_is_parsed_as_in_python(looks: int) -> None:
    """With a net that knows classes by their colours: letterbox, faces, second looks, all."""
    images = [
        scene((70, 30), (100, 250)),
        scene((150, 20), size=(400, 160)),
        scene(),
        scene()[:3, :2],
    ]
    parser = Parser(FakeSession(by_colour, fake_card(frame_side=256, face_side=512)))
    given = {
        "palette": CLASSES.palette[:9].tolist(),
        "block": BLOCK,
        "card": asdict(parser.card),
        "images": [picture(image) for image in images],
        "looks": looks,
    }
    answers, sizes = run(BY_COLOUR, given)
    for image, got in zip(images, answers, strict=True):
        expected = parser.parse(image, looks=looks)
        assert (got["labels"] == expected.labels.ravel()).mean() > 0.995
        assert_near(got["boxes"], [asdict(box) for box in expected.face_boxes], 1e-6)
        assert got["looks"] == len(expected.face_looks) and got["model"] == "fake 0"
    assert [one["looks"] for one in answers] == [looks * n - n for n in (2, 1, 0, 0)]
    assert [512, 512] in sizes or looks == 1


def test_pictures_are_scaled_and_cut_as_in_python() -> None:
    rng = np.random.default_rng(0)
    sizes = [(512, 512), (300, 470), (1, 700), (90, 160), (1000, 1500), (639, 641), (2, 2)]
    images = [cv2.resize(demo_image(), (width, height)) for height, width in sizes]
    squares = [
        [int(rng.integers(-s, w)), int(rng.integers(-s, h)), s]
        for (h, w), s in zip(sizes, rng.integers(16, 900, len(sizes)).tolist(), strict=True)
    ]
    code = """
      const { Letterbox } = await load("engine/letterbox.js");
      const { cut } = await load("engine/resize.js");
      return given.images.map((image, i) => {
        const [left, top, side] = given.squares[i];
        const box = Letterbox.fit(image.height, image.width, { side: 640, multiple: 32 });
        const part = cut(image, left, top, side, side, 256, 256);
        return { box, canvas: box.apply(image).data, cut: part.data };
      });
    """
    answers = run(code, {"images": [picture(image) for image in images], "squares": squares})
    for image, (left, top, side), got in zip(images, squares, answers, strict=True):
        box = Letterbox.fit(*image.shape[:2], side=640, multiple=32)
        canvas = box.apply(image)
        assert [got["box"][name] for name in ("top", "left", "height", "width")] == [
            *(box.top, box.left, box.height, box.width)
        ]
        for data, expected in (
            (got["canvas"], canvas),
            (got["cut"], cut(image, left, top, side, side, 256, 256)),
        ):
            far = np.abs(data.reshape(*expected.shape[:2], 4)[..., :3].astype(int) - expected)
            assert far.max() <= 1 and (far > 0).mean() < 0.15  # OpenCV's weights have 11 bits


def test_values_and_squares_are_those_of_python() -> None:
    card = load("embedded").card
    boxes = [box for box in load("embedded").parse(crowd(), looks=1).face_boxes]
    image = demo_image()[:64, :96]
    code = """
      const { normalised, squareAround } = await load("engine/parser.js");
      const values = normalised(given.image, given.card);
      return { values, squares: given.boxes.map(squareAround) };
    """
    given = {"image": picture(image), "card": described(card), "boxes": [asdict(b) for b in boxes]}
    got = run(code, given)
    np.testing.assert_allclose(got["values"], normalised(image, card).ravel(), atol=1e-6)
    assert len(boxes) == 3
    assert got["squares"] == [
        dict(zip(("left", "top", "side"), square_around(box), strict=True)) for box in boxes
    ]


@pytest.mark.parametrize(
    ("image", "looks", "message"),
    [
        ([0, 5, 0], 2, "the picture has no pixels"),
        ([2, 2, 8], 2, "8 bytes are no picture of 2 × 2 pixels"),
        ([9000, 6000, 0], 2, "9000 × 6000 is 54 megapixels, more than the 50"),
        ([1, 1, 4], 3, "looks is 1 or 2, not 3"),
        ([1, 1, 4], 2, "fake answered 7 values, not 9 for each cell"),
    ],
)
def test_what_cannot_be_parsed_is_said(image: list[int], looks: int, message: str) -> None:
    code = """
      const { parse } = await load("engine/parser.js");
      const { EasyPortraitError } = await load("engine/errors.js");
      const { card, image: [width, height, bytes], looks } = given;
      const net = { card, run: async () => new Float32Array(7) };
      try {
        await parse(net, { width, height, data: new Uint8ClampedArray(bytes) }, { looks });
      } catch (error) {
        return [error instanceof EasyPortraitError, error.message];
      }
    """
    is_ours, said = run(code, {"card": asdict(fake_card()), "image": image, "looks": looks})
    assert is_ours and message in said


# -- its parts -----------------------------------------------------------------------------


def test_pieces_of_a_mask_are_those_of_opencv() -> None:
    rng = np.random.default_rng(1)
    sizes = [(1, 1, 1), (1, 40, 0.5), (30, 1, 0.5), (37, 51, 0.3), (64, 64, 0.45), (20, 20, 0)]
    masks = [(rng.random((h, w)) < full).astype(np.uint8) for h, w, full in sizes]
    code = """
      const { closed, components } = await load("engine/components.js");
      return given.map(({ mask, width, height }) => ({
        ...components(mask, width, height),
        closed: [3, 5].map((side) => closed(mask, width, height, side)),
      }));
    """
    given = [{"mask": m, "width": m.shape[1], "height": m.shape[0]} for m in masks]
    for mask, got in zip(masks, run(code, given), strict=True):
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask)
        assert got["count"] == count
        pairs = {*zip(got["pieces"].tolist(), pieces.ravel().tolist(), strict=True)}
        names = dict(pairs)
        assert len(pairs) == len(names) and names.get(0, 0) == 0  # the same, but for numbers
        for mine, theirs in pairs - {(0, 0)}:
            assert [*got["stats"][mine].values()] == stats[theirs].tolist()
        for side, closed in zip((3, 5), got["closed"], strict=True):
            kernel = np.ones((side, side), np.uint8)
            expected = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
            np.testing.assert_array_equal(closed.reshape(mask.shape), expected)


def test_halves_are_rounded_as_in_python() -> None:
    values = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999, 2.5001, -0.2, 7.0]
    code = (
        "const { round } = await load('engine/numbers.js'); return given.map((x) => round(x) + 0)"
    )
    assert run(code, values) == [round(value) for value in values]


def test_a_smaller_picture_has_the_same_answers() -> None:
    """What a preview shows is what the whole picture will be."""
    parsing = load("embedded").parse(demo_image())
    code = """
      const { parsingFrom } = await load("engine/parsing.js");
      const { Still } = await load("engine/still.js");
      const still = new Still(parsingFrom(given));
      const small = still.at(128);
      return {
        size: [small.width, small.height, small.image.data.length],
        labels: small.labels,
        faces: small.faces,
        isKept: still.at(128) === small,
        isWhole: still.at(512) === still.parsing && still.at() === still.parsing,
      };
    """
    got = run(code, told(parsing))
    assert got["size"] == [128, 128, 4 * 128 * 128] and got["isKept"] and got["isWhole"]
    fewer = parsing.labels[2::4, 2::4].ravel()
    assert (got["labels"] == fewer).mean() > 0.98
    (box,), (whole,) = [face["box"] for face in got["faces"]], [f.box for f in parsing.faces]
    assert_near(box, {name: x / 4 for name, x in asdict(whole).items()}, 0.01)


def test_a_camera_is_looked_at_as_finely_as_there_is_time() -> None:
    code = """
      const { Pace } = await load("engine/pace.js");
      const pace = new Pace();
      return given.map((ms) => { pace.took(ms); return pace.share; });
    """
    slow, right, quick = [500] * 12, [100] * 4, [20] * 12
    shares = run(code, [*slow, *right, *quick])
    assert shares[11] == min(shares) == 0.6 and shares[-1] == 1
    assert set(shares[11:16]) == {shares[11]} and shares[0] == shares[1]  # one slow frame is none


def test_a_lack_of_memory_is_told_from_other_faults() -> None:
    code = """
      const { isOutOfMemory } = await load("engine/net.js");
      const caught = (work) => { try { work(); } catch (error) { return isOutOfMemory(error); } };
      return [
        caught(() => new ArrayBuffer(2 ** 46)),
        isOutOfMemory(new Error("failed to call OrtRun(). ERROR_MESSAGE: std::bad_alloc")),
        isOutOfMemory(new RangeError("WebAssembly.Memory(): could not allocate memory")),
        caught(() => null.length),
      ];
    """
    array, net, wasm, fault = run(code)
    assert array and net and wasm and not fault
