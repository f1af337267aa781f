import io

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pil

from easyportrait.assets import DEMO
from easyportrait.data.hashing import distance, phash
from easyportrait.errors import BadInput

hashes = st.binary(min_size=8, max_size=8).map(bytes.hex)


def theirs(image: np.ndarray) -> str:
    return str(imagehash.phash(Pil.fromarray(image)))


def test_it_is_imagehashs_on_noise_and_soft_pictures() -> None:
    rng = np.random.default_rng(0)
    for i in range(300):
        height, width = (int(n) for n in rng.integers(8, 120, 2))
        small = rng.integers(0, 256, (3 + i % 20, 3 + i % 7, 3), np.uint8)
        noise = rng.integers(0, 256, (height, width, 3) if i % 2 else (height, width), np.uint8)
        soft = np.asarray(Pil.fromarray(small).resize((width, height), Pil.Resampling.BICUBIC))
        assert phash(noise) == theirs(noise)
        assert phash(soft) == theirs(soft)


def test_it_is_imagehashs_on_a_photograph_cropped_scaled_and_compressed() -> None:
    rng = np.random.default_rng(1)
    with Pil.open(DEMO) as photo:
        whole = photo.convert("RGB")
    assert phash(np.asarray(whole)) == str(imagehash.phash(Pil.open(DEMO)))
    for quality in range(10, 100, 3):
        left, top = (int(n) for n in rng.integers(0, 200, 2))
        side = int(rng.integers(60, 300))
        crop = whole.crop((left, top, left + side, top + side)).resize((side // 2, side))
        buffer = io.BytesIO()
        crop.save(buffer, "JPEG", quality=quality)
        image = np.asarray(Pil.open(buffer))
        assert phash(image) == theirs(image)


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_it_is_imagehashs_on_constant_pictures(value: int) -> None:
    image = np.full((40, 70, 3), value, np.uint8)
    assert phash(image) == theirs(image)


def test_alike_is_near_and_different_is_far() -> None:
    with Pil.open(DEMO) as photo:
        whole = photo.convert("RGB")
    half, turned = whole.resize((256, 256)), whole.transpose(Pil.Transpose.ROTATE_90)
    assert distance(phash(np.asarray(whole)), phash(np.asarray(half))) <= 2
    assert distance(phash(np.asarray(whole)), phash(np.asarray(turned))) > 16


@given(hashes, hashes)
def test_distance_is_imagehashs(a: str, b: str) -> None:
    assert distance(a, b) == imagehash.hex_to_hash(a) - imagehash.hex_to_hash(b)
    assert distance(a, a) == 0


def test_what_is_no_hash_is_named() -> None:
    with pytest.raises(BadInput, match=r"different length.*'ff' and 'fff'"):
        distance("ff", "fff")
    with pytest.raises(BadInput, match="hexadecimal digits, got 'fg' and 'ff'"):
        distance("fg", "ff")
