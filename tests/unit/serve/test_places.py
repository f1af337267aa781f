"""Threads, a short queue, and places that always come back."""

import asyncio
import threading

import pytest

from easyportrait.errors import BadInput, Busy
from easyportrait.serve.places import Places


async def settled(places: Places) -> None:
    for _ in range(1000):
        if places.taken == places.working == 0:
            return
        await asyncio.sleep(0.005)
    raise AssertionError((places.taken, places.working))


def test_more_than_may_be_here_are_told_when_to_come_again() -> None:
    async def run() -> None:
        places = Places(1, 1)
        async with places.place(), places.place():
            with pytest.raises(Busy, match="2 requests are here") as refusal:
                async with places.place():
                    pass
            assert refusal.value.retry_after >= 1
        async with places.place() as place:
            assert await place.do(lambda: 7) == 7
        await settled(places)
        places.close()

    asyncio.run(run())


def test_who_gives_up_while_waiting_leaves_no_work_behind() -> None:
    ran: list[int] = []
    go = threading.Event()

    async def run() -> None:
        places = Places(1, 5)

        async def one(n: int) -> None:
            async with places.place() as place:
                await place.do(lambda: (go.wait(10), ran.append(n)))

        first = asyncio.create_task(one(0))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(one(n)) for n in (1, 2, 3)]
        await asyncio.sleep(0.01)
        assert (places.taken, places.working) == (4, 1)
        others[0].cancel()
        others[1].cancel()
        await asyncio.sleep(0.01)
        assert places.taken == 2
        go.set()
        await first
        await others[2]
        await settled(places)
        places.close()

    asyncio.run(run())
    assert ran == [0, 3]


def test_a_place_is_kept_until_its_work_is_over_though_nobody_waits() -> None:
    go = threading.Event()

    async def run() -> None:
        places = Places(1, 0)

        async def one() -> None:
            async with places.place() as place:
                await place.do(lambda: go.wait(10))

        task = asyncio.create_task(one())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (places.taken, places.working) == (1, 1)
        with pytest.raises(Busy):
            async with places.place():
                pass
        go.set()
        await settled(places)
        places.close()

    asyncio.run(run())


def test_errors_come_through_without_the_frames_that_hold_pictures() -> None:
    def work() -> None:
        picture = bytes(1000)
        try:
            raise OSError(len(picture))
        except OSError as error:
            raise BadInput("bad") from error

    async def run() -> None:
        places = Places(1, 0)
        async with places.place() as place:
            with pytest.raises(BadInput) as caught:
                await place.do(work)
        assert caught.value.__cause__ is caught.value.__context__ is None
        assert "work" not in [frame.name for frame in caught.traceback]
        with pytest.raises(ZeroDivisionError):
            async with places.place() as place:
                await place.do(lambda: 1 // 0)
        await settled(places)
        places.close()

    asyncio.run(run())
