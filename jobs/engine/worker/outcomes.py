"""What becomes of a job when an attempt at it is over, and who is to blame."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from jobs.bundles.attempt import Reused, note_of
from jobs.engine.jobs import Failure, Job, Result
from jobs.errors import (
    STORAGE_OUTAGES,
    AttemptTimeout,
    DatabaseUnavailable,
    ErrorClass,
    HaulageError,
    IllegalTransition,
    JobNotFound,
    ResultGone,
    StaleFence,
    StorageBusy,
)
from jobs.services import Services

log = structlog.get_logger()

SETTLE_PAUSE = 0.5
"""Seconds between two tries to write what became of an attempt."""
PARKED = 5.0
"""Seconds before a job that was parked for the store may run again."""
AGAIN = 1.0
"""Seconds before a job may run again whose attempt the database has ended."""


@dataclass(frozen=True, slots=True)
class Parked:
    """The attempt failed through no fault of the job; it may run again in `pause` seconds."""

    failure: Failure
    pause: float


@dataclass(frozen=True, slots=True)
class Returned:
    """The job is given back before its attempt was over."""


Outcome = Result | Reused | Failure | Parked | Returned


class Outcomes:
    """Judges and writes them."""

    def __init__(self, services: Services) -> None:
        self._storage = services.storage
        self._lifecycle = services.lifecycle

    async def judge(self, error: Exception, *, begun: float, gained: bool) -> Outcome:
        """What the error means for the job: who is to blame decides whether the attempt is charged.

        The attempt has `begun` at that moment of the monotonic clock; `gained`: it has brought the bundle further.
        """
        failure = _failure_of(error)
        if isinstance(error, DatabaseUnavailable):
            return Parked(failure, AGAIN)
        if isinstance(error, StorageBusy):
            return Parked(failure, PARKED)
        if isinstance(error, (AttemptTimeout, *STORAGE_OUTAGES)):
            if await self._store_was_out(begun):
                return Parked(failure, PARKED)
            if gained:
                return Parked(failure, 0)
        return failure

    async def _store_was_out(self, begun: float) -> bool:
        """At any time of the attempt: what fails when the store is just back has hung in the outage.

        An attempt can be over before the breaker has seen enough: then the store is asked once more. Other attempts that
        hung may be over while it answers, and only with them the breaker has seen enough.
        """
        breaker = self._storage.bucket.breaker
        if not breaker.closed_since(begun):
            return True
        try:
            await self._storage.prove()
        except HaulageError:
            return True
        return not breaker.closed_since(begun)

    async def settle(self, job: Job, outcome: Outcome) -> None:
        """Writes what became of the attempt, however long the database is away: the fence says when it is too late."""
        while True:
            try:
                match outcome:
                    case Result():
                        await self._lifecycle.succeed(job, outcome)
                    case Reused(result):
                        await self._lifecycle.reuse(job, result)
                    case Parked(failure, pause):
                        await self._lifecycle.park(job, failure, pause)
                    case Returned():
                        await self._lifecycle.release(job)
                    case _:
                        await self._lifecycle.fail(job, outcome)
            except (StaleFence, JobNotFound, IllegalTransition):
                log.info("attempt_discarded")
            except DatabaseUnavailable:
                await asyncio.sleep(SETTLE_PAUSE)
                continue
            except ResultGone:
                log.info("bundle_reuse_lost")
                outcome = Returned()
                continue
            return


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, HaulageError):
        log.warning("attempt_failed", code=error.code, error_class=error.error_class, reason=error.message)
        return note_of(error)
    log.error("attempt_broke", exc_info=error)
    return Failure(
        error_class=ErrorClass.INTERNAL,
        message=f"An internal error ended the attempt ({type(error).__name__}); the worker's log has the details.",
    )
