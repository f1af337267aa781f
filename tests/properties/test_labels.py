"""What numbers in a mask mean, whatever the numbers are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from easyportrait.taxonomy import CLASSES, IGNORE, SOURCES, TASKS, Mapping256, to_task

steady = settings.get_profile("steady")
ANY = arrays(np.uint8, st.tuples(st.integers(1, 8), st.integers(1, 8)))
OURS = arrays(
    np.uint8,
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    elements=st.sampled_from([*range(9), IGNORE]),
)
MAPPINGS = {**SOURCES, **{f"to {task}": to_task(task) for task in TASKS}}

every_mapping = pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=MAPPINGS)
every_task = pytest.mark.parametrize("task", TASKS)


@every_mapping
@steady
@given(ANY)
def test_a_mapping_is_total_and_what_is_not_known_stays_so(
    mapping: Mapping256, mask: np.ndarray
) -> None:
    before = mask.copy()
    mapped = mapping(mask)
    assert np.array_equal(mask, before) and mapped.shape == mask.shape
    assert set(np.unique(mapped)) <= {*range(len(mapping.target)), IGNORE}
    assert (mapped[mask == IGNORE] == IGNORE).all()
    turned = mapping(np.ascontiguousarray(mask[:, ::-1]))
    assert np.array_equal(turned[:, ::-1], mapped)  # of each pixel alone


@every_task
@steady
@given(OURS)
def test_a_task_of_a_mirrored_mask_is_its_mirrored_task(task: str, mask: np.ndarray) -> None:
    one = to_task(task)(CLASSES.flip(mask))
    assert np.array_equal(one, TASKS[task].flip(to_task(task)(mask)))
    assert ((one == IGNORE) == (CLASSES.flip(mask) == IGNORE)).all()


@every_task
@steady
@given(ANY)
def test_flipping_twice_is_nothing_whatever_the_numbers(task: str, mask: np.ndarray) -> None:
    taxonomy = TASKS[task]
    once = taxonomy.flip(mask)
    assert np.array_equal(taxonomy.flip(once), mask)
    assert np.array_equal(np.sort(once == IGNORE, None), np.sort(mask == IGNORE, None))
    sideless = [i for i, label in enumerate(taxonomy.labels) if not label.mirror]
    for value in sideless:
        assert np.array_equal(once == value, (mask == value)[:, ::-1])
