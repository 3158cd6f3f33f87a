"""Users: the owners of jobs and files, with their roles and groups. There are no passwords."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jobs.access.revocations import revoke
from jobs.database import Database, fetch_within
from jobs.errors import InvalidRequest, UserNotFound
from jobs.owners import ANONYMOUS, PURGED
from jobs.webhooks.endpoints import delete_endpoints

CENTURY = 100 * 365 * 24 * 3600.0
"""Seconds for which credentials of a deleted user stay revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    name: str
    role: str
    groups: frozenset[str]
    plan: str | None
    """Its plan; None if its groups decide."""
    created_at: datetime


async def save_user(
    database: Database,
    name: str,
    role: str | None = None,
    groups: Collection[str] | None = None,
    plan: str | None = None,
) -> bool:
    """Adds the user, or changes its role, groups and plan; None leaves them as they are. A new user has role `user`.

    A user who was purged is let in again, but not with the credentials from before. Returns whether anything was recorded
    that gateways should read at once.
    """
    async with database.begin() as connection:
        before = await fetch_within(
            connection, "SELECT role, groups, plan FROM access_users WHERE name = $1 FOR UPDATE", name
        )
        after = await fetch_within(connection, _SAVE, name, role, None if groups is None else sorted(groups), plan)
        if before and before != after:
            recorded, lifetime = changed_id(name), CHANGE_KEPT
        elif not before and await fetch_within(connection, _FIND_PURGE, f"user:{name}"):
            recorded, lifetime = restored_id(name), CENTURY
        else:
            return False
        await revoke(connection, [recorded], lifetime)
        return True


def changed_id(name: str) -> str:
    """Recorded as a revocation when a user's role, groups, plan or jobs have changed: gateways forget their verdicts of the
    user, and end its streams, which then begin again with the rights of now."""
    return f"changed:{name}"


CHANGE_KEPT = 3600.0
"""Seconds for which changes are recorded: gateways that were not there need not know of them."""


def restored_id(name: str) -> str:
    """Recorded as a revocation when a purged user is added again: a proxy's users, who have no credential that is issued,
    are let in by it."""
    return f"restored:{name}"


_FIND_PURGE = "SELECT FROM access_revocations WHERE revoked = $1 LIMIT 1"


_SAVE = """
    INSERT INTO access_users (name, role, groups, plan)
    VALUES ($1, coalesce($2, 'user'), coalesce($3::text[], '{}'), $4)
    ON CONFLICT (name) DO UPDATE SET
        role = coalesce($2, access_users.role), groups = coalesce($3::text[], access_users.groups),
        plan = coalesce($4, access_users.plan)
    RETURNING role, groups, plan
"""


async def list_users(database: Database) -> list[User]:
    """All users, by name."""
    rows = await database.fetch("SELECT * FROM access_users ORDER BY name")
    return [
        User(
            name=row["name"],
            role=row["role"],
            groups=frozenset(row["groups"]),
            plan=row["plan"],
            created_at=row["created_at"],
        )
        for row in rows
    ]


async def adopt(database: Database, source: str, target: str) -> tuple[int, int]:
    """Gives all jobs and files of one owner to another. Returns how many jobs and files.

    A job whose Idempotency-Key the other owner has used, too, loses its key. Raises `UserNotFound` unless there is such a
    user.
    """
    async with database.begin() as connection:
        if not await fetch_within(connection, "SELECT FROM access_users WHERE name = $1", target):
            raise UserNotFound(f"There is no user {target!r}. Create one with `haulage users add`.")
        await fetch_within(connection, _FREE_KEYS, source, target)
        jobs = await fetch_within(
            connection, "UPDATE jobs SET owner = $2 WHERE owner = $1 RETURNING id", source, target
        )
        files = await fetch_within(
            connection, "UPDATE stored_files SET owner = $2 WHERE owner = $1 RETURNING id", source, target
        )
        await fetch_within(
            connection,
            "UPDATE download_jobs SET reader = jsonb_set(reader, '{owner}', to_jsonb($2::text))"
            " WHERE reader ->> 'owner' = $1",
            source,
            target,
        )
        await revoke(connection, [ADOPTED, changed_id(source)], CHANGE_KEPT)
    return len(jobs), len(files)


ADOPTED = "jobs:adopted"
"""Recorded as a revocation when jobs have got another owner: gateways then forget what they remember of owners."""

_FREE_KEYS = """
    UPDATE jobs SET idempotency_key = NULL, request_digest = NULL
    WHERE owner = $1 AND idempotency_key IN (SELECT idempotency_key FROM jobs WHERE owner = $2)
"""


def check_purgeable(name: str) -> None:
    """Raises `InvalidRequest` for an owner who is no user."""
    if name in {ANONYMOUS, PURGED}:
        raise InvalidRequest(f"{name!r} is no user, and can't be removed.")


async def revoke_user(database: Database, name: str) -> None:
    """Ends all credentials of a user, also those that others have issued and that have no row here."""
    async with database.begin() as connection:
        await revoke(connection, [f"user:{name}"], CENTURY)


async def jobs_of(database: Database, name: str) -> list[tuple[UUID, str]]:
    """Ids and statuses of all jobs of an owner that people can see."""
    rows = await database.fetch("SELECT id, status FROM jobs WHERE owner = $1 AND deleted_at IS NULL", name)
    return [(row["id"], row["status"]) for row in rows]


async def purge(database: Database, name: str) -> tuple[int, int]:
    """Deletes a user with its keys, sessions and webhooks, and makes its files private.

    Returns how many jobs and files it had.

    Its jobs belong to `PURGED` afterwards. What the user added to the catalogue stays, for operators to delete or to give
    to another user. Users of a proxy, of other issuers and of grants need no row here: their credentials are revoked, too.
    Raises `UserNotFound` if there is no such user, job or file, when that is done. Raises `InvalidRequest`.
    """
    check_purgeable(name)
    async with database.begin() as connection:
        user = await fetch_within(connection, "DELETE FROM access_users WHERE name = $1 RETURNING name", name)
        jobs = await fetch_within(
            connection,
            "UPDATE jobs SET owner = $2, idempotency_key = NULL, request_digest = NULL WHERE owner = $1 RETURNING id",
            name,
            PURGED,
        )
        files = await fetch_within(
            connection,
            "UPDATE stored_files SET visibility = 'private', groups = '{}' WHERE owner = $1 RETURNING id",
            name,
        )
        await delete_endpoints(connection, name)
        await revoke(connection, [f"user:{name}"], CENTURY)
        await revoke(connection, [ADOPTED], CHANGE_KEPT)
    if not (user or jobs or files):
        raise UserNotFound(
            f"There is no user {name!r}, and nothing belongs to it. Tokens of this name that other issuers have signed are"
            " revoked."
        )
    return len(jobs), len(files)
