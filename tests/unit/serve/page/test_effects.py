"""The page's effects answer what Python's answer. A new effect is tested by being in `EFFECTS`.

Of the pixels that either changes, 99 of 100 are within 3 of 255 of Python's and the mean is
within 1: the page's CIELAB is worked out, OpenCV's is looked up in a coarse table, and wide
bells are made on blocks of pixels there.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache
from itertools import islice
from typing import Any

import cv2
import numpy as np
import pytest

from easyportrait.assets import demo_image
from easyportrait.core import load
from easyportrait.effects import EFFECTS
from easyportrait.effects.chain import Chain
from easyportrait.effects.effect import Backdrop, Choice, Colour, Effect, Knob, Number
from easyportrait.parsing import Parsing
from easyportrait.serve.describe import effects as described
from easyportrait.taxonomy import CLASSES, PORTRAIT_SEGMENTATION
from tests.conftest import face_mask
from tests.contracts.test_effects import one_face, parsed, two_faces
from tests.unit.effects import scenes
from tests.unit.effects.eyes import BLUE, RED, painted_eye
from tests.unit.effects.mouths import Mouth

from .node import needs_node, picture, run
from .test_engine import told

pytestmark = needs_node
every_effect = pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)

Image = np.ndarray
MEAN, WITHIN, SHARE = 1.0, 3, 0.99

APPLY = """
const { applyEffects, completed } = await load("effects/index.js");
const { parsingFrom } = await load("engine/parsing.js");
const answers = [];
for (const { parsing, wishes } of given.jobs) {
  const known = parsingFrom(parsing);
  for (const [settings, backgrounds] of wishes) {
    answers.push(applyEffects(known, completed(given.table, settings), backgrounds));
  }
}
return answers;
"""


@cache
def demo() -> Parsing:
    parsing = load().parse(demo_image())
    assert max(parsing.size) >= 500
    return parsing


def hair() -> Parsing:
    image, alpha = scenes.hairy(np.array([30, 200, 60]), 160)
    return scenes.parsed(image, alpha)


Pictures = dict[str, Callable[[], Parsing]]
PORTRAITS: Pictures = {"demo": demo, "face": lambda: parsed(face_mask())}
PARTS: Pictures = {
    "mouth": lambda: Mouth().parsed(3),
    "eye": lambda: painted_eye(14, iris=BLUE, pupil=RED, pupil_share=0.5).parsing,
}
EDGES: Pictures = {"hair": hair}


def view() -> Image:
    """A landscape of another shape than any picture, with a lamp in it."""
    y, x = np.mgrid[:90, :160].astype(np.float32)
    out = np.dstack([60 + x, 40 + y, 200 - y]).astype(np.uint8)
    return np.asarray(cv2.circle(out, (120, 20), 6, (255, 250, 240), -1))


def strong(knob: Knob) -> object:
    if isinstance(knob, Number):
        return knob.high
    if isinstance(knob, Choice):
        return knob.choices[-1]
    return view() if isinstance(knob, Backdrop) else "#203a80"


def other(knob: Knob) -> object:
    if isinstance(knob, Number):
        return knob.low + 0.3 * (knob.high - knob.low)
    if isinstance(knob, Choice):
        return knob.choices[len(knob.choices) // 2]
    return list(knob.names)[-1] if isinstance(knob, Colour) else "#f0c080"


def settings(effect: Effect) -> Iterator[dict[str, object]]:
    """As it comes, at full strength, and otherwise."""
    yield {}
    if effect.knobs:
        yield {knob.name: strong(knob) for knob in effect.knobs}
        yield {knob.name: other(knob) for knob in effect.knobs}


Wishes = dict[str, dict[str, object]]


def as_page(wishes: Wishes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings and backgrounds as the page takes them."""
    out, backgrounds = {}, {}
    for name, knobs in wishes.items():
        out[name] = dict(knobs)
        for knob, value in knobs.items():
            if isinstance(value, np.ndarray):
                backgrounds[name], out[name][knob] = picture(value), name
    return out, backgrounds


def handed(parsing: Parsing) -> dict[str, Any]:
    """A parsing as the page takes it; the drawn ones' boxes are NumPy's numbers."""
    boxes = [{side: float(at) for side, at in asdict(box).items()} for box in parsing.face_boxes]
    return told(parsing) | {"faceBoxes": boxes}


def on_page(jobs: list[tuple[Parsing, list[Wishes]]]) -> list[Image]:
    """(H, W, 4) uint8 that the page makes of each picture and wish."""
    packed = [{"parsing": handed(p), "wishes": [as_page(w) for w in ws]} for p, ws in jobs]
    answers = run(APPLY, {"jobs": packed, "table": described()})
    return [a["data"].reshape(a["height"], a["width"], 4) for a in answers]


def far_apart(image: Image, ours: Image, page: Image) -> tuple[int, str]:
    """How many pixels either changes, and what is wrong with them; nothing if it is right."""
    rgba = np.dstack([ours, np.full(ours.shape[:2], 255, np.uint8)]) if ours.shape[2] == 3 else ours
    off = np.abs(rgba.astype(int) - page).max(-1)
    off[(rgba[..., 3] == 0) & (page[..., 3] == 0)] = 0  # nobody sees the colours there
    before = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    changed = ((rgba != before) | (page != before)).any(-1)
    if not changed.any():
        return 0, ""
    mean, share = off[changed].mean(), (off[changed] <= WITHIN).mean()
    wrong = mean > MEAN or share < SHARE
    return int(changed.sum()), f"mean {mean:.2f}, {share:.2%} near" if wrong else ""


@every_effect
def test_it_does_what_python_does(effect: Effect) -> None:
    pictures = PORTRAITS | (EDGES if effect.reach is None else PARTS)
    jobs = [(p(), [{effect.name: k} for k in settings(effect)]) for p in pictures.values()]
    answers = iter(on_page(jobs))
    most = 0
    for name, (parsing, wishes) in zip(pictures, jobs, strict=True):
        for wish in wishes:
            ours = effect(parsing.image, parsing, **wish[effect.name])
            changed, wrong = far_apart(parsing.image, ours, next(answers))
            assert not wrong, f"{name}, {wish}: {wrong}"
            most = max(most, changed)
    assert most > 20, "no picture here shows the effect"


def test_all_together_run_in_pythons_order() -> None:
    known = run(
        "const {EFFECTS} = await load('effects/index.js');"
        "return [...EFFECTS].map(([name, {needs}]) => [name, needs])"
    )
    assert known == [[name, list(effect.needs)] for name, effect in EFFECTS.items()]
    backwards = [n for n in reversed(EFFECTS) if n not in ("replace-background", "anonymize")]
    wishes: Wishes = {name: {} for name in backwards if name != "remove-background"}
    parsing = parsed(two_faces())
    (page,) = on_page([(parsing, [wishes])])
    changed, wrong = far_apart(parsing.image, Chain.of(wishes)(parsing), page)
    assert changed > 1000 and not wrong, wrong


def test_a_slider_that_moved_leaves_no_trace() -> None:
    parsing = parsed(face_mask())
    first: Wishes = {"eye-color": {"color": "green"}, "smooth-skin": {}, "blur-background": {}}
    second: Wishes = {"whiten-teeth": {}, "smooth-skin": {"amount": 1.0}, "shape-light": {}}
    one, two, again, once_more = on_page([(parsing, [first, second, first, second])])
    assert (one == again).all() and (two == once_more).all() and (one != two).any()
    (fresh,) = on_page([(parsing, [second])])
    assert (fresh == two).all()


def test_amount_0_changes_nothing() -> None:
    parsing = parsed(face_mask())
    names = [n for n, effect in EFFECTS.items() if "amount" in [k.name for k in effect.knobs]]
    answers = on_page([(parsing, [{name: {"amount": 0}} for name in names])])
    for name, page in zip(names, answers, strict=True):
        assert (page[..., :3] == parsing.image).all() and (page[..., 3] == 255).all(), name


def on_faces() -> list[Effect]:
    return [effect for effect in EFFECTS.values() if effect.reach is not None]


def test_without_its_classes_nothing_changes() -> None:
    empty = parsed(np.zeros((60, 90), np.uint8))
    for page in on_page([(empty, [{effect.name: {}} for effect in on_faces()])]):
        assert (page[..., :3] == empty.image).all() and (page[..., 3] == 255).all()


def test_it_reaches_no_further_than_it_says() -> None:
    mask = one_face()
    parsing = parsed(mask)
    answers = on_page([(parsing, [{effect.name: {}} for effect in on_faces()])])
    for effect, page in zip(on_faces(), answers, strict=True):
        ys, xs = np.nonzero(np.isin(mask, [CLASSES.index(name) for name in effect.needs]))
        more = 2 + round((effect.reach or 0) * max(mask.shape))
        far = np.ones(mask.shape, bool)
        far[
            max(0, ys.min() - more) : ys.max() + more, max(0, xs.min() - more) : xs.max() + more
        ] = 0
        assert (page[far][:, :3] == parsing.image[far]).all(), effect.name


@pytest.mark.parametrize("size", [(1, 1), (1, 60), (3, 2), (141, 33)])
def test_any_size_will_do(size: tuple[int, int]) -> None:
    mask = np.resize(np.arange(9, dtype=np.uint8).repeat(1 + max(size) // 10), size)
    parsing = parsed(mask, np.random.default_rng(7).integers(0, 256, (*size, 3), np.uint8))
    wishes: list[Wishes] = [{n: k} for n, e in EFFECTS.items() for k in islice(settings(e), 2)]
    for page in on_page([(parsing, wishes)]):
        assert page.shape == (*size, 4)


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ({"blur-background": {}, "remove-background": {}}, "exclude each other"),
        ({"eye-color": {"color": "sky"}}, '"sky" is no colour'),
        ({"whiten-teeth": {}}, "whiten-teeth needs a model that knows teeth; test 0 knows"),
    ],
)
def test_what_cannot_be_done_is_said(wishes: Wishes, says: str) -> None:
    taxonomy = PORTRAIT_SEGMENTATION if "whiten-teeth" in wishes else CLASSES
    parsing = parsed((one_face() > 0).astype(np.uint8), taxonomy=taxonomy)
    code = f"try {{ {APPLY} }} catch (error) {{ return [error.constructor.name, error.message] }}"
    jobs = [{"parsing": handed(parsing), "wishes": [as_page(wishes)]}]
    name, message = run(code, {"jobs": jobs, "table": described()})
    assert name == "BadInput" and says in message


def test_an_unknown_effect_is_refused() -> None:
    code = """
    const { applyEffects } = await load("effects/index.js");
    try { applyEffects({}, { "grow-hair": {} }) } catch (error) { return error.message }
    """
    assert run(code) == 'there is no effect "grow-hair"'
