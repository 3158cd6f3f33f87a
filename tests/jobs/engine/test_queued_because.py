"""Why a job waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from jobs.engine.fair_share import BATCH_DISTANCE, STEP
from jobs.engine.jobs import Failure, Job, Status, new_progress
from jobs.engine.queued_because import Explanation, Reason, Surroundings, queued_because
from jobs.errors import ErrorClass
from jobs.kinds import Kind, Phase

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
JOB = Job(
    id=UUID(int=1),
    kind=Kind.DOWNLOAD,
    owner="alice",
    status=Status.QUEUED,
    phase=Phase.QUEUED,
    fence=1,
    attempt=0,
    seq=1,
    losses=0,
    max_attempts=3,
    created_at=NOW,
    queued_at=NOW,
    due_at=NOW,
    progress=new_progress(1),
)
BUSY = Surroundings(paused=False, slots=8, busy=8, dependencies_out=())


def reason(job: Job = JOB, around: Surroundings = BUSY, position: int | None = 1) -> Reason | None:
    found = queued_because(job, position, around, NOW)
    return None if found is None else found.reason


def test_a_job_that_does_not_wait_has_no_reason() -> None:
    for status in set(Status) - {Status.QUEUED, Status.RETRYING}:
        assert reason(replace(JOB, status=status)) is None


def test_a_job_usually_waits_for_a_slot() -> None:
    found = queued_because(JOB, 3, BUSY, NOW)
    assert found == Explanation(Reason.WAITING_FOR_SLOT, "Jobs ahead of it: 2. 8 of 8 slots are busy.")


def test_what_concerns_all_jobs_of_a_kind_comes_first() -> None:
    due = replace(JOB, status=Status.RETRYING, due_at=NOW + timedelta(minutes=1), queued_at=NOW + BATCH_DISTANCE)
    assert reason(due, replace(BUSY, paused=True, slots=0, dependencies_out=["storage"])) is Reason.QUEUE_PAUSED
    assert reason(due, replace(BUSY, slots=0, dependencies_out=["storage"])) is Reason.NO_WORKER
    assert reason(due, replace(BUSY, dependencies_out=["storage"])) is Reason.DEPENDENCY_OUT
    assert reason(due) is Reason.RETRY_AT
    assert reason(replace(due, due_at=NOW)) is Reason.BATCH


def test_a_retry_says_when_it_is_due_and_what_failed() -> None:
    failure = Failure(error_class=ErrorClass.NETWORK, message="The source did not respond.")
    due = NOW + timedelta(seconds=90)
    job = replace(JOB, status=Status.RETRYING, attempt=1, due_at=due, failure=failure)
    found = queued_because(job, None, BUSY, NOW)
    assert found is not None
    assert found.detail == "Attempt 2 is due at 12:01:30 UTC. The last one failed: The source did not respond."
    assert reason(replace(job, due_at=NOW)) is Reason.WAITING_FOR_SLOT


def test_jobs_behind_those_of_their_owner_wait_for_their_turn() -> None:
    assert reason(replace(JOB, queued_at=NOW + STEP)) is Reason.OWNER_LIMIT
    assert reason(replace(JOB, queued_at=NOW + STEP / 2)) is Reason.WAITING_FOR_SLOT


def test_the_dependencies_are_named() -> None:
    found = queued_because(JOB, 1, replace(BUSY, dependencies_out=["scanner", "storage"]), NOW)
    assert found is not None
    assert found.detail == "Not responding: scanner and storage. Jobs of kind download start once that is over."
