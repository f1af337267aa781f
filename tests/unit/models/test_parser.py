import numpy as np
import pytest

from easyportrait.errors import BadInput, ModelError, ShapeMismatch
from easyportrait.models.parser import Parser, square_around
from easyportrait.models.session import FakeSession, fake_card
from easyportrait.taxonomy import CLASSES, TASKS, to_task
from tests.conftest import by_colour, face_mask, one_hot


def agreement(labels: np.ndarray, mask: np.ndarray) -> float:
    return float((labels == mask).mean())


@pytest.mark.parametrize("shape", [(320, 320), (300, 480), (500, 260)])
def test_labels_come_back_at_the_pictures_size_and_place(
    colour_parser: Parser, shape: tuple[int, int]
) -> None:
    mask = face_mask(*shape)
    parsing = colour_parser.parse(CLASSES.colour(mask))
    assert parsing.size == shape and len(parsing.faces) == 1
    assert agreement(parsing.labels, mask) > 0.93


def test_the_second_look_sees_what_the_first_cannot() -> None:
    """A face small in the frame: at the first look its parts are below a cell."""
    mask = np.zeros((900, 1200), np.uint8)
    mask[450:890, 600:1040] = face_mask(440, 440)
    parser = Parser(FakeSession(by_colour, fake_card(frame_side=256, face_side=512)))
    parts = np.isin(mask, range(3, 9))
    one = parser.parse(CLASSES.colour(mask), looks=1).labels
    two = parser.parse(CLASSES.colour(mask), looks=2).labels
    assert agreement(two[parts], mask[parts]) > agreement(one[parts], mask[parts]) + 0.3
    assert agreement(two, mask) > 0.98


def test_several_faces_each_get_a_look(colour_parser: Parser) -> None:
    mask = np.hstack([face_mask(260, 240), face_mask(260, 240)])
    parsing = colour_parser.parse(CLASSES.colour(mask))
    assert len(parsing.faces) == len(parsing.face_looks) == 2
    assert all(set(face.parts) == set(CLASSES.names[3:]) for face in parsing.faces)
    assert colour_parser.parse(CLASSES.colour(mask), looks=1).face_looks == ()


def test_a_patch_that_is_no_face_from_near_is_dropped() -> None:
    calls = []

    def net(batch: np.ndarray) -> np.ndarray:
        calls.append(batch.shape)
        labels = np.ones((len(batch), 16, 16), np.uint8)
        if len(calls) == 1:
            labels[0, 4:9, 4:9] = 2
        return np.stack([one_hot(each) for each in labels])

    parsing = Parser(FakeSession(net)).parse(np.zeros((64, 64, 3), np.uint8))
    assert len(calls) == 2 and parsing.faces == () and parsing.face_looks == ()


def test_an_empty_scene_is_empty(colour_parser: Parser) -> None:
    parsing = colour_parser.parse(np.zeros((120, 200, 3), np.uint8))
    assert not parsing.labels.any() and not parsing.person.any() and parsing.faces == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 20000), (20000, 1), (2, 3)])
def test_any_shape_of_picture_is_parsed(colour_parser: Parser, shape: tuple[int, int]) -> None:
    parsing = colour_parser.parse(np.full((*shape, 3), CLASSES["person"].rgb, np.uint8))
    assert parsing.labels.shape == shape and parsing.labels.dtype == np.uint8
    if max(shape) < 10:  # a line of one pixel falls between the fake net's cells
        assert (parsing.labels == 1).all()
    assert parsing.cutout().shape == (*shape, 4)


def test_the_picture_is_not_edited(colour_parser: Parser) -> None:
    image = CLASSES.colour(face_mask(200, 200))
    before = image.copy()
    parsing = colour_parser.parse(image)
    parsing.cutout()
    assert np.array_equal(image, before)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(colour_parser: Parser, image: np.ndarray) -> None:
    with pytest.raises(ShapeMismatch, match="uint8 RGB"):
        colour_parser.parse(image)


def test_three_looks_are_refused(colour_parser: Parser) -> None:
    with pytest.raises(BadInput, match="looks is 1 or 2, got 3"):
        colour_parser.parse(np.zeros((8, 8, 3), np.uint8), looks=3)


def test_a_net_that_breaks_its_cards_word_is_named() -> None:
    parser = Parser(FakeSession(lambda x: np.zeros((1, 5, 8, 8), np.float32)))
    with pytest.raises(ModelError, match=r"\(1, 5, 8, 8\)"):
        parser.parse(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize("task", ["ps", "fp"])
def test_nets_of_the_other_tasks_work_too(task: str) -> None:
    count = len(TASKS[task])
    parser = Parser(
        FakeSession(
            lambda x: np.full((len(x), count, 8, 8), 1 / count, np.float32), fake_card(task)
        )
    )
    assert parser.parse(np.zeros((40, 50, 3), np.uint8)).taxonomy is TASKS[task]


def by_colour_of(task: str, batch: np.ndarray) -> np.ndarray:
    """The net that reads colours, for one of the smaller tasks."""
    table = to_task(task).table[:9]
    nine = by_colour(batch)
    return np.stack([nine[:, table == i].sum(1) for i in range(len(TASKS[task]))], 1)


def test_a_net_that_knows_whole_frames_only_gets_no_second_look() -> None:
    mask = face_mask(400, 400)
    card = fake_card(frame_side=384, face_side=0)
    parsing = Parser(FakeSession(by_colour, card)).parse(CLASSES.colour(mask), looks=2)
    assert parsing.face_looks == () and agreement(parsing.labels, mask) > 0.93
    (face,) = parsing.faces
    assert {"left_eye", "right_eye", "lips"} <= face.parts.keys()


@pytest.mark.parametrize(("task", "faces"), [("ps", 0), ("fp", 1)])
def test_nets_of_the_other_tasks_find_what_they_know(task: str, faces: int) -> None:
    mask = face_mask(400, 400)
    session = FakeSession(
        lambda x: by_colour_of(task, x), fake_card(task, frame_side=384, face_side=0)
    )
    parsing = Parser(session).parse(CLASSES.colour(mask))
    assert agreement(parsing.labels, to_task(task)(mask)) > 0.93
    assert len(parsing.faces) == faces
    if task == "ps":
        assert agreement(parsing.cutout()[..., 3] > 127, mask > 0) > 0.97
    else:
        with pytest.raises(BadInput, match="parses faces only"):
            parsing.cutout()


def test_a_face_in_the_margin_alone_is_none() -> None:
    """The net sees skin in the grey beside a tall picture: nothing to look at again."""

    def net(batch: np.ndarray) -> np.ndarray:
        labels = np.ones((len(batch), batch.shape[2] // 8, batch.shape[3] // 8), np.uint8)
        labels[:, :, :2] = 2
        return np.stack([one_hot(each) for each in labels])

    card = fake_card(frame_side=256)
    parsing = Parser(FakeSession(net, card)).parse(np.zeros((384, 8, 3), np.uint8))
    assert parsing.labels.shape == (384, 8)


def test_a_face_fills_most_of_its_square() -> None:
    from easyportrait.faces import Box

    left, top, side = square_around(Box(100, 100, 160, 200))
    assert side == 150 and (left, top) == (55, 75)
