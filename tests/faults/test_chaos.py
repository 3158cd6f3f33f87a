"""All of it at once (row 16 of docs/reliability.md)."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import pairwise

import pytest

from tests.faults import checks
from tests.faults.figures import percentile, record, spread
from tests.faults.ground import Ground
from tests.faults.loads import Load
from tests.faults.members import Member
from tests.faults.watchers import Watcher

JOBS, SECONDS = 3200, 140.0
FOLLOWED = 40
SEED = 5


class Chaos:
    """Does one thing after the other to a fleet that is kept at its size."""

    def __init__(self, ground: Ground, workers: list[Member], gateways: list[tuple[Member, str]]) -> None:
        self._ground = ground
        self._workers = workers
        self.gateways = gateways
        self._random = random.Random(SEED)
        self.killed: dict[str, datetime] = {}
        """When each worker was killed, by its name."""

    async def run(self) -> None:
        """Every fault once, twice those of workers, with a breath between them.

        The store is whole while a killed worker's jobs wait for the next one: without it none could run, however soon.
        """
        faults: list[Callable[[], Awaitable[None]]] = [
            self.kill_worker,
            self.flush,
            self.cut_connections,
            self.kill_worker,
            self.restart_redis,
            self.stop_worker,
            self.drain_worker,
            self.part_store,
            self.crash_postgresql,
            self.kill_worker,
            self.restart_gateway,
            self.flush,
            self.kill_worker,
            self.cut_connections,
            self.drain_worker,
            self.kill_worker,
        ]
        for fault in faults:
            await fault()
            await asyncio.sleep(3)  # the pace of the faults

    def _one(self) -> Member:
        return self._workers.pop(self._random.randrange(len(self._workers)))

    async def kill_worker(self) -> None:
        """Kills a worker that holds a job: it is stopped first, to see whether it does."""
        worker = self._one()
        name = worker.lines("worker_started")[0].fields["worker"]
        held = "SELECT id FROM jobs WHERE status = 'processing' AND worker = :name"
        worker.stop()
        while not await self._ground.rows(held, name=name):
            worker.resume()
            await asyncio.sleep(0.02)  # jobs are short
            worker.stop()
        at = await self._ground.now()
        await worker.kill()
        self.killed[name] = at
        self._workers.append(await self._ground.fleet.worker())

    async def drain_worker(self) -> None:
        worker = self._one()
        assert await worker.drain() <= 30
        self._workers.append(await self._ground.fleet.worker())

    async def stop_worker(self) -> None:
        worker = self._random.choice(self._workers)
        worker.stop()
        await asyncio.sleep(14)  # that is the fault
        worker.resume()

    async def restart_gateway(self) -> None:
        gateway, url = self.gateways.pop(0)
        await gateway.drain()
        self.gateways.append(await self._ground.fleet.gateway(port=int(url.rpartition(":")[2])))

    async def flush(self) -> None:
        self._ground.servers.flush()

    async def restart_redis(self) -> None:
        await self._ground.servers.valkey.kill()
        await asyncio.sleep(4)  # that is the fault
        await self._ground.servers.valkey.restart()

    async def crash_postgresql(self) -> None:
        await self._ground.servers.postgres.kill(signal.SIGQUIT)
        await asyncio.sleep(2)  # that is the fault
        await self._ground.servers.postgres.restart()

    async def part_store(self) -> None:
        await self._ground.store.refuse()
        await asyncio.sleep(5)  # that is the fault
        await self._ground.store.heal()

    async def cut_connections(self) -> None:
        for proxy in (self._ground.database, self._ground.redis, self._ground.store):
            proxy.cut()


@pytest.mark.chaos
@pytest.mark.timeout(420)
async def test_three_thousand_jobs_come_through_everything_at_once(ground: Ground) -> None:
    file_id = await ground.file()
    workers = [await ground.fleet.worker() for _ in range(3)]
    gateways = [await ground.fleet.gateway() for _ in range(2)]
    chaos = Chaos(ground, workers, gateways)

    def urls() -> list[str]:
        return [url for _, url in chaos.gateways]

    load = Load(ground, file_id, urls)
    asking = asyncio.create_task(load.run(JOBS, SECONDS, insist=True))
    await ground.until("SELECT count(*) >= :n FROM jobs", n=FOLLOWED)
    watchers = [Watcher(job_id, urls) for job_id in load.made[:FOLLOWED]]
    following = [asyncio.create_task(it.run()) for it in watchers]
    await asyncio.gather(asking, chaos.run())
    await ground.ended(patience=120)
    told = await asyncio.gather(*following)
    rows = await ground.rows("SELECT id, status, created_at, finished_at FROM jobs")
    done = sum(it["status"] == "completed" for it in rows)
    whole = [(it["finished_at"] - it["created_at"]).total_seconds() for it in rows]
    noticed, waited = await recoveries(ground, chaos.killed)
    recovered = [sum(pair) for pair in zip(noticed, waited, strict=True)]
    record(16, "mixed chaos: jobs completed", f"{done} of {len(rows)}", "≥ 99.9 %")
    record(16, "the same: from created to finished", spread(whole))
    record(16, "the same: from kill -9 of the worker until the job ran again", spread(recovered), "p99 ≤ 15 s")
    record(16, "of that: until its worker was known to be lost", spread(noticed))
    record(16, "of that: until another worker took it then", spread(waited))
    record(16, "the same: streams that got the last message", f"{len(told)} of {FOLLOWED}")
    assert len(rows) == len(ground.accepted) == JOBS
    assert done / JOBS >= 0.999
    assert percentile(recovered, 0.99) <= 15
    assert set(told) <= {"completed"}
    await checks.assert_consistent(ground, failed=JOBS - done)


async def recoveries(ground: Ground, killed: dict[str, datetime]) -> tuple[list[float], list[float]]:
    """For each job that a killed worker held: seconds from the kill until it was lost, and from there to its next claim."""
    events = await ground.rows("SELECT job_id, command, worker, at FROM job_events ORDER BY job_id, seq")
    noticed, waited = [], []
    for held, event in pairwise(events):
        if (held["command"], event["command"]) == ("claim", "lose") and held["worker"] in killed:
            later = [it["at"] for it in events if it["job_id"] == held["job_id"] and it["at"] > event["at"]]
            if later:
                noticed.append((event["at"] - killed[held["worker"]]).total_seconds())
                waited.append((later[0] - event["at"]).total_seconds())
    assert noticed, "no worker held a job when it was killed: that is no test"
    return noticed, waited
