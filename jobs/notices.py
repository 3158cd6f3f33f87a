"""Notices: what operators should know of. One that repeats is one row with a count, until somebody acknowledges it.

    await raise_notice(connection, Notice(kind=NoticeKind.DEAD, key="dead:upload:storage", message="…", job_id=job.id))

There are two sorts. An *event* (a dead job, an infected upload) is raised in the transaction of the transition that it is
about; it is closed by whoever acknowledges it, and the next one with its key opens another notice. A *condition* (no
worker, a scanner that does not respond) is raised again and again while it lasts. It is closed by `close_condition`, or by
itself when it has not been raised for a while, and an acknowledgement only marks it as seen.

Operators' webhooks are told of each notice that opens, and of no repetition of it. Mail lists both (`jobs.mail`).

To raise a notice is to insert a report, which waits for nobody. `gather_reports` makes notices of them afterwards: a
thousand jobs that die at the same time would wait for one another if each counted itself in the row that they share.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.errors import NoticeNotFound
from jobs.schema import TimestampTz, metadata, one_of, quoted
from jobs.webhooks.messages import EventName, NewMessage
from jobs.webhooks.recording import add_messages

log = structlog.get_logger()

KEPT = timedelta(days=90)
"""How long closed notices are kept."""
BATCH = 1_000
"""Rows that are gathered or deleted with one statement."""
MAX_MESSAGE = 1_000
"""Characters of a message; the rest is cut off."""


class NoticeKind(StrEnum):
    """What a notice is about."""

    DEAD = "dead"
    """Jobs ran out of attempts on possibly temporary errors."""
    INFECTED = "infected"
    """The virus scanner has found something in an upload."""
    UNSCANNABLE = "unscannable"
    """An upload was refused because the virus scanner could not read all of it."""
    NO_WORKER = "no_worker"
    """Jobs are queued that no running worker does."""
    SCANNER_AWAY = "scanner_away"
    """The virus scanner does not work: uploads wait."""
    NO_SANDBOX = "no_sandbox"
    """A worker can't confine the programs that process files: it does not process any."""
    DISK = "disk"
    """The folder for temporary files of a worker is nearly full."""
    QUEUE_PAUSED = "queue_paused"
    """Jobs wait since an operator has paused their queue, and for long."""
    MAIL_FAILED = "mail_failed"
    """Notices could not be mailed."""

    @property
    def is_condition(self) -> bool:
        """It lasts until its cause is gone, and is raised again meanwhile."""
        return self in CONDITIONS


CONDITIONS = frozenset(
    {
        NoticeKind.NO_WORKER,
        NoticeKind.SCANNER_AWAY,
        NoticeKind.NO_SANDBOX,
        NoticeKind.DISK,
        NoticeKind.QUEUE_PAUSED,
        NoticeKind.MAIL_FAILED,
    }
)

notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),  # what is the same notice: unique until it is closed
    Column("message", Text, nullable=False),  # for operators, of the last time
    Column("job_id", Uuid),  # the last job that it was about, which may be deleted by now
    Column("count", Integer, nullable=False, server_default="1"),  # how often an event happened; 1 for a condition
    Column("first_at", TimestampTz, nullable=False),
    Column("last_at", TimestampTz, nullable=False),
    Column("acknowledged_at", TimestampTz),
    Column("acknowledged_by", Text),  # the user's name
    Column("closed_at", TimestampTz),  # when an event was acknowledged, or a condition was over
    Column("mailed_count", Integer, nullable=False, server_default="0"),  # the count that was mailed last
    one_of("kind", NoticeKind),
)
Index("notices_key", notices.c.key, unique=True, postgresql_where=notices.c.closed_at.is_(None))
Index("notices_unmailed", notices.c.id, postgresql_where=notices.c.mailed_count < notices.c.count)
Index("notices_closed", notices.c.closed_at, postgresql_where=notices.c.closed_at.is_not(None))

notice_reports = Table(
    "notice_reports",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("job_id", Uuid),
    Column("at", TimestampTz, nullable=False),
    one_of("kind", NoticeKind),
)
"""What was raised since reports were gathered last. Mostly empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is to be raised. Those with the same `key` are one notice until it is closed.

    `message` is a sentence for operators. It may name files and hosts, but holds no secrets.
    """

    kind: NoticeKind
    key: str
    message: str
    job_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedNotice:
    """A notice as it is stored. Times are UTC, from the database's clock."""

    id: int
    kind: NoticeKind
    key: str
    message: str
    job_id: UUID | None
    count: int
    first_at: datetime
    last_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Nobody has acknowledged it, and its cause is not gone."""
        return self.acknowledged_at is None and self.closed_at is None


async def raise_notice(connection: AsyncConnection, *raised: Notice) -> None:
    """Reports that something happened, or lasts, in the transaction of what it is about. It waits for no lock."""
    if raised:
        columns = zip(*((one.kind, one.key, one.message[:MAX_MESSAGE], one.job_id) for one in raised), strict=True)
        await fetch_within(connection, _REPORT, *map(list, columns))


_REPORT = """
    INSERT INTO notice_reports (kind, key, message, job_id, at)
    SELECT *, clock_timestamp() FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[])
"""


async def gather_reports(database: Database) -> None:
    """Makes notices of what was reported: opens them, or counts in those that are open. Any process may, at any time.

    Reports that another process is gathering are waited for, so that a list that is read afterwards has them.
    """
    while True:
        async with database.begin() as connection:
            rows = await fetch_within(connection, _GATHER, BATCH)
            await add_messages(connection, *(_message_of(row) for row in rows if row["is_new"]))
        for row in rows:
            if row["is_new"]:
                log.warning("notice_opened", kind=row["kind"], key=row["key"], message=row["message"])
        if sum(row["reports"] for row in rows) < BATCH:
            return


def _message_of(row: Mapping[str, Any]) -> NewMessage:
    data = {
        "kind": row["kind"],
        "message": row["message"],
        "count": row["reports"],
        "jobId": None if row["job_id"] is None else str(row["job_id"]),
    }
    return NewMessage(event=EventName.NOTICE_OPENED, owner=None, at=row["at"], data=data, job_id=row["job_id"])


_IS_CONDITION = f"kind IN ({quoted(sorted(CONDITIONS))})"
_GATHER = f"""
    WITH report AS (
        DELETE FROM notice_reports WHERE number = ANY (ARRAY(
            SELECT number FROM notice_reports ORDER BY number LIMIT $1 FOR UPDATE
        ))
        RETURNING *
    ), last AS (
        SELECT DISTINCT ON (key) *, count(*) OVER of_key AS reports, min(at) OVER of_key AS first_at
        FROM report WINDOW of_key AS (PARTITION BY key)
        ORDER BY key, number DESC
    ), gathered AS (
        INSERT INTO notices AS open (kind, key, message, job_id, count, first_at, last_at)
        SELECT kind, key, message, job_id, CASE WHEN {_IS_CONDITION} THEN 1 ELSE reports END, first_at, at
        FROM last ORDER BY key
        ON CONFLICT (key) WHERE closed_at IS NULL DO UPDATE SET
            message = excluded.message,
            job_id = excluded.job_id,
            count = CASE WHEN open.{_IS_CONDITION} THEN 1 ELSE open.count + excluded.count END,
            last_at = excluded.last_at
        RETURNING key, xmax = 0 AS is_new
    )
    SELECT kind, key, message, job_id, reports, is_new, at FROM last JOIN gathered USING (key)
"""  # noqa: S608 - ours


async def close_condition(connection: AsyncConnection, key: str) -> None:
    """Closes the condition with this key, if it is open: its cause is gone."""
    await fetch_within(connection, "DELETE FROM notice_reports WHERE key = $1", key)
    await fetch_within(connection, _CLOSE, key)


_CLOSE = "UPDATE notices SET closed_at = clock_timestamp() WHERE key = $1 AND closed_at IS NULL"


async def close_silent(database: Database, silence: float) -> list[str]:
    """Closes the conditions that nobody has raised for `silence` seconds. Returns their keys.

    So it does not matter which of many workers have seen a condition, and whether they still run.
    """
    return [row["key"] for row in await database.fetch(_CLOSE_SILENT, silence)]


_CLOSE_SILENT = f"""
    UPDATE notices SET closed_at = clock_timestamp() WHERE id = ANY (ARRAY(
        SELECT id FROM notices
        WHERE closed_at IS NULL AND {_IS_CONDITION} AND last_at < statement_timestamp() - make_interval(secs => $1)
        ORDER BY key FOR UPDATE SKIP LOCKED
    ))
    RETURNING key
"""  # noqa: S608 - ours


async def acknowledge(database: Database, notice_id: int, user: str) -> RaisedNotice:
    """Records that the user has seen the notice, which closes an event. Again, it changes nothing.

    What was reported since the notice was read opens another one. Raises `NoticeNotFound`.
    """
    rows = await database.fetch(_ACKNOWLEDGE, notice_id, user)
    if not rows:
        raise NoticeNotFound(f"There is no notice {notice_id}.")
    return _notice_of(rows[0])


_ACKNOWLEDGE = f"""
    UPDATE notices SET
        acknowledged_at = coalesce(acknowledged_at, statement_timestamp()),
        acknowledged_by = coalesce(acknowledged_by, $2),
        closed_at = CASE WHEN {_IS_CONDITION} THEN closed_at ELSE coalesce(closed_at, statement_timestamp()) END
    WHERE id = $1
    RETURNING *
"""  # noqa: S608 - ours


async def list_notices(database: Database, *, only_open: bool, before: int | None, limit: int) -> list[RaisedNotice]:
    """The notices that were opened last first, those with an id below `before`; None: from the newest on.

    What was reported until now is gathered before, so that the first page has it.
    """
    if before is None:
        await gather_reports(database)
    return [_notice_of(row) for row in await database.fetch(_LIST, only_open, before, limit)]


_LIST = """
    SELECT * FROM notices
    WHERE (NOT $1 OR closed_at IS NULL AND acknowledged_at IS NULL) AND ($2::bigint IS NULL OR id < $2)
    ORDER BY id DESC LIMIT $3
"""


async def delete_old_notices(database: Database) -> int:
    """Deletes a batch of notices that were closed more than `KEPT` ago. Returns how many: fewer than `BATCH` at the end."""
    rows = await database.fetch(_DELETE_OLD, KEPT, BATCH)
    return len(rows)


_DELETE_OLD = """
    DELETE FROM notices WHERE id = ANY (ARRAY(
        SELECT id FROM notices WHERE closed_at < statement_timestamp() - $1::interval
        ORDER BY closed_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ))
    RETURNING id
"""


def _notice_of(row: Mapping[str, Any]) -> RaisedNotice:
    fields: Collection[str] = RaisedNotice.__slots__
    return RaisedNotice(**{name: row[name] for name in fields} | {"kind": NoticeKind(row["kind"])})
