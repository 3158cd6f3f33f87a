"""Bulk actions of operators: one command for all jobs that match a filter. Pure; `jobs.engine.bulk_runs` does them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from jobs.engine.job_filters import JobFilter
from jobs.engine.jobs import Status
from jobs.engine.transitions import Cancel, Delete, Retry, sources
from jobs.kinds import Kind


class BulkCommand(StrEnum):
    """What is done to each of the jobs, by the state machine."""

    RETRY = "retry"
    """Queue ended jobs again, as batch jobs: behind all others of their kind."""
    CANCEL = "cancel"
    """Cancel jobs that have not ended."""
    DELETE = "delete"
    """Soft-delete dead jobs."""


class BulkState(StrEnum):
    """How far a bulk action is."""

    WAITING = "waiting"
    """Nothing has been done yet: it can be undone until it starts."""
    RUNNING = "running"
    """Workers do it, batch by batch."""
    COMPLETED = "completed"
    """Every job was reached."""
    CANCELLED = "cancelled"
    """Somebody has stopped it. What was done before stays done."""


OPEN = (BulkState.WAITING, BulkState.RUNNING)
"""The states of an action of which something is left to do."""
CHANGED = "changed"
"""Why a job was left alone that no longer matched the filter when it was reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkAction:
    """A bulk action as PostgreSQL has it. Times are UTC, from the database's clock."""

    id: int
    command: BulkCommand
    filter: JobFilter
    """As it was requested."""
    state: BulkState
    total: int
    """How many jobs matched when it was created. No other job is touched."""
    done: int
    """How many of them the command was applied to."""
    failed: int
    """How many were left alone, since the command was not possible any more."""
    reasons: Mapping[str, int]
    """Why they were: how many for each error code, or `changed`."""
    created_by: str
    created_at: datetime
    starts_at: datetime
    finished_at: datetime | None
    stopped_by: str | None


def applicable(wanted: JobFilter, command: BulkCommand) -> JobFilter | None:
    """The same filter without jobs that are in no state for the command; None if it leaves none."""
    match command:
        case BulkCommand.RETRY:
            statuses = sources(Retry)
        case BulkCommand.CANCEL:
            statuses = sources(Cancel)
        case BulkCommand.DELETE:
            statuses, wanted = sources(Delete), replace(wanted, dead=True)
    statuses &= wanted.matched_statuses
    return replace(wanted, statuses=statuses) if statuses else None


def filter_as_json(wanted: JobFilter) -> dict[str, Any]:
    """The filter as it is stored, and as the API has it."""
    return {
        "q": wanted.text,
        "status": sorted(wanted.statuses),
        "kind": sorted(wanted.kinds),
        "owner": wanted.owner,
        "since": wanted.since and wanted.since.isoformat(),
        "until": wanted.until and wanted.until.isoformat(),
        "dead": wanted.dead,
    }


def filter_of_json(stored: Mapping[str, Any]) -> JobFilter:
    """The filter that was stored."""
    since, until = stored["since"], stored["until"]
    return JobFilter(
        text=stored["q"],
        statuses=frozenset(map(Status, stored["status"])),
        kinds=frozenset(map(Kind, stored["kind"])),
        owner=stored["owner"],
        since=since and datetime.fromisoformat(since),
        until=until and datetime.fromisoformat(until),
        dead=stored["dead"],
    )


def described(wanted: JobFilter) -> str:
    """The filter for people who read the audit log: the conditions that it has."""
    conditions = [
        f"{name}={','.join(value) if isinstance(value, list) else value}"
        for name, value in filter_as_json(wanted).items()
        if value
    ]
    return " ".join(conditions) or "all"
