"""Where a pixel goes on its way into the net, and where its answer comes back to."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from easyportrait.image.crop import cut
from easyportrait.image.letterbox import PAD, Letterbox
from easyportrait.models.parser import Parser
from easyportrait.models.session import FakeSession, fake_card
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES, FACE_PARSING, Taxonomy

steady = settings.get_profile("steady")
few = settings(steady, max_examples=30)

SIZES = st.integers(1, 90)
SEEDS = st.integers(0, 9999)


def noise(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def scores(seed: int, classes: int, height: int, width: int) -> np.ndarray:
    raw = np.random.default_rng(seed).random((classes, height, width)) ** 4 + 1e-3
    return (raw / raw.sum(0)).astype(np.float32)


@few
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from([8, 16, 32]))
def test_what_the_net_sees_of_a_pixel_comes_back_to_it(
    height: int, width: int, multiple: int
) -> None:
    """There by the letterbox, back by the look that the parser makes of it."""
    side = 96
    card = fake_card(frame_side=side, face_side=0)
    card = replace(card, multiple=multiple)
    parser = Parser(FakeSession(lambda batch: whole(batch), card))
    look = parser.parse(np.zeros((height, width, 3), np.uint8), looks=1).frame
    box = Letterbox.fit(height, width, side=side, multiple=multiple)
    for axis, size, start, length in (
        (0, height, box.top, box.height),
        (1, width, box.left, box.width),
    ):
        there = start + (np.arange(size) + 0.5) * length / size  # in the canvas
        assert (there > start).all() and (there < start + length).all()
        cells = look.probs.shape[1 + axis]
        grid = np.clip(there - 0.5, 0, cells - 1)
        assert look.positions(axis, 0, size) == pytest.approx(grid, abs=1e-6)


def whole(batch: np.ndarray) -> np.ndarray:
    """A net that answers at its input's own size: background."""
    answer = np.zeros((len(batch), 9, *batch.shape[2:]), np.float32)
    answer[:, 0] = 1
    return answer


@few
@given(SEEDS, SIZES, SIZES, st.sampled_from([None, 8, 32]))
def test_a_mirrored_picture_lies_mirrored_in_the_letterbox(
    seed: int, height: int, width: int, multiple: int | None
) -> None:
    image = noise(seed, height, width)
    box = Letterbox.fit(height, width, side=48, multiple=multiple)
    canvas = box.apply(image)
    assert canvas.shape == (box.canvas_height, box.canvas_width, 3)
    mirrored = box.apply(np.ascontiguousarray(image[:, ::-1]))[box.window][:, ::-1]
    assert (np.abs(canvas[box.window].astype(int) - mirrored) <= 2).all()
    outside = np.ones(canvas.shape[:2], bool)
    outside[box.window] = False
    assert (canvas[outside] == PAD).all()


@few
@given(SEEDS, SIZES, SIZES, st.integers(-120, 120), st.integers(-120, 120), SIZES, SIZES)
def test_a_crop_at_its_own_size_is_the_picture_with_grey_around(
    seed: int, height: int, width: int, left: int, top: int, across: int, down: int
) -> None:
    image = noise(seed, height, width)
    grey = np.full((height + 400, width + 400, 3), PAD, np.uint8)
    grey[200 : 200 + height, 200 : 200 + width] = image
    wanted = grey[200 + top : 200 + top + down, 200 + left : 200 + left + across]
    assert np.array_equal(cut(image, left, top, across, down, across, down), wanted)


@few
@given(
    SEEDS, SIZES, SIZES, st.integers(-200, 200), st.integers(-200, 200),
    st.integers(1, 400), st.integers(1, 400), st.integers(1, 40), st.integers(1, 40),
)  # fmt: skip
def test_a_crop_has_the_size_that_was_asked_for_and_invents_no_colour(
    seed: int, height: int, width: int, left: int, top: int,
    wide: int, high: int, across: int, down: int,
) -> None:  # fmt: skip
    image = noise(seed, height, width) // 4 + 160  # PAD is not among these
    before = image.copy()
    crop = cut(image, left, top, wide, high, across, down)
    assert crop.shape == (down, across, 3) and np.array_equal(image, before)
    inside = (crop != PAD).any(2)
    meets = left < width and left + wide > 0 and top < height and top + high > 0
    assert inside.any() == meets
    assert (crop[inside] >= 160).all() and (crop[inside] <= 223).all()


@steady
@given(
    st.integers(1, 40), st.integers(1, 300), st.floats(-300, 300), st.floats(0.5, 600),
    st.integers(2, 5),
)  # fmt: skip
def test_positions_grow_stay_on_the_grid_and_scale_with_the_picture(
    cells: int, pixels: int, left: float, width: float, times: int
) -> None:
    look = Look(np.zeros((1, 3, cells), np.float32), left, 0, width, 10)
    at = look.positions(1, 0, pixels)
    assert (np.diff(at) >= 0).all() and (at >= 0).all() and (at <= cells - 1).all()
    axis = look.across(1, 0, pixels)
    assert (axis.low <= axis.high).all() and (axis.share >= 0).all() and (axis.share <= 1).all()
    finer = look.scaled(1, times).positions(1, 0, pixels * times).reshape(pixels, times)
    free = (finer.min(1) > 0) & (finer.max(1) < cells - 1)  # of the border
    assert finer.mean(1)[free] == pytest.approx(at[free], abs=1e-6)


@settings(few, max_examples=12)
@given(SEEDS, st.integers(8, 70), st.integers(8, 70), st.sampled_from([CLASSES, FACE_PARSING]))
def test_the_parsing_of_a_mirrored_picture_is_the_mirrored_parsing(
    seed: int, height: int, width: int, taxonomy: Taxonomy
) -> None:
    """Twins change places, and come back when it is mirrored once more."""
    rng = np.random.default_rng(seed)
    side = float(rng.uniform(5, 60))
    frame = Look(scores(seed, len(taxonomy), 6, 9), 0, 0, width, height)
    left, top = rng.uniform(-20, width), rng.uniform(-20, height)
    face = Look(scores(seed + 1, len(taxonomy), 11, 11), left, top, side, side, 0.1, 0.7)
    image = noise(seed, height, width)
    once = Parsing(image, frame, (face,), (), taxonomy, "test 0")
    turned = mirrored(once)
    for label in taxonomy.labels:
        there = once.region(label.mirror or label.name)
        assert turned.region(label.name) == pytest.approx(there[:, ::-1], abs=1e-4)
    back = mirrored(turned)
    assert np.array_equal(back.frame.probs, frame.probs)
    assert back.labels.shape == once.labels.shape
    best = np.stack([once.region(name) for name in taxonomy.names])
    best.sort(0)
    sure = best[-1] - best[-2] > 1e-3
    assert np.array_equal(taxonomy.flip(turned.labels)[sure], once.labels[sure])


def mirrored(parsing: Parsing) -> Parsing:
    def turned(look: Look) -> Look:
        probs = parsing.taxonomy.flip_channels(look.probs)
        return replace(look, probs=probs, left=parsing.size[1] - look.left - look.width)

    return replace(
        parsing,
        image=np.ascontiguousarray(parsing.image[:, ::-1]),
        frame=turned(parsing.frame),
        face_looks=tuple(map(turned, parsing.face_looks)),
    )
