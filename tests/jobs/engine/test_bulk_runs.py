"""Bulk actions: only the jobs that matched at first, each once, through the state machine, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.access.audit import Action, list_entries
from jobs.engine.bulk_actions import CHANGED, BulkAction, BulkCommand, BulkState, filter_as_json, filter_of_json
from jobs.engine.bulk_runs import BATCH
from jobs.engine.fair_share import is_batch
from jobs.engine.job_filters import JobFilter
from jobs.engine.jobs import Failure, Job, Status
from jobs.engine.sql.bulk_actions import delete_old_actions
from jobs.errors import ActionNotFound, CountChanged, ErrorClass
from jobs.kinds import Kind
from jobs.services import Services
from jobs.settings import Settings
from jobs.uploads.uploads import NewUpload
from jobs.webhooks.endpoints import add_endpoint
from jobs.webhooks.messages import OF_JOBS
from tests.helpers.dead_jobs import many_dead
from tests.helpers.eventually import eventually
from tests.helpers.jobs import commands, create, dead, read_job
from tests.helpers.running import worker_process
from tests.helpers.settings import with_changes

DEAD = JobFilter(dead=True)
EVERY = JobFilter()


async def due(services: Services, command: BulkCommand, wanted: JobFilter = EVERY) -> BulkAction:
    """An action whose undo window is over."""
    action = await services.bulk.create(command, wanted, 10_000, "oskar", None)
    await services.database.fetch("UPDATE operator_actions SET starts_at = now() - interval '1 second'")
    return action


async def finish(services: Services, action: BulkAction, worker: str = "worker-1") -> BulkAction:
    while await services.bulk.continue_next(worker):
        pass
    return await services.bulk.read(action.id)


async def claimed(services: Services) -> Job:
    job = await create(services, 10_000)
    held = await services.lifecycle.claim(job.id, job.fence, "w")
    assert held is not None
    return held.job


async def test_jobs_that_match_later_are_left_alone(services: Services) -> None:
    jobs = [await dead(services) for _ in range(2)]
    action = await due(services, BulkCommand.RETRY, DEAD)
    later = await dead(services)
    done = await finish(services, action)
    assert (done.state, done.total, done.done, done.failed) == (BulkState.COMPLETED, 2, 2, 0)
    assert {(await read_job(services, job.id)).status for job in jobs} == {Status.QUEUED}
    assert await read_job(services, later.id) == later


async def test_jobs_that_do_not_match_any_more_are_left_alone(services: Services) -> None:
    waiting, running = [await create(services, 10_000) for _ in range(2)]
    action = await due(services, BulkCommand.CANCEL, JobFilter(statuses=frozenset({Status.QUEUED})))
    held = await services.lifecycle.claim(running.id, running.fence, "w")
    assert held is not None
    done = await finish(services, action)
    assert (done.done, done.failed, done.reasons) == (1, 1, {CHANGED: 1})
    assert (await read_job(services, waiting.id)).status is Status.CANCELLED
    assert (await read_job(services, running.id)).status is Status.PROCESSING


async def test_a_job_that_ends_while_the_action_reaches_it_keeps_its_end(services: Services) -> None:
    job = await claimed(services)
    action = await due(services, BulkCommand.CANCEL)
    ending, may_end = asyncio.Event(), asyncio.Event()

    async def within(_: AsyncConnection, __: Job) -> None:
        ending.set()
        await may_end.wait()

    succeeding = asyncio.create_task(services.lifecycle.succeed(job, 60, within))
    await ending.wait()
    acting = asyncio.create_task(services.bulk.continue_next("worker-1"))

    async def waits() -> int:
        [row] = await services.database.fetch("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(row["count"])

    await eventually(waits)
    may_end.set()
    await asyncio.gather(succeeding, acting)
    done = await services.bulk.read(action.id)
    assert (done.state, done.done, done.reasons) == (BulkState.COMPLETED, 0, {CHANGED: 1})
    assert (await read_job(services, job.id)).status is Status.COMPLETED


async def test_what_the_state_machine_or_a_kind_refuses_is_counted_and_nothing_else(services: Services) -> None:
    never_received, infected = await services.uploads.create("olga", [NewUpload(name=name, size=1) for name in "ab"])
    await services.lifecycle.cancel(never_received.id)
    failing = await services.lifecycle.submit(infected.id)
    held = await services.lifecycle.claim(infected.id, failing.fence, "w")
    assert held is not None
    await services.lifecycle.fail(held.job, Failure(error_class=ErrorClass.VALIDATION, message="infected"))
    await services.database.fetch(
        "UPDATE upload_jobs SET infected_at = now(), finding = 'Eicar' WHERE job_id = $1", infected.id
    )
    before = [await read_job(services, job.id) for job in (never_received, infected)]
    fine = await dead(services)
    done = await finish(services, await due(services, BulkCommand.RETRY))
    assert (done.total, done.done, done.failed, done.reasons) == (3, 1, 2, {"illegal_transition": 2})
    assert [await read_job(services, job.id) for job in before] == before
    assert (await read_job(services, fine.id)).status is Status.QUEUED


async def test_each_command_means_only_the_jobs_that_it_may_move(services: Services) -> None:
    queued, gone = await create(services, 10_000), await dead(services)
    invalid = await services.lifecycle.fail(
        await claimed(services), Failure(error_class=ErrorClass.VALIDATION, message="files are missing")
    )
    totals = {command: (await due(services, command)).total for command in BulkCommand}
    assert totals == {BulkCommand.RETRY: 2, BulkCommand.CANCEL: 1, BulkCommand.DELETE: 1}
    for command in (BulkCommand.DELETE, BulkCommand.CANCEL):
        await services.database.fetch("DELETE FROM operator_actions")
        await finish(services, await due(services, command))
    assert await commands(services, gone.id) == [*["create", *["claim", "fail"] * 3], "delete"]
    assert (await read_job(services, queued.id)).status is Status.CANCELLED
    assert await read_job(services, invalid.id) == invalid


async def test_retried_jobs_wait_behind_all_others(services: Services) -> None:
    jobs = [await dead(services, owner=owner) for owner in ("ada", "ada", "anonymous")]
    await finish(services, await due(services, BulkCommand.RETRY))
    places = [(await read_job(services, job.id)).queued_at for job in jobs]
    assert all(map(is_batch, places))
    live = await create(services, 10_000)
    assert not is_batch(live.queued_at)


async def test_a_batch_that_fails_is_undone_as_a_whole(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [await dead(services) for _ in range(3)]
    action = await due(services, BulkCommand.RETRY)
    move = services.lifecycle.move_locked

    async def failing(*args: Any) -> Any:
        await move(*args)
        raise RuntimeError("killed")

    monkeypatch.setattr(services.lifecycle, "move_locked", failing)
    with pytest.raises(RuntimeError):
        await services.bulk.continue_next("worker-1")
    assert [await read_job(services, job.id) for job in jobs] == jobs
    assert (await services.bulk.read(action.id)).done == 0
    monkeypatch.undo()
    assert (await finish(services, action)).done == 3


async def test_one_worker_at_a_time_does_an_action_until_its_lease_expires(services: Services) -> None:
    await many_dead(services, BATCH + 1)
    action = await due(services, BulkCommand.RETRY)
    assert await services.bulk.continue_next("worker-1")
    assert not await services.bulk.continue_next("worker-2")
    await services.database.fetch("UPDATE operator_actions SET lease_until = now()")
    assert await services.bulk.continue_next("worker-2")
    assert not await services.bulk.continue_next("worker-2")
    assert (await services.bulk.read(action.id)).done == BATCH + 1


async def test_a_worker_that_is_killed_midway_leaves_the_rest_to_another_and_nothing_twice(
    services: Services, settings: Settings
) -> None:
    count = 40 * BATCH
    jobs = await many_dead(services, count)
    action = await due(services, BulkCommand.RETRY)
    changed = with_changes(settings, worker_kinds=[Kind.UPLOAD])
    async with worker_process(changed) as process:

        async def has_begun() -> bool:
            return (await services.bulk.read(action.id)).done > 0

        await eventually(has_begun, patience=90, interval=0.002)
        process.kill()
        await process.wait()
    await services.database.fetch("UPDATE operator_actions SET lease_until = now()")
    left = await services.bulk.read(action.id)
    assert (left.state, 0 < left.done < count) == (BulkState.RUNNING, True)
    done = await finish(services, action, "worker-2")
    assert (done.state, done.done, done.failed) == (BulkState.COMPLETED, count, 0)
    query = "SELECT job_id FROM job_events WHERE command = 'retry'"
    assert sorted(row["job_id"] for row in await services.database.fetch(query)) == sorted(jobs)


async def test_a_stopped_action_moves_no_further_job(services: Services) -> None:
    await many_dead(services, 2 * BATCH)
    action = await due(services, BulkCommand.RETRY)
    assert await services.bulk.continue_next("worker-1")
    stopped = await services.bulk.stop(action.id, "olga", None)
    assert (stopped.state, stopped.done, stopped.stopped_by) == (BulkState.CANCELLED, BATCH, "olga")
    assert await finish(services, action) == stopped
    assert await services.database.fetch("SELECT FROM operator_action_batches") == []


async def test_the_audit_entry_is_part_of_the_transaction(services: Services) -> None:
    audit = Action(actor="oskar", proof="key:1", action="createAction")
    await dead(services)
    await dead(services)
    wanted = JobFilter(dead=True, kinds=frozenset({Kind.DOWNLOAD}))
    with pytest.raises(CountChanged) as caught:
        await services.bulk.create(BulkCommand.RETRY, wanted, 1, "oskar", audit)
    assert caught.value.count == 2
    assert await list_entries(services.database, None, None, 10) == []
    action = await services.bulk.create(BulkCommand.RETRY, wanted, 2, "oskar", audit)
    await services.bulk.stop(action.id, "oskar", replace(audit, action="stopAction"))
    entries = await list_entries(services.database, None, None, 10)
    assert [(one.action.action, one.action.subject) for one in entries] == [
        ("stopAction", f"{action.id}: 0 of 2 jobs were done"),
        ("createAction", f"{action.id}: retry of 2 jobs, kind=download dead=True"),
    ]


async def test_actions_are_kept_for_ninety_days(services: Services) -> None:
    old, new = [await due(services, BulkCommand.RETRY) for _ in range(2)]
    await finish(services, old)
    await services.database.fetch(
        "UPDATE operator_actions SET finished_at = finished_at - $1::interval WHERE id = $2", timedelta(days=91), old.id
    )
    await delete_old_actions(services.database)
    with pytest.raises(ActionNotFound):
        await services.bulk.read(old.id)
    assert (await services.bulk.read(new.id)).state is BulkState.COMPLETED


async def test_a_filter_is_stored_as_it_was(services: Services) -> None:
    now = await services.database.now()
    wanted = JobFilter(
        text="a",
        statuses=frozenset({Status.FAILED}),
        kinds=frozenset({Kind.PDF}),
        owner="olga",
        since=now - timedelta(days=1),
        until=now,
        dead=True,
    )
    action = await services.bulk.create(BulkCommand.RETRY, wanted, 0, "oskar", None)
    assert (await services.bulk.read(action.id)).filter == wanted == filter_of_json(filter_as_json(wanted))


async def test_webhooks_are_told_of_the_jobs_that_it_ends_and_of_no_others(services: Services) -> None:
    await add_endpoint(
        services.database,
        owner="anonymous",
        url="https://a.example/",
        events=OF_JOBS,
        description="",
        created_by="test",
    )
    jobs = [await create(services, 1) for _ in range(3)]
    await finish(services, await due(services, BulkCommand.CANCEL))
    told = await services.database.fetch("SELECT event, job_id FROM webhook_messages")
    assert sorted((row["event"], row["job_id"]) for row in told) == sorted(("job.cancelled", job.id) for job in jobs)
    await finish(services, await due(services, BulkCommand.RETRY))
    assert len(await services.database.fetch("SELECT FROM webhook_messages")) == 3
