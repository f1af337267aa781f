"""Edges and colours, measured on pictures whose true matte is known."""

import cv2
import numpy as np
import pytest

from easyportrait.image.matte import cut_out, edge_colours, grow, refine, runs, shrink, step

GREEN = np.array([20, 200, 40], np.float32)


def hair(size: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """A brown head with fine hair before a green wall, and its true matte."""
    rng = np.random.default_rng(0)
    big = np.zeros((2 * size, 2 * size), np.uint8)
    cv2.circle(big, (size, size), int(0.45 * size), 255, -1)
    for angle in rng.uniform(0, 2 * np.pi, 400):
        start = size + 0.44 * size * np.array([np.cos(angle), np.sin(angle)])
        end = size + rng.uniform(0.46, 0.56) * size * np.array(
            [np.cos(angle + 0.05), np.sin(angle + 0.05)]
        )
        cv2.line(big, tuple(start.astype(int)), tuple(end.astype(int)), 255, 2, cv2.LINE_AA)
    alpha = cv2.resize(big, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    brown = np.array([90, 60, 40], np.float32) + rng.normal(0, 4, (size, size, 1))
    image = alpha[..., None] * brown + (1 - alpha[..., None]) * GREEN
    return np.clip(image, 0, 255).astype(np.uint8), alpha


def coarse_of(alpha: np.ndarray, cell: int = 8) -> np.ndarray:
    """What a net with cells of 8 pixels makes of a matte: averaged, then smooth."""
    small = cv2.resize(alpha, None, fx=1 / cell, fy=1 / cell, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)


def test_refining_brings_the_edge_nearer_to_the_truth() -> None:
    image, alpha = hair()
    coarse = coarse_of(alpha)
    before = np.abs(coarse - alpha).mean()
    after = np.abs(refine(image, coarse, 8) - alpha).mean()
    assert after < 0.6 * before


def test_a_cutout_of_hair_before_a_green_wall_has_no_green_rim() -> None:
    image, alpha = hair()
    rgba = cut_out(image, refine(image, coarse_of(alpha), 8))
    soft = (rgba[..., 3] > 40) & (rgba[..., 3] < 215)
    assert soft.sum() > 500
    colours = rgba[soft][:, :3].astype(float)
    green = colours[:, 1] - colours[:, [0, 2]].max(1)  # brown hair is at -30, the wall at 160
    naive = image[soft].astype(float)
    assert np.mean(naive[:, 1] - naive[:, [0, 2]].max(1)) > 20
    assert green.mean() < 0


def test_the_inside_is_untouched_and_the_outside_is_nothing() -> None:
    image, alpha = hair()
    rgba = cut_out(image, alpha)
    assert np.array_equal(rgba[alpha == 1][:, :3], image[alpha == 1])
    assert not rgba[alpha == 0].any()
    assert np.array_equal(rgba[..., 3], (alpha * 255 + 0.5).astype(np.uint8))


def test_certainty_far_from_the_edge_stands() -> None:
    image, alpha = hair()
    refined = refine(image, coarse_of(alpha), 8)
    assert refined.dtype == np.float32 and refined.min() >= 0 and refined.max() <= 1
    assert (refined[180:220, 180:220] == 1).all() and (refined[:20] == 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (3, 2)])
def test_tiny_pictures_have_edges_too(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 80, np.uint8)
    refined = refine(image, np.ones(shape, np.float32), 2)
    assert refined.shape == shape and (refined == 1).all()
    assert cut_out(image, refined).shape == (*shape, 4)


def test_large_pictures_are_done_in_bands_without_seams() -> None:
    """The same scene at twice the working size: rows where bands meet are like any others."""
    image, alpha = hair(1400)
    refined = refine(image, coarse_of(alpha, 16), 16)
    assert np.abs(refined - alpha).mean() < 0.02
    steps = np.abs(np.diff(refined, axis=0)).mean(1)
    seams = steps[255::256]
    assert seams.max() < 3 * np.median(steps[200:1200])


@pytest.mark.parametrize("size", [1280, 1277])
def test_one_value_for_each_block_does_as_well_as_one_for_each_pixel(size: int) -> None:
    image, alpha = hair(size)
    coarse = coarse_of(alpha, 16)
    block = step(size, size, 16)
    assert block == 6
    all_pixels, blocks = refine(image, coarse, 16), refine(image, shrink(coarse, block), 16)
    assert blocks.shape == alpha.shape
    assert np.abs(all_pixels - blocks).mean() < 1e-5
    assert np.abs(blocks - alpha).mean() < 0.02


def test_edge_colours_are_asked_for_where_the_edge_is_and_come_near_the_truth() -> None:
    image, alpha = hair(800)
    found = list(edge_colours(image, alpha))
    index = np.concatenate([places for places, _ in found])
    assert np.array_equal(index, np.flatnonzero((alpha > 0) & (alpha < 1)))
    colours = np.concatenate([part for _, part in found])
    sure = alpha.ravel()[index] > 0.2
    assert np.abs(colours[sure].mean(0) - (90, 60, 40)).max() < 8  # the wall is 140 away
    assert list(edge_colours(image, np.rint(alpha))) == []


@pytest.mark.parametrize("k", [1, 3, 4])
def test_shrunk_and_grown_again_a_slope_is_the_same(k: int) -> None:
    y, x = np.mgrid[:40, :50].astype(np.float32)
    blocks = shrink(x + 2 * y, k)
    assert blocks.shape == (-(-40 // k), -(-50 // k))
    window = slice(2, 5), slice(3, 7)
    rows, columns = (slice(s.start * k, s.stop * k) for s in window)
    grown = grow(blocks, window, k, (3 * k, 4 * k))
    assert np.allclose(grown, (x + 2 * y)[rows, columns], atol=1e-3)


def test_runs_hold_all_of_a_mask_and_little_else() -> None:
    mask = np.zeros((100, 100), np.uint8)
    cv2.circle(mask, (50, 50), 40, 1, 2)
    left = mask.copy()
    area = 0
    for rows, columns in runs(mask, 8):
        left[rows, columns] = 0
        area += (rows.stop - rows.start) * (columns.stop - columns.start)
    assert not left.any() and area < 0.4 * mask.size
