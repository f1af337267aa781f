"""Films whose answers change where and when the tests say."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from easyportrait.errors import BadInput
from easyportrait.evaluate.films import Film, Films, caption, measured, rows_of, to_data
from easyportrait.models.parser import Parser
from easyportrait.models.session import FakeSession, fake_card
from easyportrait.parsing import Parsing
from easyportrait.video.pipeline import parsings
from easyportrait.video.read import read_video
from tests.unit.video.films import film

HEIGHT, WIDTH, SIDE = 120, 160, 40
PIXELS, PATCH = HEIGHT * WIDTH, SIDE * SIDE
BLIPS = 3, 8


def blinking(index: int) -> np.ndarray:
    """A patch that grows redder by less than an eye sees, in two frames."""
    image = np.full((HEIGHT, WIDTH, 3), 126, np.uint8)
    image[40 : 40 + SIDE, 60 : 60 + SIDE, 0] += 5 * (index in BLIPS)
    return image


def red_is_a_person(batch: np.ndarray) -> np.ndarray:
    person = (batch[:, :1] > 128.5).astype(np.float32)
    return np.concatenate([1 - person, person], 1)


def found(path: Path, every: int = 1) -> Film:
    """Through the code that reads, parses and steadies videos."""
    parser = Parser(FakeSession(red_is_a_person, fake_card("ps", frame_side=WIDTH)))

    def answers() -> Iterator[tuple[Parsing, Parsing]]:
        for _, (said, steadied) in seen:
            yield said, steadied

    with read_video(path) as video:
        seen = parsings(video, parser, every=every, steady=(0.0, 1.0))
        return measured("f.mkv", answers(), parser.card.taxonomy)


def lossless(path: Path, count: int = 11) -> Path:
    return film(path, count=count, paint=blinking, codec="ffv1", pixels="bgr0", sound=None)


@pytest.fixture(scope="module")
def blinks(tmp_path_factory: pytest.TempPathFactory) -> Film:
    return found(lossless(tmp_path_factory.mktemp("films") / "f.mkv"))


def test_a_still_film_shows_what_the_net_changes_and_steadying_stops_it(blinks: Film) -> None:
    assert (blinks.frames, blinks.height, blinks.width) == (11, HEIGHT, WIDTH)
    said = blinks.as_said
    assert said.still == 1  # the film itself keeps still
    pairs = Fraction(4, 10)  # of frames between which the patch comes or goes
    assert said.labels == pytest.approx(float(pairs * PATCH / PIXELS))
    assert said.classes == pytest.approx({"background": said.labels, "person": 1})
    assert said.apart == pytest.approx(float(pairs) * (1 - (PIXELS - PATCH) / PIXELS / 2))
    assert said.person == pytest.approx(said.labels)  # sure of itself, its edge on the patch's
    calm = blinks.steadied
    assert calm.labels == 0 == calm.apart and calm.classes == {"background": 0}
    assert calm.person < said.person / 2


def test_frames_between_looks_keep_the_answer(tmp_path: Path) -> None:
    """Of every second frame the blip at 8 is seen, and held at 9."""
    said = found(lossless(tmp_path / "f.mkv"), every=2).as_said
    assert said.labels == pytest.approx(2 * PATCH / (10 * PIXELS))


def test_one_frame_does_not_flicker(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"f\.mkv holds 1 frames; what changes is seen from two on"):
        found(lossless(tmp_path / "f.mkv", count=1))


def test_what_is_kept_does_not_grow_with_the_film(blinks: Film) -> None:
    """Of a thousand frames as of three, two are alive at once."""
    alive = most = 0

    class Counted:
        def __init__(self, parsing: Parsing) -> None:
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            self.parsing = parsing

        def __getattr__(self, name: str) -> object:
            return getattr(self.parsing, name)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    parser = Parser(FakeSession(red_is_a_person, fake_card("ps", frame_side=WIDTH)))
    parsing = parser.parse(blinking(0)[::4, ::4].copy())
    many = ((Counted(parsing), Counted(parsing)) for _ in range(1000))
    assert measured("f", many, parser.card.taxonomy).frames == 1000  # type: ignore[arg-type]
    assert most <= 4


def test_words_and_json(blinks: Film) -> None:
    assert caption(blinks) == "f.mkv: 11 frames of 160 x 120, 100 % of it still"
    rows = rows_of(blinks)
    assert rows[0] == ("still pixels that change class", "3.333 %", "0.000 %")
    assert [row[0] for row in rows[1:3]] == ["  background", "  person"]
    assert rows[2][1:] == ("100.000 %", "-")
    films = Films("fake 0", "ps", 2, 1, (blinks,))
    told = json.loads(json.dumps(to_data(films)))["films"][0]
    assert told["name"] == "f.mkv" and told["still_share"] == 1
    assert told["as_said"]["labels"] == pytest.approx(0.033333)
    assert told["as_said"]["changes"]["person"] == 1 and told["steadied"]["temporal_error"] == 0


def test_a_model_of_faces_has_no_person_and_nothing_still_is_null(tmp_path: Path) -> None:
    def nothing(batch: np.ndarray) -> np.ndarray:
        probs = np.zeros((len(batch), 8, *batch.shape[2:]), np.float32)
        probs[:, 0] = 1
        return probs

    parser = Parser(FakeSession(nothing, fake_card("fp", frame_side=WIDTH)))
    flashes = (np.full((HEIGHT, WIDTH, 3), 255 * (i % 2), np.uint8) for i in range(3))
    both = [(p, p) for p in map(parser.parse, flashes)]
    film = measured("f", both, parser.card.taxonomy)
    assert np.isnan(film.as_said.person) and np.isnan(film.as_said.labels)
    assert "nothing of it still" in caption(film)
    text = json.dumps(to_data(Films("m", "fp", 1, 1, (film,))))
    assert "NaN" not in text and json.loads(text)["films"][0]["as_said"]["labels"] is None
    assert rows_of(film)[0][1] == "-" and len(rows_of(film)) == 2
