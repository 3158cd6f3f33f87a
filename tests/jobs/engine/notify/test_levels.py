"""Levels that gateways share in PostgreSQL, as `app.access.shared_buckets` needs them."""

from __future__ import annotations

import asyncio

from jobs.engine.sql.request_levels import BATCH, exchange_levels
from jobs.engine.transport import GATEWAY_TTL
from jobs.services import Services

NOW = 1_800_000_000.0


async def test_the_highest_level_counts_and_each_gateway_adds_to_it(services: Services) -> None:
    database = services.database
    assert await exchange_levels(database, "a", {"olga": (NOW, 36.0)}, NOW) == (1, True, {"olga": NOW + 36})
    assert await exchange_levels(database, "b", {"olga": (NOW, 36.0)}, NOW) == (2, True, {"olga": NOW + 72})
    lower, higher = (NOW + 1, 4.0), (NOW + 100, 4.0)
    assert await exchange_levels(database, "a", {"olga": lower}, NOW) == (2, False, {"olga": NOW + 76})
    assert await exchange_levels(database, "a", {"olga": higher, "otto": (NOW, 0.0)}, NOW) == (
        2,
        False,
        {"olga": NOW + 104, "otto": NOW},
    )
    assert await exchange_levels(database, "b", {}, NOW) == (2, False, {})


async def test_more_names_than_one_statement_takes(services: Services) -> None:
    report = {f"user-{number}": (NOW + number, 1.0) for number in range(2 * BATCH + 1)}
    for _ in range(2):
        gateways, is_new, levels = await exchange_levels(services.database, "a", report, NOW)
    assert (gateways, is_new) == (1, False)
    assert levels == {name: level + 2 for name, (level, _) in report.items()}
    assert (await exchange_levels(services.database, "b", report, NOW))[:2] == (2, True)


async def test_what_is_over_is_removed(services: Services) -> None:
    database, later = services.database, NOW + 1 + GATEWAY_TTL
    await exchange_levels(database, "a", {"olga": (NOW, 5.0), "otto": (NOW, 50.0)}, NOW)
    assert (await exchange_levels(database, "b", {}, later))[:2] == (1, True), "it has heard nothing of the other one"
    assert [row["name"] for row in await database.fetch("SELECT name FROM request_levels")] == ["otto"]
    assert [row["name"] for row in await database.fetch("SELECT name FROM level_gateways")] == ["b"]


async def test_gateways_notice_that_the_levels_are_lost(services: Services) -> None:
    """As after a crash of the server, which empties both tables."""
    database = services.database
    await exchange_levels(database, "a", {"olga": (NOW, 5.0)}, NOW)
    kept = await database.fetch(
        "SELECT relpersistence FROM pg_class WHERE relname IN ('request_levels', 'level_gateways')"
    )
    assert [row[0] for row in kept] == [b"u", b"u"]
    await database.fetch("TRUNCATE request_levels, level_gateways")
    assert (await exchange_levels(database, "a", {"olga": (NOW, 1.0)}, NOW))[1]


async def test_gateways_that_report_the_same_names_at_once_do_not_wait_for_each_other(services: Services) -> None:
    """In any order of the names: a deadlock would count as an outage."""
    names = [f"user-{number:03}" for number in range(200)]
    orders = [names, names[::-1]] * 2

    async def report(gateway: int) -> None:
        for turn in range(5):
            shown = dict.fromkeys(orders[gateway], (NOW, 1.0))
            await exchange_levels(services.database, str(gateway), shown, NOW + turn / 100)

    await asyncio.gather(*map(report, range(4)))
    [row] = await services.database.fetch("SELECT min(level) AS low, max(level) AS high FROM request_levels")
    assert row["low"] == row["high"] == NOW + 20
