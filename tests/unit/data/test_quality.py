from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import easyportrait
from easyportrait.cli.app import app
from easyportrait.data.quality import FILTERS, Filter, Limits, Quality, faults, sharpness
from easyportrait.errors import BadInput
from tests.unit.data.planted import scene

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "build.md"
GOOD = Quality("0" * 16, 800, 600, 120.0, 50.0, 200.0)
BAD = {"side": {"width": 800, "height": 100}}


def spoilt(one: Filter) -> Quality:
    """A photograph that just this filter refuses."""
    return replace(GOOD, **BAD.get(one.measure, {one.measure: 1.5}))


every_filter = pytest.mark.parametrize("one", FILTERS, ids=lambda one: one.reason)


@every_filter
def test_a_filter_refuses_what_is_under_its_limit_and_nothing_else_does(one: Filter) -> None:
    (fault,) = faults(spoilt(one), Limits())
    value = getattr(spoilt(one), one.measure)
    assert (fault.reason, fault.value) == (one.reason, value)
    assert fault.limit == getattr(Limits(), one.limit)
    assert f"{value:g}" in fault.message and f"{fault.limit:g}" in fault.message
    assert not [*faults(spoilt(one), Limits(**{one.limit: value}))], "the limit itself will do"
    assert not [*faults(spoilt(one), Limits(**{one.limit: 0}))]


def test_a_good_photograph_passes_and_one_bad_in_all_ways_is_told_all_of_them() -> None:
    assert not [*faults(GOOD, Limits())]
    bad = Quality("0" * 16, 10, 10, 0.0, 0.0, 0.0)
    assert [fault.reason for fault in faults(bad, Limits())] == [f.reason for f in FILTERS]


def test_where_nobody_looked_for_a_face_none_is_missed() -> None:
    assert not [*faults(replace(GOOD, face=None), Limits())]


@every_filter
def test_a_limit_has_an_option_and_a_row_in_the_how_to(one: Filter) -> None:
    option = "--" + one.limit.replace("_", "-")
    help_ = CliRunner().invoke(app, ["data", "build", "--help"], env={"COLUMNS": "200"}).output
    assert option in help_
    row = f"| `{one.reason}` | `{option}` {getattr(Limits(), one.limit):g} |"
    assert row in PAGE.read_text()


def test_every_limit_belongs_to_a_filter() -> None:
    assert {field.name for field in fields(Limits)} == {one.limit for one in FILTERS}


@pytest.mark.parametrize("value", [-1, float("nan")])
def test_what_is_no_limit_is_refused(value: float) -> None:
    with pytest.raises(BadInput, match="min_side must be 0 or more"):
        Limits(min_side=value)


# -- sharpness -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def portrait() -> tuple[np.ndarray, np.ndarray]:
    return scene(0)


def test_blur_lowers_sharpness_step_by_step() -> None:
    """Of a real photograph: blurred by 3 % of the face's height, it is refused."""
    image = easyportrait.demo_image()
    parsing = easyportrait.parse(image)
    tall = parsing.faces[0].box.height
    values = [sharpness(image, parsing.labels)] + [
        sharpness(cv2.GaussianBlur(image, (0, 0), share * tall), parsing.labels)
        for share in (0.005, 0.01, 0.02, 0.03)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 5 * Limits().min_sharpness and values[-1] < Limits().min_sharpness


def test_darkness_is_no_blur(portrait: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = portrait
    dark = (image * 0.3).astype(np.uint8)
    assert sharpness(dark, mask) == pytest.approx(sharpness(image, mask), rel=0.1)


def test_the_face_counts_and_not_what_is_around_it(
    portrait: tuple[np.ndarray, np.ndarray],
) -> None:
    image, mask = portrait
    soft = cv2.GaussianBlur(image, (0, 0), 4)
    is_face = (mask >= 2)[..., None]
    assert sharpness(np.where(is_face, image, soft), mask) == sharpness(image, mask)
    assert sharpness(np.where(is_face, soft, image), mask) == sharpness(soft, mask)


def test_megapixels_count_for_nothing(portrait: tuple[np.ndarray, np.ndarray]) -> None:
    """A large face is measured at one size: the same face, four and eight times as large."""
    image, mask = portrait
    values = [
        sharpness(
            cv2.resize(image, None, fx=n, fy=n, interpolation=cv2.INTER_CUBIC),
            cv2.resize(mask, None, fx=n, fy=n, interpolation=cv2.INTER_NEAREST),
        )
        for n in (4, 8)
    ]
    assert values[0] == pytest.approx(values[1], rel=0.1)


def test_without_a_face_the_person_counts_and_without_a_person_everything(
    portrait: tuple[np.ndarray, np.ndarray],
) -> None:
    image, mask = portrait
    empty = np.zeros_like(mask)
    assert sharpness(image, empty) == sharpness(image, np.full_like(mask, 255))
    body = np.where(mask > 0, 1, 0).astype(np.uint8)
    assert sharpness(image, body) not in (sharpness(image, empty), sharpness(image, mask))


def test_a_flat_picture_is_not_sharp() -> None:
    grey, mask = np.full((40, 30, 3), 90, np.uint8), np.zeros((40, 30), np.uint8)
    assert sharpness(grey, mask) == 0
    assert sharpness(grey[:1, :1], mask[:1, :1]) == 0
