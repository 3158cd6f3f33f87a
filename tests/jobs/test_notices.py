"""Notices: one row for what repeats, until somebody acknowledges it or its cause is gone."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
import structlog

from jobs.errors import NoticeNotFound
from jobs.notices import (
    MAX_MESSAGE,
    Notice,
    NoticeKind,
    RaisedNotice,
    acknowledge,
    close_condition,
    close_silent,
    delete_old_notices,
    gather_reports,
    list_notices,
    raise_notice,
)
from jobs.services import Services


def event(key: str = "dead:upload:storage", message: str = "the store was full") -> Notice:
    return Notice(kind=NoticeKind.DEAD, key=key, message=message, job_id=uuid4())


def condition(message: str = "clamd does not respond") -> Notice:
    return Notice(kind=NoticeKind.SCANNER_AWAY, key="scanner_away", message=message)


async def raised(services: Services, *each: Notice) -> None:
    """Raises each in a transaction of its own, and makes it a notice."""
    for notice in each:
        async with services.database.begin() as connection:
            await raise_notice(connection, notice)
        await gather_reports(services.database)


async def all_of(services: Services, *, only_open: bool = False) -> list[RaisedNotice]:
    return await list_notices(services.database, only_open=only_open, before=None, limit=100)


async def aged(services: Services, column: str, seconds: float) -> None:
    statement = f"UPDATE notices SET {column} = {column} - make_interval(secs => $1)"
    await services.database.fetch(statement, seconds)


async def test_what_repeats_is_one_notice_with_a_count_and_the_last_message(services: Services) -> None:
    first, last = event(), event(message="the store was slow")
    with structlog.testing.capture_logs() as logged:
        await raised(services, first, event("dead:upload:network"), last)
    [other, one] = await all_of(services, only_open=True)
    assert (other.key, other.count) == ("dead:upload:network", 1)
    assert (one.key, one.count, one.message, one.job_id) == (first.key, 2, last.message, last.job_id)
    assert one.first_at < other.first_at < one.last_at
    opened = [line["key"] for line in logged if line["event"] == "notice_opened"]
    assert opened == [first.key, other.key], "the log has each once"


async def test_several_of_one_transaction_are_counted_by_key(services: Services) -> None:
    async with services.database.begin() as connection:
        await raise_notice(connection, event("b"), event("a"), event("b", "last"))
        await raise_notice(connection)
    assert [(one.key, one.count, one.message) for one in await all_of(services)] == [
        ("b", 2, "last"),
        ("a", 1, "the store was full"),
    ]


async def test_more_reports_than_one_statement_gathers_are_all_counted(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.notices.BATCH", 4)
    async with services.database.begin() as connection:
        await raise_notice(connection, *(event(f"key-{number % 3}") for number in range(12)))
    assert {one.key: one.count for one in await all_of(services)} == {"key-0": 4, "key-1": 4, "key-2": 4}


async def test_a_notice_of_a_transaction_that_is_rolled_back_does_not_exist(services: Services) -> None:
    async def fail() -> None:
        async with services.database.begin() as connection:
            await raise_notice(connection, event())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await all_of(services) == []


async def test_an_acknowledged_event_is_closed_and_the_next_one_opens_another(services: Services) -> None:
    await raised(services, event(), event())
    [one] = await all_of(services)
    seen = await acknowledge(services.database, one.id, "olga")
    assert (seen.acknowledged_by, seen.is_open, seen.closed_at) == ("olga", False, seen.acknowledged_at)
    assert await acknowledge(services.database, one.id, "otto") == seen, "again, it changes nothing"
    assert await all_of(services, only_open=True) == []
    await raised(services, event())
    assert [(other.id == one.id, other.count, other.is_open) for other in await all_of(services)] == [
        (False, 1, True),
        (True, 2, False),
    ]


async def test_an_acknowledged_condition_is_not_raised_again_while_it_lasts(services: Services) -> None:
    await raised(services, condition(), condition("clamd is full"))
    [one] = await all_of(services)
    assert (one.count, one.message) == (1, "clamd is full")
    await acknowledge(services.database, one.id, "olga")
    await raised(services, condition())
    [one] = await all_of(services)
    assert (one.is_open, one.closed_at) == (False, None)
    async with services.database.begin() as connection:
        await close_condition(connection, one.key)
    [one] = await all_of(services)
    assert one.closed_at is not None
    await raised(services, condition())
    assert [other.is_open for other in await all_of(services)] == [True, False]


async def test_a_condition_that_nobody_raises_any_more_is_closed_and_an_event_is_not(services: Services) -> None:
    await raised(services, condition(), event())
    await aged(services, "last_at", 100)
    assert await close_silent(services.database, 110) == []
    await raised(services, condition())
    assert await close_silent(services.database, 90) == [], "it was raised just now"
    await aged(services, "last_at", 100)
    assert await close_silent(services.database, 90) == ["scanner_away"]
    assert [one.key for one in await all_of(services, only_open=True)] == [event().key]


async def test_a_condition_is_closed_once(services: Services) -> None:
    await raised(services, condition())
    for _ in range(2):
        async with services.database.begin() as connection:
            await close_condition(connection, "scanner_away")
            await close_condition(connection, "no_such_key")
    await aged(services, "closed_at", 100)
    async with services.database.begin() as connection:
        await close_condition(connection, "scanner_away")
    [one] = await all_of(services)
    assert one.closed_at is not None
    assert one.closed_at < one.last_at


async def test_pages_go_from_the_newest_to_the_oldest(services: Services) -> None:
    await raised(services, *(event(f"key-{number}") for number in range(5)))
    keys: list[str] = []
    before = None
    while page := await list_notices(services.database, only_open=True, before=before, limit=2):
        keys += [one.key for one in page]
        before = page[-1].id
    assert keys == [f"key-{number}" for number in (4, 3, 2, 1, 0)]


async def test_closed_notices_are_deleted_after_90_days_and_open_ones_never(services: Services) -> None:
    await raised(services, event("old"), event("recent"), event("open"), condition())
    for one in await all_of(services):
        if one.key != "open":
            await acknowledge(services.database, one.id, "olga")
    day = 24 * 3600
    await aged(services, "first_at", 400 * day)
    await services.database.fetch("UPDATE notices SET closed_at = closed_at - '91 days'::interval WHERE key = 'old'")
    await services.database.fetch("UPDATE notices SET closed_at = closed_at - '89 days'::interval WHERE key = 'recent'")
    assert await delete_old_notices(services.database) == 1
    assert [one.key for one in await all_of(services)] == ["scanner_away", "open", "recent"]


async def test_a_long_message_is_cut(services: Services) -> None:
    await raised(services, event(message="x" * 5_000))
    [one] = await all_of(services)
    assert len(one.message) == MAX_MESSAGE


async def test_an_unknown_notice_is_not_acknowledged(services: Services) -> None:
    with pytest.raises(NoticeNotFound, match="There is no notice 4711"):
        await acknowledge(services.database, 4711, "olga")


async def test_a_transaction_that_has_raised_a_notice_delays_no_other(services: Services) -> None:
    """Neither others that raise the same, before and after it is open, nor operators."""
    async with services.database.begin() as connection:
        await raise_notice(connection, event())
        async with asyncio.timeout(5):
            await raised(services, event())
            [one] = await all_of(services)
            await acknowledge(services.database, one.id, "olga")
    assert [(other.count, other.is_open) for other in await all_of(services)] == [(1, True), (1, False)]


async def test_what_is_reported_after_a_list_was_read_is_not_acknowledged_with_it(services: Services) -> None:
    await raised(services, event(), event())
    [one] = await all_of(services)
    async with services.database.begin() as connection:
        await raise_notice(connection, event())
    await acknowledge(services.database, one.id, "olga")
    assert [(other.count, other.is_open) for other in await all_of(services)] == [(1, True), (2, False)]


async def test_many_that_raise_and_gather_at_the_same_time_count_each_report_once(services: Services) -> None:
    keys = [f"key-{number}" for number in range(20)]

    async def raise_all(order: list[str]) -> None:
        for _ in range(10):
            async with services.database.begin() as connection:
                await raise_notice(connection, *map(event, order))
            await gather_reports(services.database)

    await asyncio.gather(*(raise_all(order) for order in (keys, keys[::-1]) * 2))
    assert {one.key: one.count for one in await all_of(services)} == dict.fromkeys(keys, 40)
