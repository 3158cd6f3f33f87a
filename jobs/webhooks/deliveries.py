"""Deliveries: one message to one endpoint. What is due, what became of it, and what was sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from jobs.database import Database
from jobs.webhooks.messages import EventName
from jobs.webhooks.outcomes import KEPT_TRYING, Attempt, Outcome, pause, retry_delay
from jobs.webhooks.recording import BATCH
from jobs.webhooks.signatures import SigningKeys

AT_ONCE = 4
"""Requests that one worker sends to one endpoint at once. After a failure it is one, of all workers."""
MAX_DETAIL = 2_048
"""Characters of a response that are kept."""


class DeliveryState(StrEnum):
    """Where a delivery is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    """It was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as it is listed. Times are UTC."""

    id: int
    message_id: str
    event: EventName
    job_id: UUID | None
    created_at: datetime
    attempts: int
    next_at: datetime | None
    tried_at: datetime | None
    delivered_at: datetime | None
    status: int | None
    """Of the last response."""
    detail: str | None
    """The start of its body, or why there was none."""

    @property
    def state(self) -> DeliveryState:
        if self.delivered_at is not None:
            return DeliveryState.DELIVERED
        return DeliveryState.FAILED if self.next_at is None else DeliveryState.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A delivery that this process has claimed: it sends the request now."""

    id: int
    endpoint_id: str
    url: str
    message_id: str
    body: str
    created_at: datetime
    refusals: int
    failures: int
    """Of the endpoint, in a row."""
    keys: tuple[SigningKeys, ...]


async def claim_due(database: Database, busy: Collection[str], limit: int, lease: float) -> list[Due]:
    """Claims deliveries that are due, for `lease` seconds: after these, whoever has not finished one is taken for dead.

    At most `AT_ONCE` of each endpoint, and none of those that are `busy`.
    """
    rows = await database.fetch(_CLAIM, list(busy), AT_ONCE, limit, timedelta(seconds=lease))
    return [_due_of(row) for row in rows]


_CLAIM = """
    WITH ready AS MATERIALIZED (
        SELECT id, failures > 0 AS is_probe FROM webhook_endpoints AS endpoint
        WHERE disabled_at IS NULL AND not_before <= statement_timestamp() AND NOT id = ANY ($1) AND EXISTS (
            SELECT FROM webhook_deliveries WHERE endpoint_id = endpoint.id AND next_at <= statement_timestamp()
        )
        ORDER BY random()
    ), due AS (
        SELECT delivery.id, ready.id AS endpoint_id, ready.is_probe
        FROM ready CROSS JOIN LATERAL (
            SELECT id FROM webhook_deliveries
            WHERE endpoint_id = ready.id AND next_at <= statement_timestamp()
            ORDER BY next_at LIMIT CASE WHEN ready.is_probe THEN 1 ELSE $2 END
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS delivery
        LIMIT $3
    ), free AS (
        SELECT id FROM webhook_endpoints
        WHERE id IN (SELECT endpoint_id FROM due WHERE is_probe) AND not_before <= statement_timestamp()
        FOR NO KEY UPDATE SKIP LOCKED
    ), probed AS (
        UPDATE webhook_endpoints SET not_before = statement_timestamp() + $4::interval WHERE id IN (SELECT id FROM free)
        RETURNING id
    ), claimed AS (
        UPDATE webhook_deliveries AS delivery
        SET next_at = statement_timestamp() + $4::interval, attempts = attempts + 1, tried_at = statement_timestamp()
        FROM due
        WHERE delivery.id = due.id AND (NOT due.is_probe OR due.endpoint_id IN (SELECT id FROM probed))
        RETURNING delivery.*
    )
    SELECT claimed.id, claimed.refusals, claimed.endpoint_id, claimed.message_id, message.body, message.created_at,
        endpoint.url, endpoint.failures, endpoint.secret, endpoint.private_key,
        CASE WHEN endpoint.old_until > statement_timestamp() THEN endpoint.old_secret END AS old_secret,
        endpoint.old_private_key
    FROM claimed
    JOIN webhook_messages AS message ON message.id = claimed.message_id
    JOIN webhook_endpoints AS endpoint ON endpoint.id = claimed.endpoint_id
"""
"""The order is random, so that slow endpoints with a backlog, however many, are not always the first.

A failing endpoint is probed by whoever locks it first. Others skip it: they would send a second probe.
"""


def _due_of(row: Mapping[str, Any]) -> Due:
    keys = [SigningKeys(row["secret"], row["private_key"])]
    if row["old_secret"] is not None:
        keys.append(SigningKeys(row["old_secret"], row["old_private_key"]))
    names = ("id", "endpoint_id", "url", "message_id", "body", "created_at", "refusals", "failures")
    return Due(**{name: row[name] for name in names}, keys=tuple(keys))


async def finish(database: Database, due: Due, attempt: Attempt) -> None:
    """Records what became of an attempt, with what it means for the endpoint."""
    match attempt.outcome:
        case Outcome.DELIVERED:
            await database.fetch(_DELIVERED, due.id, due.endpoint_id, attempt.status, attempt.detail)
        case Outcome.REFUSED:
            delay = retry_delay(due.refusals + 1)
            after = None if delay is None else timedelta(seconds=delay)
            await database.fetch(_REFUSED, due.id, due.endpoint_id, attempt.status, attempt.detail, after)
        case Outcome.FAILED:
            failures = due.failures + 1
            after = timedelta(seconds=pause(failures, attempt.retry_after))
            await database.fetch(
                _FAILED, due.id, due.endpoint_id, attempt.status, attempt.detail, after, KEPT_TRYING, failures
            )
        case Outcome.GONE:
            await database.fetch(_GONE, due.id, due.endpoint_id, attempt.status, attempt.detail)


_RESPONDED = """
    WITH endpoint AS (
        UPDATE webhook_endpoints SET failures = 0, not_before = statement_timestamp() WHERE id = $2 AND failures > 0
        RETURNING id
    )
"""
"""It is back: what has waited is due again."""
_DELIVERED = f"""
    {_RESPONDED}
    UPDATE webhook_deliveries
    SET next_at = NULL, delivered_at = statement_timestamp(), status = $3, detail = $4 WHERE id = $1
"""  # noqa: S608 - ours
_REFUSED = f"""
    {_RESPONDED}
    UPDATE webhook_deliveries
    SET next_at = statement_timestamp() + $5::interval, refusals = refusals + 1, status = $3, detail = $4 WHERE id = $1
"""  # noqa: S608 - ours
_FAILED = """
    WITH endpoint AS (
        UPDATE webhook_endpoints
        SET failures = greatest(failures, $7), not_before = statement_timestamp() + $5::interval
        WHERE id = $2
    )
    UPDATE webhook_deliveries AS delivery SET
        next_at = CASE
            WHEN greatest(message.created_at, delivery.replayed_at) + $6::interval > statement_timestamp()
            THEN statement_timestamp()
        END,
        status = $3, detail = $4
    FROM webhook_messages AS message
    WHERE delivery.id = $1 AND message.id = delivery.message_id
"""
_GONE = """
    WITH endpoint AS (
        UPDATE webhook_endpoints
        SET disabled_at = statement_timestamp(), disabled_reason = 'It responded with 410 Gone.' WHERE id = $2
    )
    UPDATE webhook_deliveries SET next_at = NULL, status = $3, detail = $4 WHERE id = $1
"""


async def give_up_old(database: Database) -> int:
    """Gives up a batch of what has waited longer than `KEPT_TRYING` for endpoints that do not respond, or are switched off.

    Returns how many: fewer than `BATCH` at the end. Only one of the messages to such an endpoint is tried at a time, so
    the others would wait for ever.
    """
    return len(await database.fetch(_GIVE_UP_OLD, KEPT_TRYING, BATCH))


_GIVE_UP_OLD = """
    UPDATE webhook_deliveries
    SET next_at = NULL, detail = coalesce(detail, 'The webhook did not respond for three days, or was switched off.')
    WHERE id = ANY (ARRAY(
        SELECT delivery.id
        FROM webhook_deliveries AS delivery
        JOIN webhook_endpoints AS endpoint ON endpoint.id = delivery.endpoint_id
        JOIN webhook_messages AS message ON message.id = delivery.message_id
        WHERE (endpoint.failures > 0 OR endpoint.disabled_at IS NOT NULL) AND delivery.next_at IS NOT NULL
            AND greatest(message.created_at, delivery.replayed_at) <= statement_timestamp() - $1::interval
        LIMIT $2 FOR NO KEY UPDATE OF delivery SKIP LOCKED
    ))
    RETURNING id
"""


async def list_deliveries(database: Database, endpoint_id: str, before: int | None, limit: int) -> list[Delivery]:
    """The deliveries to an endpoint, the newest first, those with an id below `before`; None: from the newest on."""
    rows = await database.fetch(_LIST, endpoint_id, before, limit)
    names = [name for name in Delivery.__slots__ if name != "event"]
    return [Delivery(**{name: row[name] for name in names}, event=EventName(row["event"])) for row in rows]


_LIST = """
    SELECT delivery.*, message.event, message.job_id, message.created_at
    FROM webhook_deliveries AS delivery JOIN webhook_messages AS message ON message.id = delivery.message_id
    WHERE delivery.endpoint_id = $1 AND ($2::bigint IS NULL OR delivery.id < $2)
    ORDER BY delivery.id DESC LIMIT $3
"""


async def replay(database: Database, endpoint_id: str, since: datetime, until: datetime, *, only_failed: bool) -> int:
    """Makes deliveries due again whose messages are of this time, those that were given up or all. Returns their number.

    They are tried as long as new ones, and keep the id of their message, by which a receiver knows what it has got already.
    """
    rows = await database.fetch(_REPLAY, endpoint_id, since, until, only_failed)
    return len(rows)


_REPLAY = """
    UPDATE webhook_deliveries AS delivery
    SET next_at = statement_timestamp(), refusals = 0, delivered_at = NULL, replayed_at = statement_timestamp()
    FROM webhook_messages AS message
    WHERE delivery.endpoint_id = $1 AND delivery.next_at IS NULL
        AND message.id = delivery.message_id AND message.created_at >= $2 AND message.created_at < $3
        AND (NOT $4 OR delivery.delivered_at IS NULL)
    RETURNING delivery.id
"""
