"""The primary of PostgreSQL killed, and its standby promoted (rows 20 and 21 of docs/reliability.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from jobs.engine.jobs import Progress, Status
from jobs.kinds import Phase
from tests.app.following.followers import Follower, socket, stream
from tests.faults import checks
from tests.faults.figures import percentile, record, spread
from tests.faults.ground import POLL, Ground
from tests.faults.loads import Load
from tests.faults.members import PATIENCE
from tests.faults.replication import ReplicatedServers

pytestmark = [pytest.mark.drills, pytest.mark.timeout(400)]

JOBS = 200
RECOVERED = 15.0
"""Seconds from the death of the primary in which a worker holds 99 % of the running jobs by a lease of the new one."""
DETECTION = 2.0
"""Seconds that whatever watches the primary takes to notice its death. With Patroni it is up to its `ttl`."""


@pytest.fixture
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicatedServers]:
    """A primary and a standby of the test's own: afterwards one of them is dead."""
    with ReplicatedServers.running(tmp_path_factory.mktemp("pair")) as running:
        yield running


async def test_two_hundred_running_jobs_outlive_the_primary_of_a_synchronous_standby(
    ground: Ground, servers: ReplicatedServers
) -> None:
    await servers.synchronise()
    file_id = await ground.file()
    for _ in range(2):
        # The store only holds the jobs: it is not to be a fault as well.
        await ground.fleet.worker(worker_concurrency=JOBS // 2, s3_idle_timeout=120, file_timeout=120)
    _, url = await ground.fleet.gateway()
    ground.store.stall()
    running = await ground.jobs(JOBS, file_id)
    await ground.until("SELECT count(*) = :jobs FROM jobs WHERE status = 'processing'", jobs=JOBS)
    load = Load(ground, file_id, lambda: [url])
    requests = asyncio.create_task(load.run(100, 10))
    await ground.until("SELECT count(*) >= :jobs FROM jobs", jobs=JOBS + 10)
    killed = await ground.now()
    await servers.fail_over(DETECTION)
    promoted = await ground.now()
    seconds = await recoveries(ground, [job.id for job in running], killed)
    await ground.store.heal()
    await requests
    await ground.ended(patience=120)
    rows = await ground.rows("SELECT id, status FROM jobs")
    assert set(load.answers) <= {202, 503}
    assert {row["status"] for row in rows} == {"completed"}
    assert ground.accepted <= {row["id"] for row in rows}
    assert percentile(seconds, 0.99) <= RECOVERED
    await checks.assert_consistent(ground)
    record(20, "PostgreSQL primary killed, synchronous standby promoted: running jobs lost, doubled", "0, 0", "0, 0")
    record(20, "the same: accepted requests meanwhile that were lost", f"0 of {load.answers[202]}", "0")
    promotion = (promoted - killed).total_seconds()
    record(20, "the same: until the standby accepted writes", f"{promotion:.1f} s, of which detection {DETECTION:g} s")
    what = f"the same: from kill -9 until each of {JOBS} running jobs had a lease of the new primary"
    record(20, what, spread(seconds), f"p99 ≤ {RECOVERED:g} s")


async def recoveries(ground: Ground, job_ids: list[UUID], killed: datetime) -> list[float]:
    """Seconds from the kill until a worker has renewed the lease of each job, or has claimed it again.

    A lease begins when it is renewed, so the database knows when that was.
    """
    lease = ground.settings.lease_ttl
    query = "SELECT id, lease_until FROM jobs WHERE id = ANY (:ids) AND lease_until > :since"
    since, found = killed + timedelta(seconds=lease), dict[UUID, float]()
    async with asyncio.timeout(PATIENCE):
        while len(found) < len(job_ids):
            for row in await ground.rows(query, ids=job_ids, since=since):
                found.setdefault(row["id"], (row["lease_until"] - since).total_seconds())
            await asyncio.sleep(POLL)
    return list(found.values())


async def test_followers_start_over_where_an_asynchronous_standby_lacks_the_latest_changes(
    ground: Ground, servers: ReplicatedServers
) -> None:
    """What was committed and not received by the standby is lost: later changes of one job, and all of another."""
    lifecycle = ground.services.lifecycle
    created = await ground.job(await ground.file())
    claimed = await lifecycle.claim(created.id, created.fence, "worker-1")
    assert claimed is not None
    kept = claimed.job
    _, url = await ground.fleet.gateway()
    api = await ground.api(url)
    async with socket(url, f"/{kept.id}") as socketed, stream(api, f"/{kept.id}") as streamed:
        followers: list[Follower] = [socketed, streamed]
        await servers.until_caught_up()
        await servers.disconnect()
        for done in (1, 2, 3):
            progress = Progress(files_total=1, bytes_done=done)
            seq = await lifecycle.record(kept, Phase.PACKING, progress, [])
            await asyncio.gather(*(follower.heard(kept, (seq, 0)) for follower in followers))
        lost = await ground.job(await ground.file())
        ground.accepted.discard(lost.id)
        async with socket(url, f"/{lost.id}") as of_lost:
            await of_lost.heard(lost, (lost.seq, -1))
            await servers.fail_over()
            assert (await of_lost.end(lost))["type"] == "gone"
        await asyncio.gather(*(follower.over() for follower in followers))
        assert socketed.code == 1012
    had = {str(kept.id): seq}
    async with (
        socket(url, f"/{kept.id}?since={seq}", since=had) as socketed,
        stream(api, f"/{kept.id}", since=had, last_event_id=f"{seq}.0") as streamed,
    ):
        for follower in (socketed, streamed):
            await follower.until(lambda follower=follower: bool(follower.messages))  # type: ignore[misc]
            assert (follower.messages[0]["since"], follower.messages[0]["seq"]) == (0, kept.seq)
    response = await api.get(f"/v1/download/job/{lost.id}")
    assert response.status_code == httpx.codes.NOT_FOUND
    await ground.fleet.worker()
    await ground.ended([kept])
    assert (await ground.row(kept.id))["status"] == Status.COMPLETED
    await checks.assert_consistent(ground)
    record(21, "PostgreSQL primary killed, asynchronous standby without the last changes: followers", "start over")
