"""Why a job waits, in the order in which an operator would look. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobs.engine.fair_share import STEP, is_batch
from jobs.engine.jobs import WAITING, Job, Status


class Reason(StrEnum):
    """Why a job waits."""

    QUEUE_PAUSED = "queue_paused"
    """An operator has paused its kind."""
    NO_WORKER = "no_worker"
    """No running worker does its kind."""
    DEPENDENCY_OUT = "dependency_out"
    """What its kind needs does not work: workers claim none of these jobs meanwhile."""
    RETRY_AT = "retry_at"
    """Its last attempt failed; the next one is not due yet."""
    BATCH = "batch"
    """It is a batch job, and others go first."""
    OWNER_LIMIT = "owner_limit"
    """Its owner has other jobs that wait: owners take turns."""
    WAITING_FOR_SLOT = "waiting_for_slot"
    """It is next when a slot is free, or others are ahead of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What decides whether jobs of one kind start."""

    paused: bool
    slots: int
    """Jobs of the kind that the running workers can run at once."""
    busy: int
    """Jobs of the kind that run."""
    dependencies_out: Sequence[str]
    """Names of what the kind needs that does not work."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a job waits: a reason, and a sentence with the details."""

    reason: Reason
    detail: str


def queued_because(job: Job, position: int | None, around: Surroundings, now: datetime) -> Explanation | None:
    """Why the job waits; None if it does not. `position`: its place in the queue, from 1, if it has one."""
    if job.status not in WAITING:
        return None
    slots = f"{around.busy} of {around.slots} slots are busy"
    ahead = "" if position is None else f"Jobs ahead of it: {position - 1:,}. "
    if around.paused:
        reason, detail = (
            Reason.QUEUE_PAUSED,
            f"An operator has paused jobs of kind {job.kind}. They wait until resumed.",
        )
    elif not around.slots:
        reason = Reason.NO_WORKER
        detail = f"No running worker does jobs of kind {job.kind}. Start one whose WORKER_KINDS has it."
    elif around.dependencies_out:
        names = " and ".join(around.dependencies_out)
        reason, detail = (
            Reason.DEPENDENCY_OUT,
            f"Not responding: {names}. Jobs of kind {job.kind} start once that is over.",
        )
    elif job.status is Status.RETRYING and job.due_at > now:
        why = "" if job.failure is None else f" The last one failed: {job.failure.message}"
        reason, detail = Reason.RETRY_AT, f"Attempt {job.attempt + 1} is due at {job.due_at:%H:%M:%S} UTC.{why}"
    elif is_batch(job.queued_at):
        reason, detail = Reason.BATCH, f"It is a batch job: it starts when no other job waits. {slots}."
    elif job.queued_at - job.due_at >= STEP:
        reason = Reason.OWNER_LIMIT
        detail = f"{job.owner} has other jobs ahead of it, and owners take turns. {ahead}{slots}."
    else:
        reason, detail = Reason.WAITING_FOR_SLOT, f"{ahead}{slots}."
    return Explanation(reason, detail)
