"""The state machine. `apply` is the only code that decides whether a job may move, and how.

    job, event = apply(job, Cancel(), now)

The table is `SOURCES` and the functions below it; docs/state-machine.md shows the same table for people, and a test
compares the two. SQL that moves many rows at once takes its source states from `sources`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from jobs.engine.jobs import Failure, Job, Status, new_progress
from jobs.errors import ErrorClass, IllegalTransition
from jobs.kinds import FIRST_PHASE, Phase

J = TypeVar("J", bound=Job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """All bytes of the job have arrived; workers may claim it. `place`: in the queue; None: the end, as of now."""

    place: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lapse:
    """The bytes of the job did not arrive in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A worker starts an attempt and holds the job for `lease` seconds."""

    worker: str
    lease: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeed:
    """The result exists and can be fetched for `lifetime` seconds, or permanently."""

    lifetime: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The attempt failed. If the error is retryable and attempts are left, the next one is due in `retry_in` seconds."""

    failure: Failure
    retry_in: float


@dataclass(frozen=True, slots=True)
class Release:
    """A worker that shuts down gives the job back. The attempt is not charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """The attempt ended through no fault of the job: a dependency is unavailable, or it made durable progress.

    It is not charged, and the next one is due in `retry_in` seconds. The job fails `deadline` seconds after its first
    attempt started.
    """

    failure: Failure
    retry_in: float
    deadline: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose:
    """The lease expired. The job is queued again at once the first time, later in `retry_in` seconds."""

    retry_in: float


@dataclass(frozen=True, slots=True)
class Abandon:
    """The deadline of the job passed while it waited for another attempt."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """A person does not want the result any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A person runs an ended job again, with all its attempts. `place`: in the queue; None: the end, as of now."""

    place: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """The result's time is over. Its object may be removed in `grace` seconds, so that downloads in progress can end."""

    grace: float


@dataclass(frozen=True, slots=True)
class Delete:
    """A person deletes a dead job: it is invisible from then on."""


Command = Submit | Lapse | Claim | Succeed | Fail | Release | Park | Lose | Abandon | Cancel | Retry | Expire | Delete

SOURCES: dict[type[Command], frozenset[Status]] = {
    Submit: frozenset({Status.RECEIVING}),
    Lapse: frozenset({Status.RECEIVING}),
    Claim: frozenset({Status.QUEUED, Status.RETRYING}),
    Succeed: frozenset({Status.PROCESSING}),
    Fail: frozenset({Status.PROCESSING}),
    Release: frozenset({Status.PROCESSING}),
    Park: frozenset({Status.PROCESSING}),
    Lose: frozenset({Status.PROCESSING}),
    Abandon: frozenset({Status.RETRYING}),
    Cancel: frozenset({Status.RECEIVING, Status.QUEUED, Status.RETRYING, Status.PROCESSING}),
    Retry: frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED}),
    Expire: frozenset({Status.COMPLETED}),
    Delete: frozenset({Status.FAILED}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """A transition. Its row is written in the transaction of the transition."""

    job_id: UUID
    seq: int
    fence: int
    attempt: int
    command: str
    source: Status | None
    target: Status
    at: datetime
    worker: str | None = None
    failure: Failure | None = None


def sources(command: type[Command]) -> frozenset[Status]:
    """The states in which the command is legal."""
    return SOURCES[command]


def apply(job: J, command: Command, now: datetime) -> tuple[J, JobEvent]:
    """Returns the job after the command, and the event that records it. `now` is the database's clock.

    Raises `IllegalTransition`, which names both, if the state of the job does not allow the command; also for a claim
    before the job is due, a retry of a job whose bytes never arrived, a deletion of a job that is not dead, and any
    command on a deleted job.
    """
    if job.status not in SOURCES[type(command)] or job.deleted_at is not None:
        raise IllegalTransition(_refusal(job, command))
    moved = _MOVES[type(command)](job, command, now)
    moved = replace(moved, fence=job.fence + 1, seq=job.seq + 1)
    event = JobEvent(
        job_id=job.id,
        seq=moved.seq,
        fence=moved.fence,
        attempt=moved.attempt,
        command=type(command).__name__.lower(),
        source=job.status,
        target=moved.status,
        at=now,
        worker=moved.worker or job.worker,
        failure=moved.failure,
    )
    return moved, event


def created(job: Job) -> JobEvent:
    """The first event of a new job."""
    return JobEvent(
        job_id=job.id,
        seq=job.seq,
        fence=job.fence,
        attempt=job.attempt,
        command="create",
        source=None,
        target=job.status,
        at=job.created_at,
    )


def _refusal(job: Job, command: Command) -> str:
    if job.deleted_at is not None:
        return f"Job {job.id} was deleted."
    *most, last = sorted(SOURCES[type(command)])
    legal = f"{', '.join(most)} or {last}" if most else last
    return f"Job {job.id} is {job.status}. Only {legal} jobs can be {_PARTICIPLES[type(command)]}."


_PARTICIPLES: dict[type[Command], str] = {
    Submit: "submitted",
    Lapse: "lapsed",
    Claim: "claimed",
    Succeed: "completed",
    Fail: "failed",
    Release: "released",
    Park: "parked",
    Lose: "lost",
    Abandon: "abandoned",
    Cancel: "cancelled",
    Retry: "retried",
    Expire: "expired",
    Delete: "deleted",
}


def _submit(job: Job, command: Submit, now: datetime) -> Job:
    arrived = job.progress.bytes_done if job.progress.bytes_total is None else job.progress.bytes_total
    progress = replace(job.progress, bytes_done=arrived)
    return replace(_waiting(job, Status.QUEUED, now, 0), queued_at=command.place or now, progress=progress)


def _lapse(job: Job, command: Lapse, now: datetime) -> Job:
    del command
    return replace(_ended(job, Status.CANCELLED, now), cleanup_at=now + CLEANUP_DELAY)


def _claim(job: Job, command: Claim, now: datetime) -> Job:
    if job.due_at > now:
        raise IllegalTransition(f"Job {job.id} is not due before {job.due_at.isoformat()}.")
    return replace(
        job,
        status=Status.PROCESSING,
        phase=FIRST_PHASE[job.kind],
        attempt=job.attempt + 1,
        started_at=job.started_at or now,
        worker=command.worker,
        lease_until=now + timedelta(seconds=command.lease),
        failure=None,
        progress=new_progress(job.progress.files_total),
    )


def _succeed(job: Job, command: Succeed, now: datetime) -> Job:
    return replace(
        _ended(job, Status.COMPLETED, now),
        phase=Phase.READY,
        failure=None,
        expires_at=None if command.lifetime is None else now + timedelta(seconds=command.lifetime),
        cleanup_at=now + CLEANUP_DELAY if job.fence > FIRST_CLAIM else None,
    )


CLEANUP_DELAY = timedelta(seconds=20)
"""How long after a job's end its leftover objects are removed: by then a stale worker knows that it is stale."""

FIRST_CLAIM = 2
"""The fence of a job's first attempt. Only a job with more attempts can have leftover objects."""


def _fail(job: Job, command: Fail, now: datetime) -> Job:
    if command.failure.error_class.retryable and job.attempt < job.max_attempts:
        return replace(_waiting(job, Status.RETRYING, now, command.retry_in), failure=command.failure)
    return replace(_ended(job, Status.FAILED, now), failure=command.failure, cleanup_at=now + CLEANUP_DELAY)


def _release(job: Job, command: Release, now: datetime) -> Job:
    del command
    return replace(_back_in_queue(job, now), attempt=job.attempt - 1)


def _park(job: Job, command: Park, now: datetime) -> Job:
    job = replace(job, attempt=job.attempt - 1, failure=command.failure)
    if now - (job.started_at or job.queued_at) >= timedelta(seconds=command.deadline):
        return replace(_ended(job, Status.FAILED, now), cleanup_at=now + CLEANUP_DELAY)
    return _waiting(job, Status.RETRYING, now, command.retry_in)


def _lose(job: Job, command: Lose, now: datetime) -> Job:
    failure = Failure(
        error_class=ErrorClass.WORKER_LOST,
        message=f"The worker of attempt {job.attempt} was lost: it died, stalled, or could not reach the database.",
    )
    job = replace(job, losses=job.losses + 1, failure=failure)
    if job.attempt >= job.max_attempts:
        return replace(_ended(job, Status.FAILED, now), cleanup_at=now + CLEANUP_DELAY)
    if job.losses == 1:
        return _back_in_queue(job, now)
    return _waiting(job, Status.RETRYING, now, command.retry_in)


def _abandon(job: Job, command: Abandon, now: datetime) -> Job:
    del command
    return replace(_ended(job, Status.FAILED, now), cleanup_at=now + CLEANUP_DELAY)


def _cancel(job: Job, command: Cancel, now: datetime) -> Job:
    del command
    return replace(_ended(job, Status.CANCELLED, now), failure=None, cleanup_at=now + CLEANUP_DELAY)


def _retry(job: Job, command: Retry, now: datetime) -> Job:
    if job.phase is Phase.RECEIVING:
        raise IllegalTransition(f"Job {job.id} never received its bytes. Start a new one.")
    return replace(
        _waiting(job, Status.QUEUED, now, 0),
        attempt=0,
        losses=0,
        queued_at=command.place or now,
        started_at=None,
        finished_at=None,
        failure=None,
        expires_at=None,
        grace_until=None,
        progress=new_progress(job.progress.files_total),
    )


def _expire(job: Job, command: Expire, now: datetime) -> Job:
    until = now + timedelta(seconds=command.grace)
    return replace(job, status=Status.EXPIRED, expires_at=now, grace_until=until, cleanup_at=until)


def _delete(job: Job, command: Delete, now: datetime) -> Job:
    del command
    if not job.dead or job.finished_at is None:
        raise IllegalTransition(f"Job {job.id} is not dead: no further attempt could change why it failed.")
    return replace(job, deleted_at=now, cleanup_at=max(now, job.finished_at + CLEANUP_DELAY))


def _back_in_queue(job: Job, now: datetime) -> Job:
    """Queues the job again at its old place: jobs that came later stay behind it."""
    return replace(_waiting(job, Status.QUEUED, now, 0), due_at=min(now, job.queued_at))


def _waiting(job: Job, status: Status, now: datetime, delay: float) -> Job:
    return replace(
        job, status=status, phase=Phase.QUEUED, due_at=now + timedelta(seconds=delay), worker=None, lease_until=None
    )


def _ended(job: Job, status: Status, now: datetime) -> Job:
    return replace(job, status=status, finished_at=now, worker=None, lease_until=None)


_MOVES: dict[type[Command], Callable[[Any, Any, datetime], Any]] = {
    Submit: _submit,
    Lapse: _lapse,
    Claim: _claim,
    Succeed: _succeed,
    Fail: _fail,
    Release: _release,
    Park: _park,
    Lose: _lose,
    Abandon: _abandon,
    Cancel: _cancel,
    Retry: _retry,
    Expire: _expire,
    Delete: _delete,
}
