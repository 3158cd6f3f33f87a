"""What counting costs: polls and deliveries of a gateway with metrics, which is scraped, and of one without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from app.stack.ports import free_ports
from jobs.concurrency import cancel_and_wait
from jobs.engine.jobs import Job
from tests.bench import changes, load
from tests.bench.arena import Arena, cpu_seconds
from tests.bench.effort import Effort, middle
from tests.bench.load import Load
from tests.bench.report import Figure
from tests.bench.scene import gateway_scene

CONNECTIONS = 32
JOBS = 20
DELIVERED = 10_000
"""Messages a second that the followers of one gateway get."""
POLLS, DELIVERIES = 0.9, 0.95
"""The least shares of what a gateway without metrics does with as much CPU."""
SCRAPE_INTERVAL = 15.0
"""Seconds between two scrapes: the default of most installations."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Microseconds of a gateway's CPU for one poll, or one delivery."""

    off: float
    on: float

    @property
    def ratio(self) -> float:
        return self.off / self.on


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Polls of running jobs with their current ETag, and messages to followers."""
    jobs = [it.job for it in await changes.running_jobs(arena.services, JOBS)]
    polls = [await _polls(arena, effort, jobs) for _ in range(effort.rounds)]
    deliveries = [await _deliveries(arena, effort, jobs) for _ in range(effort.rounds)]
    return [
        _figure("Polls of as much CPU: with metrics ÷ without", polls, POLLS),
        _figure("Deliveries of as much CPU: with metrics ÷ without", deliveries, DELIVERIES),
    ]


async def _polls(arena: Arena, effort: Effort, jobs: Sequence[Job]) -> Costs:
    """Both gateways at the same time: what one request costs varies more from run to run."""
    [metrics_port] = free_ports([0])
    off, on = await asyncio.gather(*(_poll(arena, effort, jobs, port) for port in (0, metrics_port)))
    return Costs(off=off, on=on)


async def _poll(arena: Arena, effort: Effort, jobs: Sequence[Job], metrics_port: int) -> float:
    requests = [load.request("GET", f"/v1/download/job/{job.id}") for job in jobs]
    async with arena.gateway_process(metrics_port=metrics_port) as (port, pid), _scraping(metrics_port):
        one = Load(
            port=port, requests=requests, connections=CONNECTIONS // 2, seconds=2 * effort.seconds, conditional=True
        )
        await arena.apart(load.run, one)  # it loads what it needs
        before = cpu_seconds(pid)
        answers = await arena.apart(load.run, one)
        used = cpu_seconds(pid) - before
    assert answers.statuses.keys() <= {200, 304}, answers.statuses
    return 1e6 * used / sum(answers.statuses.values())


async def _deliveries(arena: Arena, effort: Effort, jobs: Sequence[Job]) -> Costs:
    """Both gateways at the same time, as above, each with jobs of its own."""
    [metrics_port] = free_ports([0])
    half = len(jobs) // 2
    async with AsyncExitStack() as running:
        scenes = [
            await running.enter_async_context(
                gateway_scene(arena, followed, streams=effort.followers // 2, metrics_port=port)
            )
            for port, followed in ((0, jobs[:half]), (metrics_port, jobs[half:]))
        ]
        await running.enter_async_context(_scraping(metrics_port))
        off, on = await asyncio.gather(*(scene.window(DELIVERED, 3 * effort.seconds) for scene in scenes))
    return Costs(off=off.each, on=on.each)


@asynccontextmanager
async def _scraping(port: int) -> AsyncIterator[None]:
    """Scrapes while the block runs, unless the port is 0."""

    async def scrape() -> None:
        async with httpx.AsyncClient() as client:
            while True:
                (await client.get(f"http://127.0.0.1:{port}/metrics")).raise_for_status()
                await asyncio.sleep(SCRAPE_INTERVAL)

    if not port:
        yield
        return
    scraping = asyncio.create_task(scrape())
    try:
        yield
        assert not scraping.done(), scraping.result()
    finally:
        await cancel_and_wait(scraping)


def _figure(what: str, rounds: Sequence[Costs], least: float) -> Figure:
    ratio = middle(rounds, lambda it: it.ratio)
    lowest, highest = min(it.ratio for it in rounds), max(it.ratio for it in rounds)
    on, off = middle(rounds, lambda it: it.on), middle(rounds, lambda it: it.off)
    measured = f"{ratio:.2f} ({lowest:.2f} to {highest:.2f}), {on:.1f} and {off:.1f} µs"
    return Figure(what, measured, f"≥ {least}", ratio >= least)
