"""A server with its crowd and its publisher, and what is seen of them while events come at a steady pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from time import monotonic
from typing import Any

from jobs.engine.jobs import Job
from tests.bench import crowd, publisher
from tests.bench.arena import Arena, Partner, cpu_seconds, memory, waiting_seconds
from tests.bench.crowd import Crowd, Taken
from tests.bench.effort import percentile
from tests.bench.publisher import Published
from tests.bench.yardstick import Yardstick

MANY = 50_000
"""More followers than there are, for the gateway's limits."""
WARM = 1.0
"""Seconds at a pace before it is measured."""
QUIET = 0.7
"""Seconds without a message after which everything that was published has come."""
BACKLOG = 30.0
"""Seconds that this may take after a pace that was too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was seen in the steady seconds."""

    taken: Taken
    published: Published
    cpu: float
    """Cores that the server used."""
    waited: float
    """The share of the time that the server was ready to run while others had the cores."""
    whole: float
    """Messages that came ÷ those that should have, from the first event to the last."""

    @property
    def each(self) -> float:
        """Microseconds of the server's CPU for one delivery."""
        return 1e6 * self.cpu / self.taken.rate

    def percentile(self, share: float) -> float:
        """Milliseconds from publishing within which this share came."""
        return milliseconds(self.taken.times, share)


def milliseconds(times: Sequence[int], share: float) -> float:
    """Microseconds in, the percentile in milliseconds out."""
    return percentile(times, share) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A server that holds so many followers of the jobs."""

    pid: int
    port: int
    jobs: Sequence[Job]
    followers: int
    before: int
    """Bytes of memory that the server had before they came."""
    crowd: Partner
    publisher: Partner

    async def window(self, rate: float, seconds: float) -> Window:
        """Events at such a pace that `rate` messages a second are delivered."""
        pace = rate * len(self.jobs) / self.followers
        await self.crowd.ask("take")
        await self.publisher.ask(pace)
        await asyncio.sleep(WARM)
        before: Taken = await self.crowd.ask("take")
        cpu, waited = cpu_seconds(self.pid), waiting_seconds(self.pid)
        early: Published = await self.publisher.ask(pace)
        await asyncio.sleep(seconds)
        taken: Taken = await self.crowd.ask("take")
        cpu, waited = cpu_seconds(self.pid) - cpu, waiting_seconds(self.pid) - waited
        published: Published = await self.publisher.ask(0)
        late = await self._late()
        due = (early.events + published.events) * self.followers / len(self.jobs)
        came = before.messages + taken.messages + late
        return Window(
            taken=taken,
            published=published,
            cpu=cpu / taken.seconds,
            waited=waited / taken.seconds,
            whole=came / due,
        )

    async def _late(self) -> int:
        """The messages that come after all, so that the next window starts without them."""
        late = 0
        deadline = monotonic() + BACKLOG
        while monotonic() < deadline:
            await asyncio.sleep(QUIET)
            came: Taken = await self.crowd.ask("take")
            late += came.messages
            if not came.messages:
                break
        return late


@asynccontextmanager
async def gateway_scene(
    arena: Arena, jobs: Sequence[Job], *, sockets: int = 0, streams: int = 0, polls: int = 0, **settings: Any
) -> AsyncIterator[Scene]:
    """One fresh gateway process, with settings of its own."""
    limits = {"max_followers": MANY, "max_followers_per_client": MANY}
    async with arena.gateway_process(**limits, **settings) as (port, pid):
        await asyncio.to_thread(crowd.visit, _followers(port, jobs, sockets=1, streams=1))  # it loads what it needs
        before = memory(pid)
        everyone = _followers(port, jobs, sockets=sockets, streams=streams, polls=polls)
        async with _followed(arena, everyone, jobs, pid, before, None) as scene:
            yield scene


@asynccontextmanager
async def node_scene(
    arena: Arena, yardstick: Yardstick, jobs: Sequence[Job], *, sockets: int = 0, streams: int = 0
) -> AsyncIterator[Scene]:
    """One fresh Node process; the publisher talks to it directly."""
    async with yardstick.running() as (port, feed_port, pid):
        before = memory(pid)
        everyone = Crowd(
            port=port,
            sockets=_paths("/subscribe/", jobs, sockets),
            streams=_paths("/stream/", jobs, streams),
        )
        async with _followed(arena, everyone, jobs, pid, before, feed_port) as scene:
            yield scene


@asynccontextmanager
async def _followed(
    arena: Arena, everyone: Crowd, jobs: Sequence[Job], pid: int, before: int, feed_port: int | None
) -> AsyncIterator[Scene]:
    with (
        arena.partner(crowd.run, everyone) as followers,
        arena.partner(publisher.run, arena.settings, jobs, feed_port) as publishing,
    ):
        count = await followers.answer()
        yield Scene(
            pid=pid,
            port=everyone.port,
            jobs=jobs,
            followers=count,
            before=before,
            crowd=followers,
            publisher=publishing,
        )


def _followers(port: int, jobs: Sequence[Job], *, sockets: int, streams: int, polls: int = 0) -> Crowd:
    return Crowd(
        port=port,
        sockets=_paths("/v1/download/subscribe/", jobs, sockets),
        streams=_paths("/v1/download/stream/", jobs, streams),
        polls=_paths("/v1/download/job/", jobs, polls),
    )


def _paths(prefix: str, jobs: Sequence[Job], count: int) -> list[str]:
    """For so many followers, of all jobs in turn."""
    return [f"{prefix}{job.id}" for job in islice(cycle(jobs), count)]
