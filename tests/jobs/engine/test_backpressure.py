"""The backpressure: when the queue is counted, what is let in meanwhile, and when to come back."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from jobs.engine.backpressure import COUNT_MAX_AGE, MAX_WAIT, UNKNOWN_RATE_WAIT, Backpressure, Wait
from jobs.errors import QueueFull
from jobs.kinds import Kind
from jobs.services import Services
from tests.helpers.jobs import create


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def blind(_: int) -> None:
    """Nobody has looked at the queue lately."""


def backpressure(most: int, clock: Clock, wait: Wait = blind) -> Backpressure:
    return Backpressure(Kind.DOWNLOAD, most, wait, Random(0), clock)


async def admitted(services: Services, to: Backpressure) -> bool:
    async with services.database.begin() as connection:
        try:
            await to.admit(connection)
        except QueueFull:
            return False
    return True


async def refusal(services: Services, of: Backpressure) -> QueueFull:
    async with services.database.begin() as connection:
        with pytest.raises(QueueFull) as raised:
            await of.admit(connection)
    return raised.value


async def test_a_count_is_used_for_a_while_with_what_was_let_in_since(services: Services) -> None:
    clock = Clock()
    tried = backpressure(2, clock)
    assert [await admitted(services, tried) for _ in range(3)] == [True, True, False]
    clock.now += COUNT_MAX_AGE
    assert not await admitted(services, tried), "nothing is counted before its time"
    clock.now += 0.01
    assert await admitted(services, tried), "none of those let in was written"


async def test_only_queued_jobs_are_counted_and_the_place_is_told(services: Services) -> None:
    jobs = [await create(services, 10_000) for _ in range(4)]
    await services.lifecycle.claim(jobs[0].id, jobs[0].fence, "w")
    assert (await refusal(services, backpressure(2, Clock()))).queue_position == 4
    await services.lifecycle.cancel(jobs[1].id)
    assert (await refusal(services, backpressure(2, Clock()))).queue_position == 3
    await services.lifecycle.cancel(jobs[2].id)
    assert await admitted(services, backpressure(2, Clock()))


async def test_of_many_at_once_as_many_are_let_in_as_there_is_room_for(services: Services) -> None:
    tried = backpressure(7, Clock())
    outcomes = await asyncio.gather(*(admitted(services, tried) for _ in range(30)))
    assert outcomes.count(True) == 7


async def test_the_wait_follows_the_pace_of_the_queue_where_it_is_known(services: Services) -> None:
    for _ in range(5):
        await create(services, 10_000)
    asked: list[int] = []

    def slow(places: int) -> float:
        asked.append(places)
        return 20.0

    assert 20 <= (await refusal(services, backpressure(3, Clock(), slow))).retry_after <= 40
    assert asked == [3], "of five, three have to leave before one more is within three"
    assert (await refusal(services, backpressure(3, Clock(), lambda _: 0.0))).retry_after in {1, 2}
    assert (await refusal(services, backpressure(3, Clock(), lambda _: 9e9))).retry_after == MAX_WAIT
    waits = {
        (await refusal(services, Backpressure(Kind.DOWNLOAD, 3, blind, Random(seed), Clock()))).retry_after
        for seed in range(20)
    }
    assert min(waits) >= UNKNOWN_RATE_WAIT[0]
    assert max(waits) <= UNKNOWN_RATE_WAIT[1]
    assert len(waits) > 5, "they would all come back at once"
