"""Buckets that gateways share, with a store in memory that behaves as the sorted sets of Redis; the clock is injected."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.shared_buckets import WINDOW, Exchange, Reported, SharedBuckets
from jobs.errors import RedisUnavailable

QUOTA = 100
TTL = 10.0
"""Seconds for which a gateway is counted that reports no more."""


class World:
    """Some gateways, their clock, and what they share."""

    def __init__(self, gateways: int) -> None:
        self.now = 1_800_000_000.0
        self.is_down = False
        self.levels: dict[str, float] = {}
        self.seen: set[int] = set()
        self.gateways = [SharedBuckets(self._exchange_of(number), TTL, lambda: self.now) for number in range(gateways)]

    def _exchange_of(self, number: int) -> Exchange:
        async def exchange(report: Mapping[str, tuple[float, float]], now: float) -> Reported:
            del now
            if self.is_down:
                raise RedisUnavailable("Redis is unavailable.")
            is_new = number not in self.seen
            self.seen.add(number)
            for name, (level, added) in report.items():
                self.levels[name] = max(self.levels.get(name, 0.0), level) + added
            return Reported(len(self.seen), is_new, {name: self.levels[name] for name in report})

        return exchange

    def flush(self) -> None:
        self.levels.clear()
        self.seen.clear()

    async def report(self) -> None:
        for gateway in self.gateways:
            await gateway.report()

    def admitted(self, numbers: list[int], name: str = "anna", quota: int = QUOTA) -> int:
        """How many of these requests, each given by its gateway, are admitted."""
        return sum(not self.gateways[number].take(name, quota).wait for number in numbers)


async def started(gateways: int) -> World:
    """Gateways that know of each other."""
    world = World(gateways)
    await world.report()
    await world.report()
    return world


async def test_one_gateway_admits_what_the_plan_says_and_no_more() -> None:
    world = await started(1)
    assert world.admitted([0] * 500) == QUOTA
    await world.report()
    assert world.admitted([0] * 10) == 0
    world.now += 0.9 * WINDOW / QUOTA
    assert world.admitted([0] * 10) == 0
    world.now += 0.1 * WINDOW / QUOTA
    assert world.admitted([0] * 10) == 1
    await world.report()
    world.now += 2 * WINDOW
    assert world.admitted([0] * 500) == QUOTA


async def test_what_is_left_and_when_there_is_more() -> None:
    world = await started(1)
    [gateway] = world.gateways
    levels = [gateway.take("anna", 3) for _ in range(4)]
    assert [(one.remaining, ceil(one.reset), ceil(one.wait)) for one in levels] == [
        (2, 1200, 0),
        (1, 1200, 0),
        (0, 1200, 0),
        (0, 1200, 1200),
    ]
    await world.report()
    world.now += levels[-1].wait
    assert not gateway.take("anna", 3).wait


async def test_half_the_capacity_counts_what_was_used_before() -> None:
    world = await started(1)
    assert world.admitted([0] * 40) == 40
    assert world.admitted([0] * 100, quota=QUOTA // 2) == 30
    assert world.admitted([0] * 100) == 0


async def test_requests_that_are_spread_out_over_gateways_are_counted_together() -> None:
    world = await started(4)
    admitted = 0
    for _ in range(200):
        admitted += world.admitted([0, 1, 2, 3])
        await world.report()
    assert QUOTA <= admitted <= QUOTA + 4


async def test_a_burst_to_one_of_four_gateways_waits_for_the_next_report() -> None:
    """Within a second it gets its part of what is left, and never less than one request."""
    world = await started(4)
    assert world.admitted([0] * 500) == QUOTA // 4
    assert world.gateways[0].take("anna", QUOTA).wait == 1
    total = QUOTA // 4
    for _ in range(30):
        await world.report()
        got = world.admitted([0] * 500)
        assert got or total == QUOTA
        total += got
    assert total == QUOTA


@pytest.mark.parametrize("gateways", [2, 4, 8])
async def test_the_worst_case_is_less_than_half_a_bucket_more(gateways: int) -> None:
    """All gateways are used up, report one after the other, and each is used up again before the next one reports."""
    world = await started(gateways)
    admitted = 0
    for _ in range(5):
        for number in range(gateways):
            admitted += world.admitted([number] * 500)
            await world.gateways[number].report()
    assert admitted <= QUOTA * (1 + (gateways - 1) / (2 * gateways)) + gateways


@given(st.lists(st.one_of(st.integers(0, 3), st.sampled_from(["down", "up", "flush"]), st.permutations(range(4)))))
async def test_an_outage_or_a_flush_never_resets_what_was_counted(steps: list[int | str | list[int]]) -> None:
    world = await started(4)
    admitted = 0
    for step in steps:
        match step:
            case "down" | "up":
                world.is_down = step == "down"
            case "flush":
                world.flush()
            case int():
                admitted += world.admitted([step] * 40)
            case list():  # the order in which the gateways report within a second
                for number in step:
                    await world.gateways[number].report()
    assert admitted <= QUOTA * 1.375 + 4


async def test_without_redis_each_of_four_leaves_room_for_four() -> None:
    world = await started(4)
    world.is_down = True
    admitted = 0
    for _ in range(20):
        admitted += world.admitted([0, 1, 2, 3] * 50)
        await world.report()
    assert QUOTA - 4 <= admitted <= QUOTA + 4
    world.now += 3 * WINDOW
    await world.report()
    assert world.admitted([0] * 500) == QUOTA // 4


async def test_a_flush_is_repaired_by_gateways_that_serve_the_caller_no_more() -> None:
    world = await started(3)
    assert world.admitted([0] * 500) > 0
    for _ in range(20):
        await world.gateways[0].report()
        world.admitted([0] * 500)
    await world.gateways[0].report()
    world.flush()
    for _ in range(2):
        await world.report()
    assert world.admitted([1]) == 1, "it knows nothing of this caller until it has reported once"
    await world.report()
    assert world.admitted([1] * 100) == 0


async def test_a_gateway_that_is_the_first_to_report_after_a_flush_leaves_room_for_the_others() -> None:
    world = await started(4)
    world.flush()
    for _ in range(3):
        await world.gateways[0].report()
    assert world.admitted([0] * 500) == QUOTA // 4
    world.now += TTL + 1
    await world.gateways[0].report()
    assert world.admitted([0] * 500) == QUOTA - QUOTA // 4, "the others have stopped"


async def test_a_restore_that_fails_is_repeated() -> None:
    world = await started(2)
    for _ in range(20):
        world.admitted([0] * 500)
        await world.gateways[0].report()
    world.flush()
    exchange, calls = world.gateways[0]._exchange, 0  # noqa: SLF001

    async def fails_second(report: Mapping[str, tuple[float, float]], now: float) -> Reported:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RedisUnavailable("Redis is unavailable.")
        return await exchange(report, now)

    world.gateways[0]._exchange = fails_second  # noqa: SLF001
    await world.gateways[0].report()
    assert world.levels == {}
    await world.gateways[0].report()
    assert world.levels["anna"] > world.now + WINDOW * 0.9


async def test_an_outage_that_hid_a_report_that_arrived_costs_the_caller_no_more_than_the_outage_itself() -> None:
    world = await started(2)
    arrives = world.gateways[0]._exchange  # noqa: SLF001

    async def loses_reply(report: Mapping[str, tuple[float, float]], now: float) -> Reported:
        await arrives(report, now)
        raise RedisUnavailable("It did not respond in time.")

    world.gateways[0]._exchange = loses_reply  # noqa: SLF001
    assert world.admitted([0] * 10) == 10
    await world.gateways[0].report()
    world.gateways[0]._exchange = arrives  # noqa: SLF001
    assert world.gateways[0].take("anna", QUOTA).remaining == QUOTA - 2 * 10 - 1
