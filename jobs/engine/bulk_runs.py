"""Bulk actions: created by operators, and done in the background by the sweepers of workers, batch by batch.

A batch is one transaction: it removes the batch from what is left of the action, moves each of its jobs by the state
machine, and counts them. So a worker that is killed leaves nothing half-done, and no batch is done twice. A lease keeps all
but one worker from an action: several would only hold up the jobs that run meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.access.audit import Action, record_within
from jobs.database import Database
from jobs.engine.bulk_actions import CHANGED, BulkAction, BulkCommand, BulkState, applicable, described
from jobs.engine.job_filters import JobFilter
from jobs.engine.lifecycle import Lifecycle, Moved
from jobs.engine.sql import bulk_actions as sql
from jobs.engine.sql.job_filters import JobFinder
from jobs.engine.sql.sweeps import Locked
from jobs.engine.transitions import Cancel, Command, Delete, Retry
from jobs.errors import ActionEnded, ActionNotFound, CountChanged, IllegalTransition
from jobs.kinds import Kind

log = structlog.get_logger()

UNDO_WINDOW = 5.0
"""Seconds after its creation in which an action can be undone, since nothing has been done yet."""
BATCH = 50
"""Jobs that are moved in one transaction."""
LEASE = 10.0
"""Seconds after its last batch until another worker continues the action of one that was killed."""
LISTED = 50
"""The latest actions that are listed."""

RetryCheck = Callable[[AsyncConnection, UUID], Awaitable[None]]
"""What a kind requires of a job that is retried, besides its state. Raises `IllegalTransition`."""

_COMMANDS: dict[BulkCommand, Command] = {
    BulkCommand.RETRY: Retry(),
    BulkCommand.CANCEL: Cancel(),
    BulkCommand.DELETE: Delete(),
}


class BulkRuns:
    """Creates bulk actions, and does them. Every method raises `DatabaseUnavailable` if the database is unavailable."""

    def __init__(
        self,
        database: Database,
        lifecycle: Lifecycle,
        finder: JobFinder,
        retry_checks: Mapping[Kind, RetryCheck],
        undo_window: float = UNDO_WINDOW,
    ) -> None:
        self._database = database
        self._lifecycle = lifecycle
        self._finder = finder
        self._retry_checks = retry_checks
        self._undo_window = undo_window

    # --- for operators -------------------------------------------------------------------------------------------------

    async def create(
        self, command: BulkCommand, wanted: JobFilter, expected: int, user: str, audit: Action | None
    ) -> BulkAction:
        """Creates an action for the jobs that match now, except those that are in no state for the command.

        It starts in `undo_window` seconds. `audit`: the entry that is recorded with it, without its subject. Raises
        `CountChanged` if the jobs are more than `expected`: then nothing was created.
        """
        chosen = applicable(wanted, command)
        ids = None if chosen is None else await self._finder.select_ids(self._database, chosen)
        async with self._database.begin() as connection:
            action = await sql.insert_action(connection, command, wanted, user, self._undo_window)
            total = 0 if ids is None else await sql.add_jobs(connection, action.id, ids, BATCH)
            if total > expected:
                raise CountChanged(
                    f"{total:,} jobs match now, not {expected:,}. Nothing was done. Check them, and confirm the new count.",
                    total,
                )
            await _record(connection, audit, f"{action.id}: {command} of {total} jobs, {described(wanted)}")
        log.info("action_created", action_id=action.id, command=command, jobs=total)
        return replace(action, total=total)

    async def read(self, action_id: int) -> BulkAction:
        """The action as it is now. Raises `ActionNotFound`."""
        async with self._database.reading() as connection:
            return await _existing(connection, action_id)

    async def latest(self) -> list[BulkAction]:
        """The latest actions first, `LISTED` of them."""
        return await sql.list_actions(self._database, LISTED)

    async def stop(self, action_id: int, user: str, audit: Action | None) -> BulkAction:
        """Stops the action: what it has done stays. Again, it changes nothing.

        When it returns, no further job is moved. Raises `ActionNotFound`, and `ActionEnded` if all of it was done.
        """
        async with self._database.begin() as connection:
            stopped = await sql.stop_action(connection, action_id, user)
            if stopped is not None:
                await _record(connection, audit, f"{stopped.id}: {stopped.done} of {stopped.total} jobs were done")
                log.info("action_stopped", action_id=action_id, done=stopped.done)
                return stopped
            action = await _existing(connection, action_id)
        if action.state is BulkState.CANCELLED:
            return action
        raise ActionEnded(f"Action {action_id} is completed: it can't be stopped any more.")

    # --- for sweepers --------------------------------------------------------------------------------------------------

    async def continue_next(self, worker: str) -> bool:
        """Does the next batch of an action that is due. Returns False if there is none that is left to this worker."""
        async with self._database.begin() as connection:
            action = await sql.lock_next(connection, worker, LEASE)
            if action is None:
                return False
            moved, reasons = await self._move_batch(connection, action)
            await sql.record_batch(connection, action, len(moved), reasons)
        await self._lifecycle.announce(moved)
        return True

    async def _move_batch(self, connection: AsyncConnection, action: BulkAction) -> tuple[list[Moved], Counter[str]]:
        """Moves the jobs of the next batch. Returns them, and why how many others were left alone."""
        job_ids = await sql.take_batch(connection, action.id)
        chosen = applicable(action.filter, action.command)
        locked = await sql.lock_jobs(connection, chosen, job_ids) if chosen is not None and job_ids else []
        reasons = Counter({CHANGED: len(job_ids) - len(locked)})
        if action.command is BulkCommand.RETRY:
            locked, refused = await self._retryable(connection, locked)
            reasons.update(refused)
        moved, illegal = await self._lifecycle.move_locked(connection, locked, _COMMANDS[action.command])
        reasons.update(error.code for error in illegal)
        return moved, +reasons

    async def _retryable(self, connection: AsyncConnection, locked: Locked) -> tuple[Locked, Counter[str]]:
        """The jobs to whose retry their kinds do not object, and how many others there are, by error code."""
        kept: Locked = []
        refused: Counter[str] = Counter()
        for job, now in locked:
            try:
                if job.kind in self._retry_checks:
                    await self._retry_checks[job.kind](connection, job.id)
                kept.append((job, now))
            except IllegalTransition as error:
                refused[error.code] += 1
        return kept, refused


async def _existing(connection: AsyncConnection, action_id: int) -> BulkAction:
    action = await sql.find_action(connection, action_id)
    if action is None:
        raise ActionNotFound(f"There is no action {action_id}.")
    return action


async def _record(connection: AsyncConnection, audit: Action | None, subject: str) -> None:
    """Adds an entry to the audit log, in the transaction of what it is about; none in `AUTH_MODE=open`."""
    if audit is not None:
        await record_within(connection, replace(audit, subject=subject))
