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
    """Second by second, the one gateway and then the other: what a request costs varies more from minute to minute."""
    requests = [load.request("GET", f"/v1/download/job/{job.id}") for job in jobs]
    [metrics_port] = free_ports([0])
    async with (
        arena.gateway_process() as (off, off_pid),
        arena.gateway_process(metrics_port=metrics_port) as (on, on_pid),
        _scraping(metrics_port),
    ):
        loads = [
            Load(port=port, requests=requests, connections=CONNECTIONS, seconds=1, conditional=True)
            for port in (off, on)
        ]
        await arena.apart(_in_turns, loads, 1)  # they load what they need
        before = [cpu_seconds(pid) for pid in (off_pid, on_pid)]
        served = await arena.apart(_in_turns, loads, 2 * round(effort.seconds))
        used = [cpu_seconds(pid) - was for pid, was in zip((off_pid, on_pid), before, strict=True)]
    return Costs(*(1e6 * cpu / count for cpu, count in zip(used, served, strict=True)))


def _in_turns(loads: Sequence[Load], turns: int) -> list[int]:
    """How many polls were answered of each load, all of which run this many times, one after the other."""
    served = [0] * len(loads)
    for turn in range(turns):
        order = list(enumerate(loads))
        for index, one in order if turn % 2 else reversed(order):
            statuses = load.run(one).statuses
            assert statuses.keys() <= {200, 304}, statuses
            served[index] += sum(statuses.values())
    return served


async def _deliveries(arena: Arena, effort: Effort, jobs: Sequence[Job]) -> Costs:
    """Both gateways at the same time, each with jobs of its own: what one delivery costs varies more from run to run."""
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
