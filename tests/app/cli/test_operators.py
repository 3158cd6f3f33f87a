"""`haulage queues`, `haulage workers` and `haulage actions`."""

from __future__ import annotations

import pytest

from jobs.engine.jobs import Status
from jobs.engine.sql.workers import record_heartbeat
from jobs.engine.worker.sweeper import Sweeper
from jobs.kinds import Kind
from jobs.services import Services
from jobs.work import works_of
from tests.app.cli.processes import Cli, line_with, unpadded
from tests.helpers.jobs import create, dead, read


async def test_a_queue_is_paused_listed_and_resumed(cli: Cli) -> None:
    done = await cli("queues", "pause", "image", "--reason", "the store moves")
    assert done.code == 0, done.error
    assert done.out == "The queue of image jobs is paused. Jobs are accepted and wait; those that run go on.\n"
    titles, *lines = unpadded(await cli("queues", "list"))
    assert titles.split() == ["QUEUE", "STATE", "SINCE", "BY", "REASON"]
    assert [line.split()[:2] for line in lines] == [[kind, "paused" if kind is Kind.IMAGE else "open"] for kind in Kind]
    assert "anonymous" in lines[2]
    assert lines[2].endswith("the store moves")
    assert (await cli("queues", "resume", "image", "--json")).json["paused"] is False
    assert (await cli("queues", "pause", "mail")).code == 2


async def test_a_worker_is_listed_drained_and_resumed(cli: Cli, services: Services) -> None:
    async def beat() -> None:
        await record_heartbeat(services.database, "host:1:a", {Kind.DOWNLOAD: 4}, await services.database.now())

    await beat()
    drained = await cli("workers", "drain", "host:1:a")
    assert drained.out.startswith("Worker host:1:a claims no more jobs"), drained.error
    await beat()
    _, line = unpadded(await cli("workers", "list"))
    assert line.split()[:4] == ["host:1:a", "draining", "0", "download"]
    await beat()
    assert (await cli("workers", "resume", "host:1:a", "--json")).json == {"name": "host:1:a", "draining": False}
    missing = await cli("workers", "drain", "gone")
    assert (missing.code, missing.out) == (4, "")
    assert "There is no worker gone that runs." in missing.error


async def test_all_dead_jobs_are_retried_after_their_count_was_confirmed(cli: Cli, services: Services) -> None:
    jobs = [await dead(services) for _ in range(2)]
    refused = await cli("actions", "retry", "--dead")
    assert (refused.code, refused.out) == (2, "")
    assert "2 jobs match. Confirm them with --yes." in refused.error
    process = await cli.start("actions", "retry", "--dead", "--kind", "download", "--yes")
    await line_with(process, "starts in 5 s")
    await services.database.fetch("UPDATE operator_actions SET starts_at = now()")
    await Sweeper(services, works_of(services), "worker-1").continue_actions()
    out, _ = await process.communicate()
    assert (process.returncode, out.decode()) == (0, "2 jobs were queued again.\n")
    assert {(await read(services, job.id)).status for job in jobs} == {Status.QUEUED}
    titles, line = unpadded(await cli("actions", "list"))
    assert titles.split()[:3] == ["ACTION", "STATE", "COMMAND"]
    assert line.split()[1:6] == ["completed", "retry", "2", "0", "2"]


async def test_an_action_is_stopped(cli: Cli, services: Services) -> None:
    job = await create(services, 10_000)
    action = (await cli("actions", "cancel", "--status", "queued", "--yes", "--no-wait", "--json")).json
    stopped = await cli("actions", "stop", action["actionId"])
    assert stopped.out == f"Action {action['actionId']} is stopped: 0 of 1 jobs were done.\n"
    assert (await read(services, job.id)).status is Status.QUEUED
    assert (await cli("actions", "stop", 4711)).code == 4


@pytest.mark.parametrize("command", ["retry", "cancel", "delete"])
async def test_nothing_is_done_if_no_job_matches(cli: Cli, command: str) -> None:
    done = await cli("actions", command, "--owner", "olga")
    assert (done.code, done.out) == (0, "")
    assert done.error.startswith("No job matches that can be ")
