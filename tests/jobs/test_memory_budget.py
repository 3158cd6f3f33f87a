"""The memory budget: never more than its size is acquired, first come, first served."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.memory_budget import MemoryBudget


async def test_a_request_waits_until_enough_is_released() -> None:
    budget = MemoryBudget(10)
    await budget.acquire(8)
    waiting = asyncio.create_task(budget.acquire(5))
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.release(8)
    await waiting


async def test_a_small_request_does_not_overtake_a_large_one() -> None:
    budget = MemoryBudget(10)
    await budget.acquire(8)
    large = asyncio.create_task(budget.acquire(9))
    await asyncio.sleep(0)
    small = asyncio.create_task(budget.acquire(1))
    await asyncio.sleep(0)
    assert not small.done()
    budget.release(8)
    await asyncio.gather(large, small)


async def test_more_than_the_whole_budget_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="whole budget"):
        await MemoryBudget(10).acquire(11)


async def test_a_cancelled_request_does_not_block_the_next() -> None:
    budget = MemoryBudget(10)
    await budget.acquire(8)
    impatient = asyncio.create_task(budget.acquire(9))
    await asyncio.sleep(0)
    patient = asyncio.create_task(budget.acquire(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient


async def test_a_request_that_is_cancelled_when_it_is_granted_releases_its_bytes() -> None:
    budget = MemoryBudget(10)
    await budget.acquire(10)
    served = asyncio.create_task(budget.acquire(10))
    await asyncio.sleep(0)
    budget.release(10)
    served.cancel()
    await asyncio.wait([served])
    async with asyncio.timeout(1):
        await budget.acquire(10)


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 3), st.booleans(), st.booleans()), max_size=30))
def test_never_more_than_the_budget_is_acquired_and_all_of_it_is_released(
    askers: list[tuple[int, int, bool, bool]],
) -> None:
    async def run() -> None:
        budget = MemoryBudget(10)
        out = 0

        async def ask(amount: int, turns: int, pinned: bool) -> None:
            nonlocal out
            async with budget.reserve(amount, pinned=pinned):
                out += amount
                try:
                    assert out <= 10
                    for _ in range(turns):
                        await asyncio.sleep(0)
                finally:
                    out -= amount

        tasks = [asyncio.create_task(ask(amount, turns, pinned)) for amount, turns, pinned, _ in askers]
        await asyncio.sleep(0)
        for task, (_, _, _, cancelled) in zip(tasks, askers, strict=True):
            if cancelled and not task.done():
                task.cancel()
                await asyncio.sleep(0)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert not [error for error in ended if isinstance(error, AssertionError)]
        async with asyncio.timeout(1):
            await budget.acquire(10)

    asyncio.run(run())


async def test_a_request_that_does_not_fit_beside_pinned_bytes_is_passed_over() -> None:
    budget = MemoryBudget(10)
    await budget.acquire(3, pinned=True)
    large = asyncio.create_task(budget.acquire(8))
    more = asyncio.create_task(budget.acquire(2, pinned=True))
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        await budget.acquire(7)  # by the holder of the pinned ones
    budget.release(7)
    await asyncio.sleep(0)
    assert not large.done()
    assert not more.done(), "or the large request would never have its turn"
    budget.release(3, pinned=True)
    await asyncio.gather(large, more)


async def test_a_request_that_fits_beside_pinned_bytes_is_not_overtaken() -> None:
    budget = MemoryBudget(10)
    await budget.acquire(3, pinned=True)
    await budget.acquire(5)
    large = asyncio.create_task(budget.acquire(7))
    await asyncio.sleep(0)
    small = asyncio.create_task(budget.acquire(1))
    await asyncio.sleep(0)
    assert not small.done()
    budget.release(5)
    await large
    assert not small.done()
    budget.release(3, pinned=True)
    await small
