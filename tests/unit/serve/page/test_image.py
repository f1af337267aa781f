"""The page's routines on pictures answer what OpenCV's and image/*.py answer."""

from typing import Any

import cv2
import numpy as np
import pytest

from easyportrait.image import colour, matte
from tests.unit.effects import scenes

from .node import needs_node, picture, run

pytestmark = needs_node

rng = np.random.default_rng(3)
VALUES = cv2.GaussianBlur(rng.uniform(0, 1, (61, 94)).astype(np.float32), (0, 0), 1)
VALUES[20:40, 30:60] += 1
MASK = (rng.uniform(0, 1, (40, 57)) > 0.97).astype(np.uint8)
BORDERS = {
    "reflect101": cv2.BORDER_REFLECT_101,
    "reflect": cv2.BORDER_REFLECT,
    "replicate": cv2.BORDER_REPLICATE,
    "constant": cv2.BORDER_CONSTANT,
}
WAYS = {
    "area": cv2.INTER_AREA,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "nearest": cv2.INTER_NEAREST,
}


def plane(values: np.ndarray) -> dict[str, Any]:
    return {"data": values.astype(np.float32), "width": values.shape[1], "height": values.shape[0]}


def called(values: np.ndarray, *calls: tuple[Any, ...]) -> list[np.ndarray]:
    """What functions of engine/image.js make of a plane: of each its name and what it takes."""
    code = """
    const image = await load("engine/image.js");
    return given.calls.map(([name, ...more]) => image[name](given.values, ...more));
    """
    answers = run(code, {"values": plane(values), "calls": calls})
    return [out["data"].reshape(out["height"], out["width"]) for out in answers]


def test_box() -> None:
    cases = [(size, border) for size in (1, 4, 9, 41) for border in BORDERS]
    answers = called(VALUES, *(("boxBlur", *case) for case in cases))
    for (size, border), page in zip(cases, answers, strict=True):
        wanted = cv2.blur(VALUES, (size, size), borderType=BORDERS[border])
        assert np.abs(page - wanted).max() < 1e-5, (size, border)


def test_gaussian() -> None:
    sigmas, borders = (0.3, 2.4, 7.9, 8, 15, 40), ("reflect101", "replicate")
    cases = [(sigma, border) for sigma in sigmas for border in borders]
    answers = called(VALUES, *(("gaussianBlur", *case) for case in cases))
    for (sigma, border), page in zip(cases, answers, strict=True):
        off = page - cv2.GaussianBlur(VALUES, (0, 0), sigma, borderType=BORDERS[border])
        most = 1e-5 if sigma < 8 else 3e-3  # of values from 0 to 2: wide ones are made on blocks
        assert np.abs(off).max() < most, (sigma, border)


def test_resize() -> None:
    sizes = [(94, 61), (31, 20), (40, 47), (120, 61), (188, 150), (1, 1)]
    cases = [(*size, how) for size in sizes for how in WAYS]
    answers = called(VALUES, *(("resized", *case) for case in cases))
    for (width, height, how), page in zip(cases, answers, strict=True):
        wanted = cv2.resize(VALUES, (width, height), interpolation=WAYS[how])
        assert np.abs(page - wanted).max() < 1e-5, (width, height, how)


def test_dilate_erode_and_distances() -> None:
    disc, square = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)), np.ones((5, 5), np.uint8)
    high, low = called(VALUES, ("dilateSquare", 5), ("erodeSquare", 5))
    assert (high == cv2.dilate(VALUES, square)).all() and (low == cv2.erode(VALUES, square)).all()
    wide, far = called(MASK, ("dilateDisc", 4), ("distances",))
    assert (wide == cv2.dilate(MASK, disc)).all()
    assert np.abs(far - cv2.distanceTransform(1 - MASK, cv2.DIST_L2, 5)).max() < 1e-3


def test_blocks() -> None:
    sides = (1, 2, 3, 7)
    for k, page in zip(sides, called(VALUES, *(("shrink", k) for k in sides)), strict=True):
        assert np.abs(page - matte.shrink(VALUES, k)).max() < 1e-5


def test_growing_under_a_roof_fills_what_it_touches() -> None:
    roof = np.zeros((5, 7))
    roof[1:4, 1:3], roof[2, 5] = 2, 3
    start = np.zeros_like(roof)
    start[1, 1] = 1
    wanted = np.zeros_like(roof)
    wanted[1:4, 1:3] = 1
    grown = "const image = await load('engine/image.js'); return image.grownUnder(...given)"
    assert (run(grown, [plane(start), plane(roof)])["data"].reshape(5, 7) == wanted).all()


def test_lab_there_and_back() -> None:
    image = rng.integers(0, 256, (50, 60, 3)).astype(np.uint8)
    image[:10] //= 8
    code = """
    const { toLab, fromLab, addLab } = await load("engine/colour.js");
    const lab = toLab(given.image);
    const still = lab.map((one) => ({ ...one, data: new Float32Array(one.data.length) }));
    return [lab.map(({ data }) => data), fromLab(lab).data, addLab(given.image, lab, still).data];
    """
    lab, back, still = run(code, {"image": picture(image)})
    lab = np.stack(lab, -1).reshape(image.shape)
    assert np.abs(lab - colour.to_lab(image)).max() < 0.6, "OpenCV looks it up in a coarse table"
    assert np.abs(back.reshape(50, 60, 4)[..., :3].astype(int) - image).max() <= 1
    assert (still.reshape(50, 60, 4)[..., :3] == image).all()


def test_light_there_and_back() -> None:
    code = """
    const { TO_LINEAR, fromLinear } = await load("engine/colour.js");
    return [TO_LINEAR, Array.from(TO_LINEAR, fromLinear), [-1, 0, 1, 2].map(fromLinear)];
    """
    linear, back, cut = run(code)
    levels = np.arange(256, dtype=np.uint8)
    assert np.abs(linear - colour.to_linear(levels)).max() < 1e-7
    assert back == levels.tolist() and cut == [0, 0, 255, 255]


@pytest.mark.parametrize("cell", [2, 8, 20])
def test_refine_and_cut_out(cell: int) -> None:
    image, alpha = scenes.hairy(np.array([30, 200, 60]), 150)
    coarse = cv2.resize(alpha, (150 // cell,) * 2, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(coarse, (150, 150), interpolation=cv2.INTER_LINEAR)
    code = """
    const { refine, cutOut, step } = await load("engine/matte.js");
    const alpha = refine(given.image, given.coarse, given.cell);
    return [step(150, 150, given.cell), alpha, cutOut(given.image, given.alpha).data];
    """
    ours = matte.refine(image, coarse, cell)
    given = {"image": picture(image), "coarse": plane(coarse), "cell": cell, "alpha": ours.ravel()}
    step, page, cut = run(code, given)
    assert step == matte.step(150, 150, cell)
    assert np.abs(page.reshape(150, 150) - ours).max() < 0.01
    wanted = matte.cut_out(image, ours).astype(int)
    assert np.abs(cut.reshape(150, 150, 4) - wanted).max() <= 1


def test_nobody_there_is_nobody() -> None:
    code = """
    const { refine } = await load("engine/matte.js");
    return refine(given.image, given.coarse, 4);
    """
    image = rng.integers(0, 256, (30, 40, 3)).astype(np.uint8)
    given = {"image": picture(image), "coarse": plane(np.full((30, 40), 0.3))}
    assert not run(code, given).any()
