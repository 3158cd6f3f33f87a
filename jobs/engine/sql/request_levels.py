"""Levels that gateways share with `QUEUE=postgres`: see `Transport.exchange_levels`."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.database import Database
from jobs.engine.transport import GATEWAY_TTL

BATCH = 500
"""Names that are exchanged in one statement, which compares each with each."""


async def exchange_levels(
    database: Database, gateway: str, report: Mapping[str, tuple[float, float]], now: float
) -> tuple[int, bool, dict[str, float]]:
    """In few statements, which lock levels in the order of their names, so that two gateways do not wait for each other.

    Raises `DatabaseUnavailable`.
    """
    names = sorted(report)
    batches = [names[start : start + BATCH] for start in range(0, len(names), BATCH)] or [[]]
    rows = []
    for batch in batches:
        levels, added = [report[name][0] for name in batch], [report[name][1] for name in batch]
        rows += await database.fetch(_EXCHANGE, gateway, now, now - GATEWAY_TTL, batch, levels, added)
    raised = {name: level for row in rows for name, level in zip(row["names"] or (), row["levels"] or (), strict=True)}
    return rows[0]["gateways"], rows[0]["is_new"], raised


_EXCHANGE = """
    WITH own AS (
        INSERT INTO level_gateways (name, seen_at) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
        RETURNING xmax = 0 AS is_new
    ), vanished AS (
        DELETE FROM level_gateways WHERE name IN (
            SELECT name FROM level_gateways WHERE name <> $1 AND seen_at < $3 FOR UPDATE SKIP LOCKED
        )
    ), reported AS (
        SELECT * FROM unnest($4::text[], $5::float8[], $6::float8[]) AS reported (name, level, added)
    ), raised AS (
        INSERT INTO request_levels AS known (name, level)
        SELECT name, level + added FROM reported ORDER BY name
        ON CONFLICT (name) DO UPDATE SET
            level = greatest(known.level + (SELECT added FROM reported WHERE name = excluded.name), excluded.level)
        RETURNING name, level
    ), emptied AS (
        DELETE FROM request_levels WHERE name IN (
            SELECT name FROM request_levels WHERE level < $2 AND name <> ALL ($4::text[]) FOR UPDATE SKIP LOCKED
        )
    )
    SELECT
        1 + (SELECT count(*) FROM level_gateways WHERE name <> $1 AND seen_at >= $3) AS gateways,
        (SELECT is_new FROM own) AS is_new,
        (SELECT array_agg(name) FROM raised) AS names,
        (SELECT array_agg(level) FROM raised) AS levels
"""
