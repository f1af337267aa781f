import numpy as np
import pytest

from easyportrait.evaluate.flicker import flicker
from easyportrait.parsing import Look, Parsing
from easyportrait.taxonomy import CLASSES
from easyportrait.video.steady import Steady, best_way, luma, still_picture
from tests.conftest import face_mask, painted

HEIGHT, WIDTH = 96, 128
CELLS = 32


def picture(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask's picture with the grain of a camera."""
    colours = np.random.default_rng(1).integers(40, 220, (9, 3)).astype(np.float32)
    return np.clip(colours[mask] + rng.normal(0, 3, (*mask.shape, 3)), 0, 255).astype(np.uint8)


def answer(mask: np.ndarray, rng: np.random.Generator, noise: float) -> np.ndarray:
    """Probabilities of a net that changes its mind with every frame."""
    small = mask[:: HEIGHT // CELLS, :: WIDTH // CELLS]
    logits = 2.0 * (np.arange(9)[:, None, None] == small) + rng.normal(0, noise, (9, CELLS, CELLS))
    e = np.exp(logits)
    return (e / e.sum(0)).astype(np.float32)


def parsed(mask: np.ndarray, rng: np.random.Generator, noise: float = 0.6) -> Parsing:
    look = Look(answer(mask, rng, noise), 0, 0, WIDTH, HEIGHT)
    return Parsing(picture(mask, rng), look, (), (), CLASSES, "test 0")


def square(left: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[30:66, left : left + 36] = 1
    return mask


def test_a_still_scene_flickers_far_less() -> None:
    rng = np.random.default_rng(0)
    frames = [parsed(square(40), rng) for _ in range(30)]
    steady = Steady()
    calm = [steady(frame).labels for frame in frames]
    before, after = flicker([f.labels for f in frames], CLASSES), flicker(calm[5:], CLASSES)
    assert after < before / 4
    assert (calm[-1] == square(40)).mean() > 0.97


def test_what_moves_leaves_no_trail() -> None:
    rng = np.random.default_rng(0)
    steady = Steady()
    for at in range(12):
        mask = square(4 + 6 * at)
        frame = parsed(mask, rng, noise=0.1)
        assert (steady(frame).labels == frame.labels).mean() > 0.99


def test_an_answer_that_changes_without_the_picture_is_believed_the_second_time() -> None:
    rng = np.random.default_rng(0)
    steady = Steady()
    nothing, something = np.zeros((HEIGHT, WIDTH), np.uint8), square(40)
    image = picture(nothing, rng)

    def seen(mask: np.ndarray) -> np.ndarray:
        look = Look(answer(mask, rng, 0.0), 0, 0, WIDTH, HEIGHT)
        sure = np.where(look.probs > 0.3, 1, 0).astype(np.float32)
        look = Look(sure, 0, 0, WIDTH, HEIGHT)
        return steady(Parsing(image, look, (), (), CLASSES, "test 0")).labels

    for _ in range(4):
        seen(nothing)
    assert (seen(something) == nothing).all()
    assert (seen(something) == something).mean() > 0.97


def test_a_cut_and_another_size_start_anew() -> None:
    rng = np.random.default_rng(0)
    steady = Steady()
    steady(parsed(square(10), rng))
    other = Parsing(
        255 - picture(square(80), rng),
        Look(answer(square(80), rng, 0.1), 0, 0, WIDTH, HEIGHT),
        (),
        (),
        CLASSES,
        "test 0",
    )
    assert (steady(other).labels == other.labels).all()
    half = other.asked_at(HEIGHT // 2, WIDTH // 2)
    assert (steady(half).labels == half.labels).all()


def test_strength_0_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    steady = Steady(strength=0)
    for _ in range(3):
        frame = parsed(square(40), rng)
        assert np.allclose(steady(frame).frame.probs, frame.frame.probs, atol=1e-6)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, 1), (-5, 4)])
@pytest.mark.parametrize("follows", [True, False], ids=["square follows", "square stays"])
def test_a_face_that_moves_is_followed(dx: int, dy: int, follows: bool) -> None:
    """Its cells hang on the cells that showed the same spot of the face before."""
    rng = np.random.default_rng(3)
    face = painted(face_mask(), rng)
    before, now = (np.full((240, 240, 3), 90, np.uint8) for _ in range(2))
    before[40:200, 40:200] = face
    now[40 + dy : 200 + dy, 40 + dx : 200 + dx] = face
    empty = np.full((9, 80, 80), 1 / 9, np.float32)
    old = Look(empty, 40, 40, 160, 160, 0.1)
    new = Look(empty, 40 + dx * follows, 40 + dy * follows, 160, 160, 0.1)
    from easyportrait.video.steady import Known

    known = Known(old, luma(before, old), np.zeros((80, 80), bool))
    way = best_way(known, new, luma(now, new))
    shift = np.zeros(2) if follows else np.array([-dx, -dy]) / 2  # cells are 2 pixels wide
    assert way[:, 2] == pytest.approx(shift, abs=0.2)


def test_a_still_picture_ties_cells_to_the_same_pixels() -> None:
    empty = np.zeros((9, 10, 20), np.float32)
    before, now = Look(empty, 10, 20, 100, 50), Look(empty, 0, 0, 200, 100)
    way = still_picture(before, now)
    for column in range(20):
        x = (column + 0.5) * 10 + 0  # the middle of a cell of now, in pixels
        assert way[0, 0] * column + way[0, 2] == pytest.approx((x - 10) / 5 - 0.5)
    for row in range(10):
        y = (row + 0.5) * 10
        assert way[1, 1] * row + way[1, 2] == pytest.approx((y - 20) / 5 - 0.5)
