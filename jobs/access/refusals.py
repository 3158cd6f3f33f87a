"""Which owners were refused requests because of limits of their own: counted by gateways, for operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from jobs.database import Database

WINDOW = 3600.0
"""Seconds without a refusal after which those of an owner are forgotten."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """The refused requests of an owner, by the code of the error, since an hour passed without any."""

    owner: str
    limit: str
    count: int
    last_at: datetime


async def add_refusals(database: Database, counts: Mapping[tuple[str, str], int]) -> None:
    """Adds refusals, by owner and code, and deletes old ones, in one statement. Raises `DatabaseUnavailable`."""
    owners, limits = [owner for owner, _ in counts], [limit for _, limit in counts]
    await database.fetch(_ADD, owners, limits, list(counts.values()), WINDOW)


async def list_refusals(database: Database, limit: int) -> list[Refusals]:
    """Those of the last hour, the latest first. Raises `DatabaseUnavailable`."""
    return [Refusals(**row) for row in await database.fetch(_LIST, WINDOW, limit)]


# In the order of the key, so that two gateways do not wait for each other.
_ADD = """
    WITH forgotten AS (
        DELETE FROM access_refusals AS old
        WHERE last_at < statement_timestamp() - make_interval(secs => $4)
            AND NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS n (o, l) WHERE o = old.owner AND l = old."limit")
    )
    INSERT INTO access_refusals AS known (owner, "limit", count, last_at)
    SELECT o, l, c, clock_timestamp() FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n (o, l, c) ORDER BY o, l
    ON CONFLICT (owner, "limit") DO UPDATE SET last_at = excluded.last_at,
        count = excluded.count
            + CASE WHEN known.last_at < excluded.last_at - make_interval(secs => $4) THEN 0 ELSE known.count END
"""
_LIST = """
    SELECT owner, "limit", count, last_at FROM access_refusals
    WHERE last_at >= statement_timestamp() - make_interval(secs => $1) ORDER BY last_at DESC, owner LIMIT $2
"""
