import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from easyportrait.data.pool import AHEAD, in_order, on_all_cores


def test_only_a_few_are_begun_ahead_and_results_come_in_order() -> None:
    begun = 0

    def items() -> Iterator[int]:
        nonlocal begun
        for i in range(1000):
            begun = i + 1
            yield i

    with ThreadPoolExecutor(3) as pool:
        results = in_order(pool, lambda i: i * i, items())
        for taken, (item, square) in enumerate(results, 1):
            assert (item, square) == (taken - 1, (taken - 1) ** 2)
            assert begun <= taken + AHEAD


def test_stopping_early_begins_no_more() -> None:
    done: list[int] = []
    gate = threading.Event()

    def slow(i: int) -> int:
        if i:
            gate.wait(5)
        done.append(i)
        return i

    with ThreadPoolExecutor(1) as pool:
        results = in_order(pool, slow, iter(range(1000)))
        next(results)
        results.close()
        gate.set()
    assert len(done) <= 2  # the first, and the one that the only thread was at


def test_all_cores_work_beside_each_other() -> None:
    meet = threading.Barrier(2, timeout=5)  # passed by two at once, or by none

    def together(i: int) -> int:
        meet.wait()
        return -i

    assert [*on_all_cores(together, range(4))] == [(i, -i) for i in range(4)]
