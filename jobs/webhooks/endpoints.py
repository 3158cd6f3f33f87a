"""The endpoints: where messages are sent to. Times are UTC."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.errors import TooManyWebhooks, WebhookNotFound
from jobs.webhooks.messages import EventName
from jobs.webhooks.recording import add_test
from jobs.webhooks.signatures import KEY_SIZE, SigningKeys

MAX_ENDPOINTS = 20
"""Endpoints of one owner, and of the operators."""
OVERLAP = timedelta(hours=24)
"""How long requests are signed with the keys of before a rotation, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint of a user; with `owner` None, of the operators."""

    id: str
    owner: str | None
    url: str
    events: tuple[EventName, ...]
    description: str
    created_by: str
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str | None
    failures: int
    """Attempts in a row that got no proper response."""
    not_before: datetime
    """Nothing is sent to it before."""
    keys: SigningKeys


async def add_endpoint(
    database: Database,
    *,
    owner: str | None,
    url: str,
    events: Collection[EventName],
    description: str,
    created_by: str,
) -> Endpoint:
    """Adds an endpoint with new keys. Raises `TooManyWebhooks`."""
    async with database.begin() as connection:
        await fetch_within(connection, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"webhooks:{owner}")
        [(count,)] = await fetch_within(
            connection, "SELECT count(*) FROM webhook_endpoints WHERE owner IS NOT DISTINCT FROM $1", owner
        )
        if count >= MAX_ENDPOINTS:
            raise TooManyWebhooks(
                f"There are {count} webhooks, which is the limit. Delete one that is no longer needed."
            )
        rows = await fetch_within(
            connection,
            """
            INSERT INTO webhook_endpoints
                (id, owner, url, events, description, secret, private_key, created_by, created_at, not_before)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, statement_timestamp(), statement_timestamp())
            RETURNING *
            """,
            f"wh_{secrets.token_hex(8)}",
            owner,
            url,
            sorted(events),
            description,
            secrets.token_bytes(KEY_SIZE),
            secrets.token_bytes(KEY_SIZE),
            created_by,
        )
    return _endpoint_of(rows[0])


async def list_endpoints(database: Database, owners: Sequence[str | None]) -> list[Endpoint]:
    """The endpoints of these owners, the oldest first."""
    rows = await database.fetch(f"SELECT * FROM webhook_endpoints WHERE {_OF} ORDER BY created_at, id", *_of(owners))  # noqa: S608 - ours
    return [_endpoint_of(row) for row in rows]


async def find_endpoint(database: Database, endpoint_id: str, owners: Sequence[str | None]) -> Endpoint:
    """The endpoint, if it is of one of these owners. Raises `WebhookNotFound`."""
    return _only(await database.fetch(_FIND, *_of(owners), endpoint_id), endpoint_id)


async def delete_endpoint(database: Database, endpoint_id: str, owners: Sequence[str | None]) -> None:
    """Deletes it, with what it has not got yet. Raises `WebhookNotFound`."""
    rows = await database.fetch(
        f"DELETE FROM webhook_endpoints WHERE {_OF} AND id = $3 RETURNING *",  # noqa: S608 - ours
        *_of(owners),
        endpoint_id,
    )
    _only(rows, endpoint_id)


async def delete_endpoints(connection: AsyncConnection, owner: str) -> None:
    """Deletes all endpoints of a user, in the transaction that deletes the user."""
    await fetch_within(connection, "DELETE FROM webhook_endpoints WHERE owner = $1", owner)


async def rotate_keys(database: Database, endpoint_id: str, owners: Sequence[str | None]) -> Endpoint:
    """Gives it new keys. Those of before sign for `OVERLAP` longer, too. Raises `WebhookNotFound`."""
    rows = await database.fetch(
        f"""
        UPDATE webhook_endpoints SET
            old_secret = secret, old_private_key = private_key, old_until = statement_timestamp() + $4::interval,
            secret = $5, private_key = $6
        WHERE {_OF} AND id = $3
        RETURNING *
        """,  # noqa: S608 - ours
        *_of(owners),
        endpoint_id,
        OVERLAP,
        secrets.token_bytes(KEY_SIZE),
        secrets.token_bytes(KEY_SIZE),
    )
    return _only(rows, endpoint_id)


async def enable_endpoint(database: Database, endpoint_id: str, owners: Sequence[str | None]) -> Endpoint:
    """Sends messages to it again, also those that have waited, and at once. Raises `WebhookNotFound`."""
    rows = await database.fetch(
        f"""
        UPDATE webhook_endpoints
        SET disabled_at = NULL, disabled_reason = NULL, failures = 0, not_before = statement_timestamp()
        WHERE {_OF} AND id = $3
        RETURNING *
        """,  # noqa: S608 - ours
        *_of(owners),
        endpoint_id,
    )
    return _only(rows, endpoint_id)


async def send_test(database: Database, endpoint_id: str, owners: Sequence[str | None]) -> None:
    """Sends a test message to it. Raises `WebhookNotFound`."""
    async with database.begin() as connection:
        rows = await fetch_within(connection, f"{_FIND} FOR KEY SHARE", *_of(owners), endpoint_id)
        endpoint = _only(rows, endpoint_id)  # locked, so that it is not deleted before the message is added
        [(now,)] = await fetch_within(connection, "SELECT clock_timestamp()")
        await add_test(connection, endpoint.id, endpoint.owner, now)


_OF = "(owner = ANY ($1::text[]) OR $2 AND owner IS NULL)"
_FIND = f"SELECT * FROM webhook_endpoints WHERE {_OF} AND id = $3"  # noqa: S608 - ours


def _of(owners: Sequence[str | None]) -> tuple[list[str], bool]:
    return [owner for owner in owners if owner is not None], None in owners


def _only(rows: Sequence[Mapping[str, Any]], endpoint_id: str) -> Endpoint:
    if not rows:
        raise WebhookNotFound(f"There is no webhook {endpoint_id}.")
    return _endpoint_of(rows[0])


def _endpoint_of(row: Mapping[str, Any]) -> Endpoint:
    own = {name: row[name] for name in Endpoint.__slots__ if name not in {"keys", "events"}}
    return Endpoint(
        **own,
        events=tuple(EventName(name) for name in row["events"]),
        keys=SigningKeys(row["secret"], row["private_key"]),
    )
