"""The lifecycle on real PostgreSQL against the pure state machine: any course of commands leads both to the same job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from jobs.bundles.commands import with_result
from jobs.bundles.downloads import NewDownload
from jobs.engine.jobs import Failure, FileRequest, Job, Progress, Status
from jobs.engine.sql.jobs import list_events
from jobs.engine.transitions import (
    Abandon,
    Cancel,
    Claim,
    Command,
    Expire,
    Fail,
    Lapse,
    Lose,
    Park,
    Release,
    Retry,
    Submit,
    Succeed,
    apply,
)
from jobs.errors import ErrorClass, IllegalTransition, StaleFence
from jobs.kinds import Kind, Phase
from jobs.owners import ANONYMOUS
from jobs.services import Services, open_services
from jobs.settings import Settings
from jobs.uploads.uploads import NewUpload
from tests.helpers.jobs import read
from tests.helpers.samples import RESULT

T = TypeVar("T")
NEW = NewDownload(files=[FileRequest(file_id=10_000), FileRequest(file_id=10_001)], archive_name="bundle.zip")
SIZE = 1000
"""Bytes of an upload."""
COMPARED = ("status", "fence", "attempt", "seq", "losses", "failure", "worker")
"""All that does not tell a time."""
WAIT = 0.0
"""Seconds before the model's next attempt: the store's is made due by hand."""


class Machine(RuleBasedStateMachine):
    """`model` is what `apply` alone makes of the commands; `held` are turns that a worker has, or once had."""

    jobs: Bundle[UUID] = Bundle("jobs")
    held: Bundle[Job] = Bundle("held")
    loop: asyncio.AbstractEventLoop
    services: Services

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[UUID, Job] = {}
        self.courses: dict[UUID, list[str]] = {}

    def run(self, call: Awaitable[T]) -> T:
        return self.loop.run_until_complete(call)

    def move(self, job_id: UUID, command: Command) -> Job:
        """The model's job after the command. Raises `IllegalTransition`."""
        job = self.model[job_id]
        after, event = apply(job, command, self.now())
        self.model[job_id] = after
        self.courses[job_id].append(event.command)
        return after

    def now(self) -> datetime:
        at: datetime = self.run(self.value("SELECT clock_timestamp()"))
        return at

    async def value(self, query: str, **values: Any) -> Any:
        async with self.services.database.begin() as connection:
            result = await connection.execute(text(query), values)
            return result.scalar() if result.returns_rows else None

    def both(self, job_id: UUID, command: Command, call: Awaitable[Job]) -> None:
        """The store refuses what the model refuses, and no more."""
        try:
            self.move(job_id, command)
        except IllegalTransition:
            with pytest.raises(IllegalTransition):
                self.run(call)
        else:
            self.run(call)

    def settled(self, turn: Job, command: Command, call: Awaitable[Job]) -> None:
        """The same for what only the holder of the turn may do."""
        if self.model[turn.id].fence != turn.fence:
            with pytest.raises(StaleFence):
                self.run(call)
        else:
            self.both(turn.id, command, call)

    # --- what people ask -----------------------------------------------------------------------------------------------

    @initialize(target=jobs)
    def first(self) -> UUID:
        return self.create()

    @rule(target=jobs)
    def create_another(self) -> UUID:
        return self.create()

    def create(self) -> UUID:
        return self.created(self.run(self.services.downloads.create(NEW)))

    @rule(target=jobs)
    def create_receiving(self) -> UUID:
        """An upload, whose bytes are yet to arrive."""
        [upload] = self.run(self.services.uploads.create(ANONYMOUS, [NewUpload(name="a.bin", size=SIZE)]))
        return self.created(upload)

    def created(self, job: Job) -> UUID:
        self.model[job.id] = job
        self.courses[job.id] = ["create"]
        return job.id

    @rule(job_id=jobs)
    def receive(self, job_id: UUID) -> None:
        """Bytes arrive, which is no transition: `seq` moves, and the job lapses later."""

        async def half(*_: object) -> Progress:
            return Progress(files_total=1, bytes_total=SIZE, bytes_done=SIZE // 2)

        job, call = self.model[job_id], self.services.lifecycle.receive(job_id, 3600, half)
        if job.status is Status.RECEIVING:
            after = self.run(call)
            assert after.seq == job.seq + 1
            self.model[job_id] = replace(job, seq=after.seq, due_at=after.due_at, progress=after.progress)
        else:
            with pytest.raises(IllegalTransition):
                self.run(call)

    @rule(job_id=jobs)
    def submit(self, job_id: UUID) -> None:
        self.both(job_id, Submit(), self.services.lifecycle.submit(job_id))

    @rule(job_id=jobs)
    def cancel(self, job_id: UUID) -> None:
        call = self.services.lifecycle.cancel(job_id)
        if self.model[job_id].status is Status.CANCELLED:  # once more is not an error, and not a transition
            self.run(call)
        else:
            self.both(job_id, Cancel(), call)

    @rule(job_id=jobs)
    def retry(self, job_id: UUID) -> None:
        self.both(job_id, Retry(), self.services.lifecycle.retry(job_id))

    @rule(job_id=jobs)
    def expire(self, job_id: UUID) -> None:
        call = self.services.lifecycle.expire(job_id)
        if self.model[job_id].status is Status.EXPIRED:
            self.run(call)
        else:
            self.both(job_id, Expire(grace=0), call)

    # --- what workers do -----------------------------------------------------------------------------------------------

    @rule(target=held, job_id=jobs, worker=st.sampled_from(["a", "b"]), late=st.integers(0, 1))
    def claim(self, job_id: UUID, worker: str, late: int) -> Job:
        """By a wake-up of this turn, or of one before it."""
        self.run(self.value("UPDATE jobs SET due_at = created_at WHERE id = :id", id=job_id))
        before = self.model[job_id] = replace(self.model[job_id], due_at=self.model[job_id].created_at)
        claimed = self.run(self.services.lifecycle.claim(job_id, before.fence - late, worker))
        try:
            expected = self.move(job_id, Claim(worker=worker, lease=10)) if not late else None
        except IllegalTransition:
            expected = None
        assert (claimed is None) == (expected is None)
        return self.model[job_id] if claimed is None else claimed.job

    @rule(turn=held)
    def succeed(self, turn: Job) -> None:
        within = with_result(RESULT) if turn.kind is Kind.DOWNLOAD else None
        self.settled(turn, Succeed(lifetime=60), self.services.lifecycle.succeed(turn, 3600, within))

    @rule(turn=held, error=st.sampled_from([ErrorClass.NETWORK, ErrorClass.VALIDATION, ErrorClass.INTERNAL]))
    def fail(self, turn: Job, error: ErrorClass) -> None:
        failure = Failure(error_class=error, message="it went wrong")
        self.settled(turn, Fail(failure=failure, retry_in=WAIT), self.services.lifecycle.fail(turn, failure))

    @rule(turn=held, overdue=st.booleans())
    def park(self, turn: Job, overdue: bool) -> None:
        """While a dependency is out; past the deadline that is the end."""
        if overdue:
            self.age(turn.id)
        failure = Failure(error_class=ErrorClass.STORAGE, message="the store is out")
        deadline = self.services.settings.job_deadline
        command = Park(failure=failure, retry_in=WAIT, deadline=deadline)
        self.settled(turn, command, self.services.lifecycle.park(turn, failure, WAIT))

    def age(self, job_id: UUID) -> None:
        """The job's first attempt, if there was one, began two deadlines ago."""
        seconds = 2 * self.services.settings.job_deadline
        query = "UPDATE jobs SET started_at = started_at - make_interval(secs => :s) WHERE id = :id"
        self.run(self.value(query, id=job_id, s=seconds))
        job = self.model[job_id]
        if job.started_at is not None:
            self.model[job_id] = replace(job, started_at=job.started_at - timedelta(seconds=seconds))

    @rule(turn=held)
    def release(self, turn: Job) -> None:
        self.settled(turn, Release(), self.services.lifecycle.release(turn))

    @rule(turn=held)
    def record(self, turn: Job) -> None:
        """A batch of progress moves `seq` and nothing else."""
        call = self.services.lifecycle.record(turn, Phase.PACKING, turn.progress, [])
        job = self.model[turn.id]
        if job.fence != turn.fence or job.status is not Status.PROCESSING:
            with pytest.raises(StaleFence):
                self.run(call)
        else:
            self.model[turn.id] = replace(job, seq=self.run(call))
            assert self.model[turn.id].seq == job.seq + 1

    # --- what the sweeper does -----------------------------------------------------------------------------------------

    @rule()
    def lose(self) -> None:
        """Every lease has run out."""
        lapsed = "UPDATE jobs SET lease_until = now() - interval '1 s' WHERE status = 'processing'"
        self.run(self.value(lapsed))
        lost = self.run(self.services.lifecycle.lose_expired_leases())
        running = {job_id for job_id, job in self.model.items() if job.status is Status.PROCESSING}
        assert {job.id for job in lost} == running
        for job_id in running:
            self.move(job_id, Lose(retry_in=WAIT))

    @rule(job_id=jobs)
    def abandon(self, job_id: UUID) -> None:
        """One job is over its deadline."""
        self.age(job_id)
        now, deadline = self.now(), timedelta(seconds=self.services.settings.job_deadline)
        abandoned = self.run(self.services.lifecycle.abandon_past_deadline())
        waiting = [it for it in self.model.values() if it.status is Status.RETRYING]
        overdue = {it.id for it in waiting if it.started_at is not None and now - it.started_at > deadline}
        assert {job.id for job in abandoned} == overdue
        for each in overdue:
            self.move(each, Abandon())

    @rule(job_id=jobs)
    def lapse(self, job_id: UUID) -> None:
        """The time of one job is over, in which bytes had to arrive."""
        self.run(self.value("UPDATE jobs SET due_at = created_at WHERE id = :id", id=job_id))
        self.model[job_id] = replace(self.model[job_id], due_at=self.model[job_id].created_at)
        now = self.now()
        lapsed = self.run(self.services.lifecycle.lapse_incomplete())
        overdue = {it.id for it in self.model.values() if it.status is Status.RECEIVING and it.due_at < now}
        assert {job.id for job in lapsed} == overdue
        for each in overdue:
            self.move(each, Lapse())

    # --- what holds always ---------------------------------------------------------------------------------------------

    @invariant()
    def the_store_and_the_model_agree(self) -> None:
        for job_id, job in self.model.items():
            there: Job
            if job.kind is Kind.UPLOAD:
                there = self.run(self.services.uploads.read(job_id))
            else:
                there = download = self.run(read(self.services, job_id))
                assert download.result == (RESULT if job.status in (Status.COMPLETED, Status.EXPIRED) else None)
            assert {it: getattr(there, it) for it in COMPARED} == {it: getattr(job, it) for it in COMPARED}
            assert 0 <= there.attempt <= there.max_attempts
            assert (there.lease_until is not None) == (there.status is Status.PROCESSING)

    @invariant()
    def every_transition_has_its_event(self) -> None:
        for job_id, course in self.courses.items():
            events = self.run(self.events(job_id))
            assert [it["command"] for it in events] == course
            assert [it["fence"] for it in events] == list(range(1, len(course) + 1))

    async def events(self, job_id: UUID) -> list[Any]:
        async with self.services.database.reading() as connection:
            return list(await list_events(connection, job_id))

    def teardown(self) -> None:
        self.run(self.services.lifecycle.close())
        self.run(self.value("TRUNCATE jobs CASCADE"))


def test_any_course_of_commands_leads_store_and_model_to_the_same_job(own_settings: Settings) -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        opening = open_services(own_settings)
        Machine.loop, Machine.services = loop, loop.run_until_complete(opening.__aenter__())
        try:
            run_state_machine_as_test(
                Machine, settings=hypothesis_settings(max_examples=60, stateful_step_count=25, deadline=None)
            )
        finally:
            loop.run_until_complete(opening.__aexit__(None, None, None))
