"""Records messages that are to be sent, in the transaction of what they tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.webhooks.messages import EventName, NewMessage

KEPT = timedelta(days=30)
"""How long messages can be listed and sent again."""
BATCH = 1_000
"""Rows that one statement of a clean-up changes."""

HAS_ENDPOINT = "EXISTS (SELECT FROM webhook_endpoints WHERE owner = {owner} AND disabled_at IS NULL)"
"""SQL: whether messages of an owner have a receiver. Statements that know the owner anyway can return it."""


async def add_messages(connection: AsyncConnection, *messages: NewMessage) -> None:
    """Adds messages, each with a delivery to every endpoint of its owner that has chosen its type; without one, nothing."""
    if not messages:
        return
    columns = zip(
        *((f"msg_{uuid4().hex}", one.owner, one.event, one.job_id, one.body, one.at) for one in messages), strict=True
    )
    await fetch_within(connection, _ADD, *map(list, columns))


_ADD = """
    WITH new AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[])
            AS new (id, owner, event, job_id, body, created_at)
    ), received AS (
        SELECT new.id AS message_id, endpoint.id AS endpoint_id
        FROM new JOIN webhook_endpoints AS endpoint
            ON endpoint.owner IS NOT DISTINCT FROM new.owner AND new.event = ANY (endpoint.events)
        WHERE endpoint.disabled_at IS NULL
        FOR KEY SHARE OF endpoint
    ), added AS (
        INSERT INTO webhook_messages (id, owner, event, job_id, body, created_at)
        SELECT * FROM new WHERE id IN (SELECT message_id FROM received)
    )
    INSERT INTO webhook_deliveries (endpoint_id, message_id, next_at)
    SELECT endpoint_id, message_id, clock_timestamp() FROM received
"""
"""The lock waits for a deletion that is not committed yet and leaves out what it deletes: a reference to it would fail."""


async def add_test(connection: AsyncConnection, endpoint_id: str, owner: str | None, at: datetime) -> None:
    """Adds a test message to one endpoint, whatever types it has chosen."""
    message = NewMessage(event=EventName.WEBHOOK_TEST, owner=owner, at=at, data={"endpointId": endpoint_id})
    await fetch_within(
        connection,
        """
        WITH added AS (
            INSERT INTO webhook_messages (id, owner, event, body, created_at) VALUES ($2, $3, $4, $5, $6) RETURNING id
        )
        INSERT INTO webhook_deliveries (endpoint_id, message_id, next_at) SELECT $1, id, clock_timestamp() FROM added
        """,
        endpoint_id,
        f"msg_{uuid4().hex}",
        owner,
        message.event,
        message.body,
        at,
    )


async def delete_old_messages(database: Database) -> int:
    """Deletes a batch of messages older than `KEPT`, with their deliveries. Returns how many."""
    rows = await database.fetch(_DELETE_OLD, KEPT, BATCH)
    return len(rows)


_DELETE_OLD = """
    DELETE FROM webhook_messages WHERE id = ANY (ARRAY(
        SELECT id FROM webhook_messages WHERE created_at < statement_timestamp() - $1::interval
        ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ))
    RETURNING id
"""
