"""What nginx with the files of proxy/ costs in front of one gateway process: time of live events, and requests a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from jobs.engine.jobs import Job
from tests.bench import changes, crowd, load, publisher
from tests.bench.arena import Arena
from tests.bench.crowd import Crowd, Taken
from tests.bench.effort import Effort, middle
from tests.bench.load import Answers, Load
from tests.bench.report import Figure
from tests.bench.scene import MANY, WARM, milliseconds
from tests.bench.status import CONNECTIONS
from tests.helpers.fronts import NginxFront
from tests.helpers.reverse_proxies import in_front

JOBS = 100
FOLLOWERS = 500
"""Event streams on each of the two paths."""
EVENTS = 200
"""Published a second, of all jobs: each follower gets two."""
ADDED = 5.0
"""Most milliseconds that nginx may add at p99."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What both paths did at the same time, or right after each other."""

    direct: Taken
    through: Taken
    reads: Answers
    reads_through: Answers


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Each round has a gateway and an nginx of its own."""
    jobs = [it.job for it in await changes.running_jobs(arena.services, JOBS)]
    return _figures([await _round(arena, effort, jobs, number) for number in range(effort.rounds)])


async def _round(arena: Arena, effort: Effort, jobs: Sequence[Job], number: int) -> Round:
    nginx = NginxFront(arena.folder / f"nginx-{number}")
    # The load generator keeps its connections, while nginx closes each after 1,000 requests.
    nginx.changes = {"client_header_timeout 15s;": "client_header_timeout 15s; keepalive_requests 10000000;"}
    limits = {"max_followers": MANY, "max_followers_per_client": MANY}
    async with arena.gateway_process(**limits) as (port, _), in_front(nginx, f"http://127.0.0.1:{port}"):
        ports = port, nginx.port
        direct, through = await _followed(arena, effort, jobs, ports)
        paths = [load.request("GET", f"/v1/download/job/{job.id}") for job in jobs]
        reads = [
            await arena.apart(load.run, Load(port=one, requests=paths, connections=CONNECTIONS, seconds=effort.seconds))
            for one in ports
        ]
    return Round(direct=direct, through=through, reads=reads[0], reads_through=reads[1])


async def _followed(arena: Arena, effort: Effort, jobs: Sequence[Job], ports: tuple[int, int]) -> tuple[Taken, Taken]:
    """What followers at each of the ports get of the same events."""
    paths = [f"/v1/download/stream/{job.id}" for job in islice(cycle(jobs), FOLLOWERS)]
    with (
        arena.partner(crowd.run, Crowd(port=ports[0], streams=paths)) as direct,
        arena.partner(crowd.run, Crowd(port=ports[1], streams=paths)) as through,
        arena.partner(publisher.run, arena.settings, jobs, None) as publishing,
    ):
        both = direct, through
        await asyncio.gather(*(one.answer() for one in both))
        await publishing.ask(EVENTS)
        await asyncio.sleep(WARM)
        await asyncio.gather(*(one.ask("take") for one in both))
        await asyncio.sleep(effort.seconds)
        taken = await asyncio.gather(*(one.ask("take") for one in both))
        await publishing.ask(0)
    return taken[0], taken[1]


def _figures(rounds: Sequence[Round]) -> list[Figure]:
    def each(share: float) -> tuple[float, float, float]:
        """Milliseconds directly, through nginx, and the difference within a round."""
        return (
            middle(rounds, lambda it: milliseconds(it.direct.times, share)),
            middle(rounds, lambda it: milliseconds(it.through.times, share)),
            middle(rounds, lambda it: milliseconds(it.through.times, share) - milliseconds(it.direct.times, share)),
        )

    (direct50, through50, added50), (direct99, through99, added99) = each(0.5), each(0.99)
    lost = max(it.through.lost + it.direct.lost for it in rounds)
    share = middle(rounds, lambda it: it.reads_through.rate / it.reads.rate)
    statuses = {status for it in rounds for one in (it.reads, it.reads_through) for status in one.statuses}
    return [
        Figure(
            f"{FOLLOWERS} SSE followers of {JOBS} jobs, {EVENTS} events a second: publish → receive",
            f"p50 {direct50:.2f} ms, p99 {direct99:.2f} ms",
        ),
        Figure(
            f"as many through nginx at the same time, {lost} lost", f"p50 {through50:.2f} ms, p99 {through99:.2f} ms"
        ),
        Figure("added by nginx at p50", f"{added50:.2f} ms"),
        Figure("added by nginx at p99", f"{added99:.2f} ms", f"≤ {ADDED:g} ms", added99 <= ADDED),
        Figure(
            f"Status reads, {CONNECTIONS} connections, statuses {', '.join(map(str, sorted(statuses)))}",
            f"{middle(rounds, lambda it: it.reads.rate):,.0f}/s",
        ),
        Figure("the same through nginx", f"{middle(rounds, lambda it: it.reads_through.rate):,.0f}/s"),
        Figure("requests a second through nginx ÷ direct", f"{share:.2f}"),
    ]
