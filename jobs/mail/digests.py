"""Digests: what one mail lists. Which notices are to be mailed, who mails them now, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from jobs.database import Database
from jobs.notices import NoticeKind

MAX_LISTED = 100
"""Notices that one mail lists. The others follow in the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailedNotice:
    """A notice that was opened, or has grown, since the last mail. Times are UTC."""

    id: int
    kind: NoticeKind
    message: str
    job_id: UUID | None
    count: int
    mailed_count: int
    """How often it had happened when it was mailed last; 0: it is mailed for the first time."""
    first_at: datetime
    last_at: datetime
    acknowledged_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The notices of a mail, in the order in which they were opened, and how many more wait for the next one."""

    notices: tuple[MailedNotice, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """This process sends the next mail. `failures`: how many attempts have failed in a row before."""

    lease: str
    failures: int


async def start_mail(database: Database, now: datetime) -> None:
    """Records that mail is switched on. The first time, what was closed before counts as mailed."""
    await database.fetch(_START, now)


_START = """
    WITH started AS (UPDATE notice_mail SET started_at = $1 WHERE started_at IS NULL RETURNING id)
    UPDATE notices SET mailed_count = count WHERE closed_at IS NOT NULL AND EXISTS (SELECT FROM started)
"""


async def claim_mail(database: Database, now: datetime, lease: float) -> Claim | None:
    """Claims the next mail for `lease` seconds, if there may be something to send. None if not, or if another process does.

    After these seconds whoever has not recorded what became of it is taken for dead.
    """
    rows = await database.fetch(_CLAIM, now, now + timedelta(seconds=lease), uuid4().hex)
    return Claim(lease=rows[0]["lease"], failures=rows[0]["failures"]) if rows else None


_CLAIM = """
    UPDATE notice_mail SET lease = $3, lease_until = $2
    WHERE not_before <= $1 AND (lease_until IS NULL OR lease_until <= $1)
        AND (EXISTS (SELECT FROM notices WHERE mailed_count < count) OR EXISTS (SELECT FROM notice_reports))
    RETURNING lease, failures
"""


async def read_digest(database: Database) -> Digest:
    """The notices that are to be mailed, also those that are over by now, `MAX_LISTED` at most."""
    rows = await database.fetch(_READ, MAX_LISTED)
    return Digest(notices=tuple(_notice_of(row) for row in rows), more=rows[0]["total"] - len(rows) if rows else 0)


_READ = """
    SELECT *, count(*) OVER () AS total FROM notices WHERE mailed_count < count ORDER BY id LIMIT $1
"""


def _notice_of(row: Mapping[str, Any]) -> MailedNotice:
    return MailedNotice(**{name: row[name] for name in MailedNotice.__slots__} | {"kind": NoticeKind(row["kind"])})


async def release_mail(database: Database, claim: Claim) -> None:
    """Gives a claim back: there was nothing to send."""
    await database.fetch("UPDATE notice_mail SET lease = NULL, lease_until = NULL WHERE lease = $1", claim.lease)


async def record_sent(database: Database, claim: Claim, digest: Digest, now: datetime, pause: float) -> None:
    """Records that the mail was sent, and that the next one follows after `pause` seconds at the earliest."""
    ids, counts = [one.id for one in digest.notices], [one.count for one in digest.notices]
    await database.fetch(_SENT, claim.lease, now, now + timedelta(seconds=pause), ids, counts)


_SENT = """
    WITH sent AS (
        UPDATE notice_mail
        SET lease = NULL, lease_until = NULL, sent_at = $2, not_before = $3, failures = 0, reason = NULL
        WHERE lease = $1
    )
    UPDATE notices SET mailed_count = greatest(notices.mailed_count, mailed.count)
    FROM unnest($4::bigint[], $5::integer[]) AS mailed (id, count) WHERE notices.id = mailed.id
"""


async def record_failed(database: Database, claim: Claim, reason: str, not_before: datetime) -> None:
    """Records why the mail could not be sent, and when it is tried again."""
    await database.fetch(_FAILED, claim.lease, reason, not_before)


_FAILED = """
    UPDATE notice_mail SET lease = NULL, lease_until = NULL, failures = failures + 1, reason = $2, not_before = $3
    WHERE lease = $1
"""


async def find_failure(database: Database) -> str | None:
    """Why the last mail could not be sent; None if it was, or if there was none."""
    rows = await database.fetch("SELECT reason FROM notice_mail WHERE failures > 0")
    return rows[0]["reason"] if rows else None
