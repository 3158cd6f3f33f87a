"""The outcome of an attempt: what it means for the job, and whether the attempt is charged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from jobs.engine.engine import Engine
from jobs.engine.jobs import Batch, Failure, Job
from jobs.engine.worker.work import Success
from jobs.errors import (
    STORAGE_OUTAGES,
    AttemptTimeout,
    DatabaseUnavailable,
    ErrorClass,
    HaulageError,
    IllegalTransition,
    JobNotFound,
    ResultGone,
    SandboxUnavailable,
    ScannerUnavailable,
    ScratchFull,
    SourceUnavailable,
    StaleFence,
    StorageBusy,
)
from jobs.metrics import ATTEMPTS
from jobs.notices import Notice

log = structlog.get_logger()

RETRY_PAUSE = 0.5
"""Seconds between two attempts to write an outcome."""
STORAGE_PAUSE = 5.0
"""Seconds before a job that was parked because of the store may run again."""
SCANNER_PAUSE = 5.0
"""Seconds before a job that was parked because of the virus scanner may run again."""
SANDBOX_PAUSE = 5.0
"""Seconds before a job that was parked because no sandbox works may run again."""
SCRATCH_PAUSE = 5.0
"""Seconds before a job that was parked because there was no scratch space may run again."""
DATABASE_PAUSE = 1.0
"""Seconds before a job that was parked because of the database may run again."""

_PAUSES: dict[type[HaulageError], float] = {
    DatabaseUnavailable: DATABASE_PAUSE,
    ScannerUnavailable: SCANNER_PAUSE,
    SandboxUnavailable: SANDBOX_PAUSE,
    ScratchFull: SCRATCH_PAUSE,
    StorageBusy: STORAGE_PAUSE,
}
"""After these errors a job is parked, whatever the attempt had done."""


@dataclass(frozen=True, slots=True)
class Parked:
    """The attempt failed through no fault of the job, which may run again in `pause` seconds."""

    failure: Failure
    pause: float


@dataclass(frozen=True, slots=True)
class Released:
    """The job is given back before its attempt ended."""


Outcome = Success | Failure | Parked | Released


class Outcomes:
    """Judges outcomes and writes them."""

    def __init__(self, engine: Engine) -> None:
        self._storage = engine.storage
        self._lifecycle = engine.lifecycle

    async def judge(self, error: Exception, *, started_at: float, made_progress: bool) -> Outcome:
        """The outcome of an attempt that the error ended. An attempt is charged unless a dependency is to blame.

        `started_at` is the start of the attempt on the monotonic clock; `made_progress`: it recorded parts that the next
        attempt continues from.
        """
        failure = _failure_of(error)
        for kind, pause in _PAUSES.items():
            if isinstance(error, kind):
                return Parked(failure, pause)
        if isinstance(error, (AttemptTimeout, *STORAGE_OUTAGES)):
            if await self._store_was_unavailable(started_at):
                return Parked(failure, STORAGE_PAUSE)
            if made_progress:
                return Parked(failure, 0)
        return failure

    async def _store_was_unavailable(self, started_at: float) -> bool:
        """Returns True if the store was unavailable at any time of the attempt: calls that hung fail when it is back.

        An attempt can end before the breaker has counted enough failures: then the store is probed. While the probe
        runs, other attempts may end, and only with their failures does the breaker open.
        """
        breaker = self._storage.bucket.breaker
        if not breaker.closed_since(started_at):
            return True
        try:
            await self._storage.probe_write()
        except HaulageError:
            return True
        return not breaker.closed_since(started_at)

    async def write(
        self, job: Job, outcome: Outcome, batch: Batch | None = None, notices: Sequence[Notice] = ()
    ) -> None:
        """Writes the outcome with the last batch of the attempt, retrying while the database is unavailable.

        The notices are raised with a failure, and with nothing else.
        The fence prevents a write that is too late. An outcome whose batch PostgreSQL rejects is written without it: the
        attempt would be repeated otherwise, and rejected again.
        """
        while True:
            try:
                await self._transition(job, outcome, batch, notices)
            except (StaleFence, JobNotFound, IllegalTransition):
                log.info("attempt_discarded")
            except DatabaseUnavailable:
                await asyncio.sleep(RETRY_PAUSE)
                continue
            except ResultGone as error:
                log.info("result_lost", reason=error.message)
                outcome = Released()
                continue
            except Exception:
                if batch is None:
                    raise
                log.exception("batch_failed")
                batch = None
                continue
            return

    async def _transition(self, job: Job, outcome: Outcome, batch: Batch | None, notices: Sequence[Notice]) -> None:
        match outcome:
            case Success(lifetime, within, follow_ups):
                await self._lifecycle.succeed(job, lifetime, within, batch, follow_ups)
                ATTEMPTS.labels("succeeded", "").inc()
            case Parked(failure, pause):
                await self._lifecycle.park(job, failure, pause, batch)
                ATTEMPTS.labels("parked", failure.error_class).inc()
            case Released():
                await self._lifecycle.release(job, batch)
                ATTEMPTS.labels("released", "").inc()
            case Failure():
                await self._lifecycle.fail(job, outcome, batch, notices)
                ATTEMPTS.labels("failed", outcome.error_class).inc()


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, HaulageError):
        log.warning("attempt_failed", code=error.code, error_class=error.error_class, reason=error.message)
        retry_after = error.retry_after if isinstance(error, SourceUnavailable) else None
        return Failure(error_class=error.error_class, message=error.message, retry_after=retry_after)
    log.error("attempt_failed", code="internal", error_class=ErrorClass.INTERNAL, exc_info=error)
    return Failure(
        error_class=ErrorClass.INTERNAL,
        message=f"An internal error ended the attempt ({type(error).__name__}). See the worker's log.",
    )
