"""The master of Redis killed, and a replica promoted by sentinels (row 19)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.faults import checks
from tests.faults.figures import percentile, record
from tests.faults.ground import MIB, Ground
from tests.faults.watchers import SocketWatcher, Watcher
from tests.helpers.sentinels import SentinelGroup, running_sentinels

GAP = 3.0
"""Seconds, at most, between two messages of a live stream."""
SETTLED = 3.0
"""Seconds after the promotion in which the new master is found."""


@pytest.fixture
async def group(tmp_path: Path) -> AsyncIterator[SentinelGroup]:
    folder = tmp_path / "sentinels"
    folder.mkdir()
    async with running_sentinels(folder) as running:
        yield running


@pytest.fixture
def changes(group: SentinelGroup) -> dict[str, Any]:
    return group.changes


@pytest.mark.drills
@pytest.mark.timeout(240)
async def test_streams_and_jobs_go_on_while_a_replica_is_promoted(ground: Ground, group: SentinelGroup) -> None:
    file_ids = [await ground.file(8 * MIB, f"{n}.bin") for n in range(8)]
    await ground.fleet.worker(worker_memory_budget=256 * MIB)  # so that every job always reads
    _, url = await ground.fleet.gateway()
    ground.store.rate = 0.4 * MIB
    jobs = await ground.jobs(3, *file_ids)
    watchers = [way(job.id, lambda: [url]) for job in jobs for way in (Watcher, SocketWatcher)]
    following = [asyncio.create_task(it.run()) for it in watchers]
    for job in jobs:
        await ground.fleet.holder(job.id)
    killed = monotonic()
    former = await group.kill_master()
    waiting = asyncio.create_task(ground.jobs(5, file_ids[0]))
    await group.until_promoted(former)
    promoted = monotonic()
    ends = await asyncio.gather(*following)
    await ground.ended(await waiting)
    gaps = [gap for it in watchers for gap in it.gaps(killed, promoted + SETTLED)]
    live = [it.degraded_until - killed for it in watchers if it.degraded]
    assert ends == ["completed"] * len(watchers)
    assert all(it.moments[-1] > it.degraded_until for it in watchers), "no stream was live again"
    assert max(gaps) <= GAP
    await checks.assert_consistent(ground)
    record(19, "Redis master killed, sentinels (down after 1 s): until promoted", f"{promoted - killed:.1f} s")
    longest = f"{max(gaps):.1f} s, p99 {percentile(gaps, 0.99):.1f} s"
    record(19, "the same: longest silence of 3 event streams and 3 WebSockets", longest, f"≤ {GAP:g} s")
    record(19, "the same: until streams were live again", f"{max(live, default=0):.1f} s")
