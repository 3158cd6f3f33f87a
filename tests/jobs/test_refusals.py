"""Refused requests by owner: added up, and forgotten after an hour without any."""

from __future__ import annotations

from sqlalchemy import text

from jobs.access.refusals import WINDOW, add_refusals, list_refusals
from jobs.services import Services


async def age(services: Services, owner: str) -> None:
    """The last refusal of the owner was more than an hour ago."""
    older = text("UPDATE access_refusals SET last_at = last_at - make_interval(secs => :age) WHERE owner = :owner")
    async with services.database.begin() as connection:
        await connection.execute(older, {"age": WINDOW + 1, "owner": owner})


async def counts(services: Services, limit: int = 20) -> list[tuple[str, str, int]]:
    return [(one.owner, one.limit, one.count) for one in await list_refusals(services.database, limit)]


async def test_refusals_are_added_up_and_the_latest_come_first(services: Services) -> None:
    await add_refusals(services.database, {("bob", "too_many_jobs"): 1, ("alice", "too_many_requests"): 2})
    await add_refusals(services.database, {("alice", "too_many_requests"): 3})
    assert await counts(services) == [("alice", "too_many_requests", 5), ("bob", "too_many_jobs", 1)]
    assert await counts(services, 1) == [("alice", "too_many_requests", 5)]


async def test_they_are_forgotten_after_an_hour(services: Services) -> None:
    await add_refusals(services.database, {("alice", "too_many_requests"): 2, ("bob", "too_many_jobs"): 1})
    await age(services, "alice")
    await age(services, "bob")
    assert await counts(services) == []
    await add_refusals(services.database, {("alice", "too_many_requests"): 4})
    assert await counts(services) == [("alice", "too_many_requests", 4)]
    assert len(await services.database.fetch("SELECT FROM access_refusals")) == 1, "bob's row is gone"
