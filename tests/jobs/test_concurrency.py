"""Concurrent tasks end together, even if a cancellation is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from jobs.concurrency import DynamicSemaphore, cancel_and_wait, run_forever


class LosesCancellations:
    """Runs for ever, and loses `losses` cancellations, as `asyncio.wait_for` of Python 3.11 may."""

    def __init__(self, losses: int) -> None:
        self.runs = asyncio.Event()
        self.ended = False
        self._losses = losses

    async def run(self) -> None:
        try:
            while True:
                self.runs.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    self._losses -= 1
                    if self._losses < 0:
                        raise
        finally:
            self.ended = True


async def sleep_forever() -> None:
    await asyncio.Event().wait()


async def _cancelled(awaitable: Awaitable[Any], when: asyncio.Event) -> None:
    """Cancel it once the event is set, until it has ended."""
    task = asyncio.ensure_future(awaitable)
    await when.wait()
    async with asyncio.timeout(5):
        await cancel_and_wait(task)


@pytest.mark.parametrize("losses", [0, 1, 3])
async def test_run_forever_ends_when_cancelled_however_often_that_is_lost(losses: int) -> None:
    stubborn = LosesCancellations(losses)
    await _cancelled(run_forever(stubborn.run(), sleep_forever()), stubborn.runs)
    assert stubborn.ended


async def test_the_first_failure_ends_the_others_and_is_raised() -> None:
    stubborn = LosesCancellations(1)

    async def fails() -> None:
        await stubborn.runs.wait()
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        async with asyncio.timeout(5):
            await run_forever(stubborn.run(), fails())
    assert stubborn.ended


async def test_cancel_and_wait_finishes_when_cancelled_itself_and_raises() -> None:
    stubborn = LosesCancellations(2)
    task = asyncio.create_task(stubborn.run())
    await stubborn.runs.wait()
    waiting = asyncio.create_task(cancel_and_wait(task))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert stubborn.ended


async def test_the_semaphore_follows_its_limit() -> None:
    limit = 2.0
    slots = DynamicSemaphore(lambda: limit)
    order: list[int] = []

    async def work(number: int) -> None:
        await slots.acquire()
        order.append(number)

    tasks = [asyncio.create_task(work(number)) for number in range(6)]
    await asyncio.sleep(0)
    assert order == [0, 1]
    limit = 4.7
    slots.release()
    await asyncio.wait(tasks[:5], timeout=5)
    assert order == [0, 1, 2, 3, 4]
    limit = 1
    slots.release()
    await asyncio.sleep(0)
    assert slots.in_use == 3
    await cancel_and_wait(tasks[5])  # a cancelled waiter leaves the queue
    for _ in range(3):
        slots.release()
    assert slots.in_use == 0


async def test_a_slot_acquired_while_cancelled_is_released() -> None:
    slots = DynamicSemaphore(lambda: 1)
    await slots.acquire()
    first, second = [asyncio.create_task(slots.acquire()) for _ in range(2)]
    await asyncio.sleep(0)
    slots.release()
    first.cancel()
    await asyncio.wait([first, second], timeout=5)
    assert first.cancelled()
    assert second.done()
    assert slots.in_use == 1


async def test_a_request_for_several_slots_is_not_overtaken() -> None:
    slots = DynamicSemaphore(lambda: 5)
    order: list[int] = []

    async def work(wanted: int) -> None:
        await slots.acquire(wanted)
        order.append(wanted)

    tasks = [asyncio.create_task(work(wanted)) for wanted in (3, 4, 1)]
    await asyncio.sleep(0)
    assert order == [3]
    slots.release(3)
    await asyncio.wait(tasks, timeout=5)
    assert order == [3, 4, 1]
    assert slots.in_use == 5


async def test_a_request_beyond_the_limit_is_served_alone() -> None:
    slots = DynamicSemaphore(lambda: 2)
    await slots.acquire()
    whole = asyncio.create_task(slots.acquire(9))
    await asyncio.sleep(0)
    assert not whole.done()
    slots.release()
    await asyncio.wait([whole], timeout=5)
    assert slots.in_use == 9
