"""What every effect promises. A new effect is tested by being in `EFFECTS`."""

import cv2
import numpy as np
import pytest

from easyportrait.effects import EFFECTS
from easyportrait.effects.chain import Chain
from easyportrait.effects.effect import Effect, Number
from easyportrait.errors import BadInput, BadKnob, ShapeMismatch
from easyportrait.faces import Box
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES, PORTRAIT_SEGMENTATION, Taxonomy
from tests.conftest import face_mask, one_hot, painted

every_effect = pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)


def parsed(
    mask: np.ndarray, image: np.ndarray | None = None, taxonomy: Taxonomy = CLASSES
) -> Parsing:
    """A parsing that says of each pixel just what the mask says."""
    if image is None:
        image = pictured(mask)
    height, width = mask.shape
    frame = Look(one_hot(mask)[: len(taxonomy)], 0, 0, width, height)
    ys, xs = np.nonzero((mask >= 2) & (mask != 255))
    boxes = (Box(xs.min(), ys.min(), xs.max() + 1, ys.max() + 1),) if len(xs) else ()
    return Parsing(image, frame, (), boxes, taxonomy, "test 0")


def pictured(mask: np.ndarray) -> np.ndarray:
    """A picture of the mask whose eyes look: brown irises, pupils red from a flash."""
    image = painted(mask, np.random.default_rng(7))
    for eye in (5, 6):
        _, labels, stats, centres = cv2.connectedComponentsWithStats((mask == eye).astype(np.uint8))
        for i in range(1, len(stats)):
            x, y = centres[i]
            far = np.hypot(*np.ogrid[-y : len(mask) - y - 0.5, -x : mask.shape[1] - x - 0.5])
            radius = 0.46 * stats[i, cv2.CC_STAT_HEIGHT]
            for size, colour in ((radius, (95, 62, 40)), (0.5 * radius, (185, 35, 35))):
                share = np.clip(size + 0.5 - far, 0, 1) * (labels == i)
                image = (image + share[..., None] * (colour - image.astype(float))).astype(np.uint8)
    return image


def two_faces() -> np.ndarray:
    """A large face on the left and a small one on the right."""
    mask = np.zeros((240, 400), np.uint8)
    mask[:, :240] = face_mask(240, 240)
    mask[60:180, 270:390] = face_mask(120, 120)
    return mask


def one_face() -> np.ndarray:
    """A face with room around it."""
    mask = np.zeros((320, 320), np.uint8)
    mask[80:240, 80:240] = face_mask()
    return mask


@every_effect
def test_it_leaves_its_input_alone_and_answers_its_size(effect: Effect) -> None:
    parsing = parsed(two_faces())
    before = parsing.image.copy()
    out = effect(parsing.image, parsing)
    assert (parsing.image == before).all()
    assert out.dtype == np.uint8 and out.shape[:2] == before.shape[:2]
    assert out.shape[2] in (3, 4) and not np.shares_memory(out, parsing.image)


@every_effect
def test_it_does_something_and_the_same_again(effect: Effect) -> None:
    parsing = parsed(two_faces())
    out = effect(parsing.image, parsing)
    assert out.shape[2] == 4 or (out != parsing.image).any()
    assert (effect(parsing.image, parsing) == out).all()


@every_effect
def test_amount_0_changes_nothing(effect: Effect) -> None:
    if not any(isinstance(knob, Number) and knob.name == "amount" for knob in effect.knobs):
        pytest.skip(f"{effect.name} has no amount")
    parsing = parsed(two_faces())
    assert (effect(parsing.image, parsing, amount=0) == parsing.image).all()


@every_effect
def test_without_its_classes_nothing_changes(effect: Effect) -> None:
    if effect.reach is None:
        pytest.skip(f"{effect.name} works on the background")
    empty = parsed(np.zeros((60, 90), np.uint8))
    assert (effect(empty.image, empty) == empty.image).all()


@every_effect
def test_it_reaches_no_further_than_it_says(effect: Effect) -> None:
    if effect.reach is None:
        pytest.skip(f"{effect.name} works on the background")
    mask = one_face()
    parsing = parsed(mask)
    needed = np.isin(mask, [CLASSES.index(name) for name in effect.needs])
    far = np.ones(mask.shape, bool)
    ys, xs = np.nonzero(needed)
    more = 2 + round(effect.reach * max(mask.shape))
    far[max(0, ys.min() - more) : ys.max() + more, max(0, xs.min() - more) : xs.max() + more] = (
        False
    )
    out = effect(parsing.image, parsing)
    assert (out[far] == parsing.image[far]).all()


@every_effect
def test_each_face_is_done_as_if_it_were_alone(effect: Effect) -> None:
    if effect.reach is None:
        pytest.skip(f"{effect.name} works on the background")
    both = two_faces()
    image = pictured(both)
    alone = both.copy()
    alone[:, 255:] = 0
    out = effect(image, parsed(both, image))
    assert (out[:, :240] == effect(image, parsed(alone, image))[:, :240]).all()


@every_effect
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3, 2), (701, 33)])
def test_any_size_will_do(effect: Effect, size: tuple[int, int]) -> None:
    classes = np.arange(9, dtype=np.uint8).repeat(1 + max(size) // 10)
    mask = np.resize(classes, size)
    parsing = parsed(mask, painted(mask, np.random.default_rng(7)))
    assert effect(parsing.image, parsing).shape[:2] == size


@every_effect
def test_every_knob_at_either_end_gives_a_picture(effect: Effect) -> None:
    parsing = parsed(one_face())
    for knob in effect.knobs:
        ends: tuple[object, ...] = (knob.default,)
        if isinstance(knob, Number):
            assert knob.low <= knob.default <= knob.high
            ends = knob.low, knob.high
        for value in ends:
            assert effect(parsing.image, parsing, **{knob.name: value}).dtype == np.uint8


@every_effect
def test_a_wrong_value_is_refused_by_name(effect: Effect) -> None:
    parsing = parsed(one_face())
    for knob in effect.knobs:
        for wrong in ("no such thing", -1e9, float("nan"), None, [1, 2], True):
            with pytest.raises(BadKnob, match=rf"{effect.name}: {knob.name} takes "):
                effect(parsing.image, parsing, **{knob.name: wrong})
    with pytest.raises(BadKnob, match=rf"{effect.name} has no knob 'volume'"):
        effect(parsing.image, parsing, volume=11)


@every_effect
def test_another_picture_is_refused(effect: Effect) -> None:
    parsing = parsed(one_face())
    with pytest.raises(ShapeMismatch, match=effect.name):
        effect(parsing.image[1:], parsing)


@every_effect
def test_a_model_without_its_classes_is_refused(effect: Effect) -> None:
    if "person" in effect.needs:
        pytest.skip(f"{effect.name} needs no more than a person")
    parsing = parsed((one_face() > 0).astype(np.uint8), taxonomy=PORTRAIT_SEGMENTATION)
    with pytest.raises(BadInput, match=f"{effect.name} needs a model that knows "):
        effect(parsing.image, parsing)


def test_all_together_run_in_the_order_of_the_table() -> None:
    wishes = {name: True for name in reversed(EFFECTS) if "background" not in name}
    assert [step.effect.name for step in Chain.of(wishes).steps] == list(
        name for name in EFFECTS if "background" not in name
    )
    parsing = parsed(one_face())
    assert Chain.of(wishes)(parsing).shape == parsing.image.shape
