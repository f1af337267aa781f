from pathlib import Path

from easyportrait.evaluate.films import Film, Films
from easyportrait.evaluate.films_page import section, write_films_page
from easyportrait.evaluate.flicker import Unrest
from easyportrait.evaluate.page import page
from easyportrait.evaluate.run import evaluate
from easyportrait.evaluate.scores import Failure
from tests.conftest import face_mask
from tests.unit.evaluate.nets import parser_of, portraits_of

SAID = Unrest(labels=0.02, person=0.011, still=0.97, classes={"left_brow": 0.25}, apart=0.125)
CALM = Unrest(labels=0.004, person=0.002, still=0.97, classes={"left_brow": 0.05}, apart=0.0625)
FILMS = Films(
    "net <1>", "joint", 2, 3, (Film("a&b.mp4", 50, 720, 1280, SAID, CALM),), (Failure("c", "<x>"),)
)


def test_films_have_a_page_of_their_own(tmp_path: Path) -> None:
    write_films_page(FILMS, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>") and text.endswith("</body></html>\n")
    assert "<h1>net &lt;1&gt; on films</h1>" in text and "Two looks at one frame in 3" in text
    assert ">a&amp;b.mp4: 50 frames of 1280 x 720, 97 % of it still</h3>" in text
    assert "<td>\N{EM SPACE}left brow</td>" in text
    for cell in ("2.000 %", "0.400 %", "25.000 %", "1.100 %", "12.500 %", "6.250 %"):
        assert cell in text
    assert "<li>c: &lt;x&gt;</li>" in text and "<x>" not in text


def test_they_stand_below_pictures(tmp_path: Path) -> None:
    scores = evaluate(parser_of("joint"), portraits_of(tmp_path, {"a": face_mask()}))
    text = page(scores, about="d", films=FILMS)
    assert text.index("<h2>Classes</h2>") < text.index(section(FILMS))
    assert "flicker" not in page(scores, about="d")
