"""The lifecycle on real PostgreSQL: fences, leases, keys, and what the sweeper mends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from jobs.bundles.commands import with_result
from jobs.bundles.downloads import NewDownload
from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.engine.backpressure import Backpressure
from jobs.engine.jobs import FileRequest, FileState, Job, Progress, Status
from jobs.engine.lifecycle import Lifecycle, NewJob
from jobs.engine.sql.file_records import load_files
from jobs.engine.sql.jobs import Idempotency, list_events, lock_job, lock_key
from jobs.engine.worker.sweeper import Sweeper
from jobs.errors import (
    ErrorClass,
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    IllegalTransition,
    JobNotFound,
    QueueFull,
    StaleFence,
)
from jobs.kinds import Kind, Phase
from jobs.services import Services
from jobs.work import works_of
from tests.helpers.jobs import read, read_job
from tests.helpers.redis_clients import redis_of
from tests.helpers.samples import NETWORK, RESULT

NEW = NewDownload(files=[FileRequest(file_id=10_000), FileRequest(file_id=10_001, name="b")])


async def count(services: Services, table: str) -> int:
    async with services.database.reading() as connection:
        return int((await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def change(services: Services, assignments: str) -> None:
    async with services.database.begin() as connection:
        await connection.execute(text(f"UPDATE jobs SET {assignments}"))


async def claimed(services: Services, worker: str = "w") -> Job:
    job = await services.downloads.create(NEW)
    held = await services.lifecycle.claim(job.id, job.fence, worker)
    assert held is not None
    return held.job


async def test_a_job_is_written_with_its_files_and_its_first_event(services: Services) -> None:
    job = await services.downloads.create(NEW)
    assert await read_job(services, job.id) == job
    assert await count(services, "file_records") == 2
    async with services.database.reading() as connection:
        [event] = await list_events(connection, job.id)
    assert (event["command"], event["target"], event["seq"]) == ("create", "queued", 1)


async def test_a_key_gives_the_same_job_again_and_one_row(services: Services) -> None:
    key = Idempotency("k", "digest")
    outcomes = await asyncio.gather(*(services.downloads.create(NEW, key) for _ in range(20)), return_exceptions=True)
    jobs = {outcome.id for outcome in outcomes if isinstance(outcome, Job)}
    others = [outcome for outcome in outcomes if not isinstance(outcome, Job)]
    assert len(jobs) == 1
    assert all(isinstance(outcome, IdempotencyKeyInFlight) for outcome in others)
    assert (await services.downloads.create(NEW, key)).id in jobs
    assert await count(services, "jobs") == 1


async def test_a_key_with_another_request_is_refused(services: Services) -> None:
    await services.downloads.create(NEW, Idempotency("k", "one"))
    with pytest.raises(IdempotencyKeyReused):
        await services.downloads.create(NEW, Idempotency("k", "two"))
    assert await count(services, "jobs") == 1


async def test_a_key_whose_first_request_is_under_way_is_refused_for_now(services: Services) -> None:
    async with services.database.begin() as connection:
        assert await lock_key(connection, "anonymous", "k")
        with pytest.raises(IdempotencyKeyInFlight):
            await services.downloads.create(NEW, Idempotency("k", "one"))


async def test_only_one_of_many_wake_ups_claims_a_job(services: Services) -> None:
    job = await services.downloads.create(NEW)
    claims = await asyncio.gather(*(services.lifecycle.claim(job.id, job.fence, f"w{n}") for n in range(20)))
    assert len([claim for claim in claims if claim is not None]) == 1
    assert (await read(services, job.id)).attempt == 1


async def test_a_wake_up_of_an_earlier_turn_claims_nothing(services: Services) -> None:
    job = await claimed(services)
    released = await services.lifecycle.release(job)
    assert await services.lifecycle.claim(job.id, job.fence, "w") is None
    assert await services.lifecycle.claim(uuid4(), 1, "w") is None
    assert await services.lifecycle.claim(job.id, released.fence, "w") is not None


@pytest.mark.parametrize("write", ["succeed", "fail", "release", "park", "record", "set_upload"])
async def test_a_stale_worker_can_write_nothing(services: Services, write: str) -> None:
    stale = await claimed(services, "stale")
    released = await services.lifecycle.release(stale)
    current = await services.lifecycle.claim(stale.id, released.fence, "current")
    assert current is not None
    arguments: dict[str, Any] = {
        "succeed": (3600, with_result(RESULT)),
        "fail": (NETWORK,),
        "release": (),
        "record": (Phase.PACKING, Progress(files_total=2), []),
        "park": (NETWORK, 1),
        "set_upload": (MultipartUpload(key="k", id="u", fingerprint="f"),),
    }
    commands = services.downloads if write == "set_upload" else services.lifecycle
    with pytest.raises(StaleFence):
        await getattr(commands, write)(stale, *arguments[write])
    assert await read_job(services, stale.id) == current.job
    assert (await read(services, stale.id)).upload is None


async def test_a_lost_lease_queues_the_job_again_at_once(services: Services) -> None:
    job = await claimed(services)
    assert await services.lifecycle.lose_expired_leases() == []
    await change(services, "lease_until = now() - interval '1 second'")
    [lost] = await services.lifecycle.lose_expired_leases()
    assert (lost.status, lost.losses, lost.attempt) == (Status.QUEUED, 1, 1)
    again = await services.lifecycle.claim(job.id, lost.fence, "w2")
    assert again is not None
    assert again.job.attempt == 2


async def test_a_poison_job_that_kills_its_workers_is_dead_after_its_attempts(services: Services) -> None:
    job = await claimed(services)
    for _ in range(job.max_attempts):
        await change(services, "lease_until = now() - interval '1 second'")
        [lost] = await services.lifecycle.lose_expired_leases()
        await change(services, "due_at = now()")
        await services.lifecycle.claim(job.id, lost.fence, "w")
    dead = await read(services, job.id)
    assert dead.status is Status.FAILED
    assert dead.failure is not None
    assert dead.failure.error_class is ErrorClass.WORKER_LOST


async def test_two_sweepers_move_a_lost_job_once(services: Services) -> None:
    for _ in range(5):
        await claimed(services)
    await change(services, "lease_until = now() - interval '1 second'")
    moved = await asyncio.gather(*(services.lifecycle.lose_expired_leases() for _ in range(4)))
    assert sum(len(jobs) for jobs in moved) == 5


async def test_a_job_whose_wake_up_was_lost_is_woken_again(services: Services) -> None:
    job = await services.downloads.create(NEW)
    await services.lifecycle.close()
    redis = redis_of(services.queue)
    await redis.flushall()
    assert await Sweeper(services, works_of(services)).enqueue_overdue() == 0
    await change(services, "due_at = now() - interval '10 seconds'")
    assert await Sweeper(services, works_of(services)).enqueue_overdue() == 1
    assert await redis.zrange("haulage:queue:download", 0, -1) == [f"{job.id}:1".encode()]
    assert await Sweeper(services, works_of(services)).enqueue_overdue() == 1
    assert await redis.zcard("haulage:queue:download") == 1, "the same turn of a job is in the queue once"


async def test_a_wake_up_that_waits_its_turn_keeps_its_place(services: Services) -> None:
    await services.downloads.create(NEW)
    await services.lifecycle.close()
    redis = redis_of(services.queue)
    before = await redis.zrange("haulage:queue:download", 0, -1, withscores=True)
    await change(services, "due_at = now() - interval '10 seconds'")
    await Sweeper(services, works_of(services)).enqueue_overdue()
    assert await redis.zrange("haulage:queue:download", 0, -1, withscores=True) == before


async def test_an_old_job_that_is_just_being_retried_is_not_forgotten(services: Services) -> None:
    job = await services.downloads.create(NEW)
    await services.lifecycle.cancel(job.id)
    await change(services, "finished_at = now() - interval '1 year', cleanup_at = NULL")
    async with services.database.begin() as connection:
        await lock_job(connection, job.id)
        await Sweeper(services, works_of(services)).sweep()
    assert (await read(services, job.id)).status is Status.CANCELLED
    await Sweeper(services, works_of(services)).sweep()
    assert await count(services, "jobs") == await count(services, "download_jobs") == 0


async def test_a_result_expires_when_its_time_is_over(services: Services) -> None:
    job = await services.lifecycle.succeed(await claimed(services), 3600, with_result(RESULT))
    assert job.expires_at is not None
    assert await services.lifecycle.expire_due() == []
    await change(services, "expires_at = now() - interval '1 second'")
    [expired] = await services.lifecycle.expire_due()
    assert expired.status is Status.EXPIRED


async def test_cancelling_twice_is_the_same_as_once(services: Services) -> None:
    job = await services.downloads.create(NEW)
    first = await services.lifecycle.cancel(job.id)
    assert await services.lifecycle.cancel(job.id) == first
    with pytest.raises(JobNotFound):
        await services.lifecycle.cancel(uuid4())


async def test_a_completed_job_can_not_be_cancelled(services: Services) -> None:
    job = await services.lifecycle.succeed(await claimed(services), 3600, with_result(RESULT))
    with pytest.raises(IllegalTransition, match="completed"):
        await services.lifecycle.cancel(job.id)


async def test_a_batch_of_changes_takes_a_seq_and_marks_its_files(services: Services) -> None:
    job = await services.downloads.create(NEW)
    held = await services.lifecycle.claim(job.id, job.fence, "w")
    assert held is not None
    changed = replace(held.records[1], state=FileState.DONE, bytes_done=7)
    seq = await services.lifecycle.record(held.job, Phase.PACKING, Progress(files_total=2, files_done=1), [changed])
    assert seq == held.job.seq + 1
    async with services.database.reading() as connection:
        found = await load_files(connection, job.id, since=held.job.seq)
    assert [(file.index, file.state, file.seq) for file in found] == [(1, FileState.DONE, seq)]


async def test_the_failure_of_an_attempt_is_kept_and_waits_for_its_backoff(services: Services) -> None:
    failed = await services.lifecycle.fail(await claimed(services), NETWORK)
    assert (failed.status, failed.failure) == (Status.RETRYING, NETWORK)
    assert failed.due_at > failed.created_at
    async with services.database.reading() as connection:
        events = await list_events(connection, failed.id)
    assert [event["command"] for event in events] == ["create", "claim", "fail"]
    assert events[-1]["error_message"] == NETWORK.message


async def test_the_database_refuses_what_the_state_machine_would_never_write(services: Services) -> None:
    await services.downloads.create(NEW)
    for assignment in ("status = 'lost'", "status = 'processing'", "status = 'completed'", "phase = 'ready'"):
        with pytest.raises(Exception, match="violates check constraint"):
            await change(services, assignment)


async def test_a_job_whose_bytes_still_arrive_is_not_claimed_before_it_is_submitted(services: Services) -> None:
    new = NewJob(kind=Kind.DOWNLOAD, owner="anonymous", files=[], receive_for=60)
    job = await services.lifecycle.create(new)
    assert (job.status, job.phase) == (Status.RECEIVING, Phase.RECEIVING)
    assert await services.lifecycle.claim(job.id, job.fence, "w") is None
    assert await services.lifecycle.lapse_incomplete() == []
    submitted = await services.lifecycle.submit(job.id)
    assert submitted.status is Status.QUEUED
    assert await services.lifecycle.claim(job.id, submitted.fence, "w") is not None


async def test_a_job_whose_bytes_do_not_arrive_in_time_lapses(services: Services) -> None:
    new = NewJob(kind=Kind.DOWNLOAD, owner="anonymous", files=[], receive_for=60)
    job = await services.lifecycle.create(new)
    await change(services, "due_at = now() - interval '1 second'")
    [lapsed] = await services.lifecycle.lapse_incomplete()
    assert (lapsed.id, lapsed.status, lapsed.phase) == (job.id, Status.CANCELLED, Phase.RECEIVING)
    assert lapsed.cleanup_at is not None
    with pytest.raises(IllegalTransition, match="never received its bytes"):
        await services.lifecycle.retry(job.id)


def receiving(name: str) -> NewJob:
    file = FileRequest(file_id=0, name=name)
    return NewJob(kind=Kind.DOWNLOAD, owner="anonymous", files=[file], receive_for=60, bytes_total=10)


async def test_receiving_jobs_are_created_together_and_a_key_belongs_to_the_first(services: Services) -> None:
    written: list[Job] = []

    async def within(_: object, jobs: Sequence[Job]) -> None:
        written.extend(jobs)

    key = Idempotency("k", "digest")
    made = await services.lifecycle.create_receiving([receiving("a"), receiving("b")], key, within)
    assert [await read_job(services, job.id) for job in made] == made == written
    assert [(job.status, job.progress.bytes_total) for job in made] == [(Status.RECEIVING, 10)] * 2
    assert [[file.name for file in await services.lifecycle.files(job.id, 0)] for job in made] == [["a"], ["b"]]
    assert await count(services, "job_events") == 2
    assert await services.lifecycle.create_receiving([receiving("a"), receiving("b")], key, within) == made[:1]
    with pytest.raises(IdempotencyKeyReused):
        await services.lifecycle.create_receiving([receiving("a")], Idempotency("k", "other"))
    assert await count(services, "jobs") == 2


async def test_receiving_jobs_need_room_in_the_queue_but_take_none(services: Services) -> None:
    backpressure = {Kind.DOWNLOAD: Backpressure(Kind.DOWNLOAD, 1, lambda _: None, Random(0))}
    limited = Lifecycle(services.database, services.feed, services.queue, services.settings, backpressure=backpressure)
    [job] = await limited.create_receiving([receiving("a")])
    await limited.create_receiving([receiving("b")])
    await limited.create(NewJob(kind=Kind.DOWNLOAD, owner="anonymous", files=[]))
    with pytest.raises(QueueFull):
        await limited.create_receiving([receiving("c")])
    assert (await limited.submit(job.id)).status is Status.QUEUED, "its bytes are there"


async def test_bytes_that_arrive_move_the_progress_and_the_time_at_which_the_job_lapses(services: Services) -> None:
    [job] = await services.lifecycle.create_receiving([receiving("a")])
    arrived = Progress(files_total=1, bytes_total=10, bytes_done=4)

    async def within(_: object, found: Job) -> Progress:
        assert found == job
        return arrived

    after = await services.lifecycle.receive(job.id, 3600, within)
    assert await read_job(services, job.id) == after
    assert (after.progress, after.seq, after.fence) == (arrived, job.seq + 1, job.fence)
    assert after.due_at > job.due_at + timedelta(minutes=50)
    await services.lifecycle.submit(job.id)
    with pytest.raises(IllegalTransition, match="Only receiving jobs accept bytes"):
        await services.lifecycle.receive(job.id, 3600, within)


async def test_a_result_without_a_lifetime_never_expires(services: Services) -> None:
    job = await services.lifecycle.succeed(await claimed(services), None)
    assert (job.status, job.expires_at) == (Status.COMPLETED, None)
    assert await services.lifecycle.expire_due() == []
