"""How one gateway process serves live followers: WebSockets and server-sent events."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from jobs.concurrency import map_limited
from jobs.engine.jobs import Job
from tests.bench import changes, finishing, status, yardstick
from tests.bench.arena import Arena, memory
from tests.bench.effort import Effort, middle, percentile
from tests.bench.publisher import event_of
from tests.bench.report import Figure
from tests.bench.scene import Window, gateway_scene, milliseconds, node_scene
from tests.bench.status import Round as Polls
from tests.bench.yardstick import Yardstick

JOBS = 100
POLLS = 200
COMPARED_JOBS = 20
COMPARED = 20_000
"""Messages a second that followers of these jobs get while the CPU is compared."""
FEW_JOBS = 4
"""Jobs of as many followers, whose events come faster and faster."""
HELD = ((100, 25), (100, 25))
"""Milliseconds at p99, at least and aimed at, for the fewer followers and for the more."""
LATE = 100.0
"""Milliseconds from publishing that the p99 of a message may take."""
RECEIVED = 0.97
"""The least share of a step's messages that must have come for it to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mixed:
    window: Window
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    mixed: _Mixed
    held: Sequence[Window]
    steps: Sequence[Window]
    streams: Window
    sockets: Window
    node_streams: Window | None
    node_sockets: Window | None
    stream_memory: float
    socket_memory: float
    """Bytes a follower."""
    flowing: Sequence[float]
    still: Sequence[float]
    """Milliseconds from a finished file to its follower."""

    @property
    def windows(self) -> list[Window]:
        node = [it for it in (self.node_streams, self.node_sockets) if it is not None]
        return [self.mixed.window, *self.held, *self.steps, self.streams, self.sockets, *node]


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Each round does everything once, on fresh processes."""
    _raise_limit(max(effort.held))
    node = yardstick.find()
    jobs = [it.job for it in await changes.running_jobs(arena.services, JOBS)]
    rounds = []
    for number in range(effort.rounds):
        _say(f"round {number + 1} of {effort.rounds}")
        rounds.append(await _round(arena, effort, jobs, node if isinstance(node, Yardstick) else None))
    _say("polls")
    polls, _ = await status.rounds_of(arena, replace(effort, jobs=JOBS))
    return [
        *_mixed_figures(rounds, effort, jobs),
        *_held_figures(rounds, effort),
        *_step_figures(rounds, effort),
        *_cpu_figures(rounds, effort, node),
        *_tail_figures(rounds),
        *_memory_figures(rounds, effort),
        *_finished_figures(rounds),
        *_poll_figures(polls),
        _generator_figure(rounds),
    ]


async def _round(arena: Arena, effort: Effort, jobs: Sequence[Job], node: Yardstick | None) -> _Round:
    seconds = effort.seconds
    count, few, some = effort.followers, jobs[:FEW_JOBS], jobs[:COMPARED_JOBS]
    mixed = await _mixed(arena, effort)
    held = [await _held(arena, jobs, count, seconds) for count in effort.held]
    steps = await _steps(arena, few, effort)
    async with gateway_scene(arena, some, streams=count) as scene:
        streams = await scene.window(COMPARED, seconds)
    node_streams = node_sockets = None
    if node is not None:
        async with node_scene(arena, node, some, streams=count) as scene:
            node_streams = await scene.window(COMPARED, seconds)
    async with gateway_scene(arena, some, sockets=count) as scene:
        sockets = await scene.window(COMPARED, seconds)
    if node is not None:
        async with node_scene(arena, node, some, sockets=count) as scene:
            node_sockets = await scene.window(COMPARED, seconds)
    return _Round(
        mixed=mixed,
        held=held,
        steps=steps,
        streams=streams,
        sockets=sockets,
        node_streams=node_streams,
        node_sockets=node_sockets,
        stream_memory=await _remembered(arena, jobs, effort, streams=effort.remembered),
        socket_memory=await _remembered(arena, jobs, effort, sockets=effort.remembered),
        flowing=await _finished(arena, effort, flowing=True),
        still=await _finished(arena, effort, flowing=False),
    )


def _raise_limit(followers: int) -> None:
    """Every process that is started from now on may open as many files as this user may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    assert most == resource.RLIM_INFINITY or most > followers + 500, f"the limit of open files is {most}: raise it"


def _say(what: str) -> None:
    print(f"  {what} …", file=sys.stderr, flush=True)


# --- what is measured --------------------------------------------------------------------------------------------------


async def _mixed(arena: Arena, effort: Effort) -> _Mixed:
    """Followers of both kinds and pollers, until all of their jobs have ended."""
    half = effort.followers // 2
    jobs = [it.job for it in await changes.running_jobs(arena.services, JOBS)]
    async with gateway_scene(arena, jobs, sockets=half, streams=half, polls=POLLS) as scene:
        window = await scene.window(2 * scene.followers, effort.seconds)
        await map_limited(lambda job: arena.services.lifecycle.cancel(job.id), jobs, 8)
        return _Mixed(window=window, ended=(await scene.crowd.ask("end")).ended)


async def _held(arena: Arena, jobs: Sequence[Job], count: int, seconds: float) -> Window:
    """As many followers of both kinds, with one event a second for each."""
    async with gateway_scene(arena, jobs, sockets=count // 2, streams=count // 2) as scene:
        return await scene.window(count, seconds)


async def _steps(arena: Arena, jobs: Sequence[Job], effort: Effort) -> list[Window]:
    """The same followers at a higher and higher pace, until that is too much, twice."""
    steps: list[Window] = []
    async with gateway_scene(arena, jobs, sockets=effort.followers // 2, streams=effort.followers // 2) as scene:
        for rate in effort.steps:
            window = await scene.window(rate, effort.seconds)
            if not _keeps_up(window, rate):
                window = await scene.window(rate, effort.seconds)
            steps.append(window)
            if not _keeps_up(window, rate):
                break
    return steps


def _keeps_up(window: Window, rate: float) -> bool:
    return window.percentile(0.99) < LATE and window.taken.rate >= RECEIVED * rate


async def _remembered(
    arena: Arena, jobs: Sequence[Job], effort: Effort, *, sockets: int = 0, streams: int = 0
) -> float:
    """Bytes by which the process has grown for each follower, while they follow."""
    async with gateway_scene(arena, jobs, sockets=sockets, streams=streams) as scene:
        await scene.window(scene.followers, effort.seconds)
        return (memory(scene.pid) - scene.before) / scene.followers


async def _finished(arena: Arena, effort: Effort, *, flowing: bool) -> list[float]:
    claimed = await changes.running_jobs(arena.services, finishing.JOBS, effort.finished)
    async with arena.gateway() as port:
        return await finishing.times(arena, port, claimed, flowing=flowing)


# --- what is said of it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Goal:
    """What a value has to be at least, and what is aimed at."""

    text: str
    least: float
    aim: float

    def judge(self, what: str, value: float, said: str, *, sound: bool = True) -> Figure:
        """`sound`: whether the value says anything."""
        met, reached = (sound and self._holds(value, it) for it in (self.least, self.aim))
        return Figure(what, said, self.text.format(self.least), met, self.text.format(self.aim), reached)

    def _holds(self, value: float, than: float) -> bool:
        return value >= than if self.text.startswith("≥") else value <= than


def _mixed_figures(rounds: Sequence[_Round], effort: Effort, jobs: Sequence[Job]) -> list[Figure]:
    windows = [it.mixed.window for it in rounds]
    size = len(event_of(jobs[0]).model_dump_json())
    p50, p99 = _at(windows, 0.5), _at(windows, 0.99)
    ended, everybody = min(it.mixed.ended for it in rounds), effort.followers
    return [
        Figure(
            f"{everybody // 2} WebSocket and {everybody // 2} SSE followers and {POLLS} pollers of {JOBS} jobs, "
            f"2 events of {size} bytes a second each: publish → receive, p50",
            f"{p50:.1f} ms",
            "≤ 5 ms",
            p50 <= 5,
        ),
        _Goal("≤ {:g} ms", 100, 10).judge("the same, p99", p99, f"{p99:.1f} ms, {_whole(windows)}"),
        Figure(
            "followers that got the last event of their job",
            f"{ended:,} of {everybody:,}",
            "all",
            ended == everybody,
        ),
        Figure(
            "their polls, p99 to the first byte",
            f"{middle(windows, lambda it: milliseconds(it.taken.polls, 0.99)):.1f} ms",
        ),
    ]


def _held_figures(rounds: Sequence[_Round], effort: Effort) -> list[Figure]:
    figures = []
    for number, count in enumerate(effort.held):
        windows = [it.held[number] for it in rounds]
        p50, p99 = _at(windows, 0.5), _at(windows, 0.99)
        lost = max(it.taken.lost for it in windows)
        what = f"{count:,} followers held by one process, 1 event a second each, p99"
        said = f"{p99:.1f} ms, p50 {p50:.1f} ms, {_whole(windows)}, {lost:,} lost"
        figures.append(_Goal("≤ {:g} ms", *HELD[number]).judge(what, p99, said, sound=not lost))
    return figures


def _step_figures(rounds: Sequence[_Round], effort: Effort) -> list[Figure]:
    best = median(_highest(it.steps, effort.steps) for it in rounds)
    steps = []
    for number, rate in enumerate(effort.steps):
        windows = [it.steps[number] for it in rounds if len(it.steps) > number]
        if windows:
            got = middle(windows, lambda it: it.taken.rate)
            cores, waited = middle(windows, lambda it: it.cpu), middle(windows, lambda it: it.waited)
            said = f"p99 {_at(windows, 0.99):.0f} ms, {cores:.2f} cores and {waited:.2f} waited for"
            steps.append(f"{rate:,}: {got:,.0f} came, {said}")
    what = (
        f"Deliveries a second of one process with p99 ≤ {LATE:g} ms, {effort.followers:,} followers of {FEW_JOBS} jobs"
    )
    return [
        _Goal("≥ {:,}", 50_000, 100_000).judge(what, best, f"{best:,.0f}"),
        Figure("by deliveries a second", "; ".join(steps)),
    ]


def _highest(windows: Sequence[Window], rates: Sequence[int]) -> int:
    """The highest step that it kept up with."""
    kept = [rate for window, rate in zip(windows, rates, strict=False) if _keeps_up(window, rate)]
    return max(kept, default=0)


def _cpu_figures(rounds: Sequence[_Round], effort: Effort, node: Yardstick | str) -> list[Figure]:
    streams, sockets = [it.streams for it in rounds], [it.sockets for it in rounds]
    kinds = (
        ("SSE", "`http`", streams, [it.node_streams for it in rounds], _Goal("≤ {:g}", 1.3, 0.85)),
        ("WebSocket", "`ws`", sockets, [it.node_sockets for it in rounds], _Goal("≤ {:g}", 1.6, 0.9)),
    )
    figures = []
    for kind, theirs, ours, nodes, goal in kinds:
        what = f"CPU of a delivery at {COMPARED:,}/s to {effort.followers:,} followers of {COMPARED_JOBS} jobs, {kind}"
        figures.append(Figure(what, _costs(ours)))
        others = [it for it in nodes if it is not None]
        if isinstance(node, str):
            figures.append(Figure(f"the same of Node's {theirs}", f"left out: {node}"))
        else:
            ratio = middle(zip(ours, others, strict=True), lambda pair: pair[0].each / pair[1].each)
            figures.append(Figure(f"the same of {theirs} on Node {node.version}", _costs(others)))
            figures.append(goal.judge(f"{kind} ÷ Node's {theirs}", ratio, f"{ratio:.2f}"))
    return figures


def _tail_figures(rounds: Sequence[_Round]) -> list[Figure]:
    """The median of the rounds, since one disturbance of 50 ms changes the p99 of a round."""
    pairs = [(it.sockets, it.node_sockets) for it in rounds if it.node_sockets is not None]
    if not pairs:
        return []
    ratio = middle(pairs, lambda pair: pair[0].percentile(0.99) / pair[1].percentile(0.99))
    waited = middle(pairs, lambda pair: pair[0].waited), middle(pairs, lambda pair: pair[1].waited)
    said = f"{ratio:.2f}; they waited {100 * waited[0]:.1f} and {100 * waited[1]:.1f} % of the time for a core"
    return [_Goal("≤ {:g}", 1.2, 1.0).judge("p99 of these deliveries by WebSocket ÷ Node's `ws`", ratio, said)]


def _memory_figures(rounds: Sequence[_Round], effort: Effort) -> list[Figure]:
    sockets = middle(rounds, lambda it: it.socket_memory) / 1000
    streams = middle(rounds, lambda it: it.stream_memory) / 1000
    return [
        _Goal("≤ {:g} kB", 40, 30).judge(
            f"Memory of a WebSocket, of {effort.remembered:,}", sockets, f"{sockets:.1f} kB"
        ),
        _Goal("≤ {:g} kB", 25, 18).judge(
            f"Memory of an SSE stream, of {effort.remembered:,}", streams, f"{streams:.1f} kB"
        ),
    ]


def _finished_figures(rounds: Sequence[_Round]) -> list[Figure]:
    p50, p99 = (
        middle(rounds, lambda it: percentile(it.flowing, 0.5)),
        middle(rounds, lambda it: percentile(it.flowing, 0.99)),
    )
    still = middle(rounds, lambda it: percentile(it.still, 0.5)), middle(rounds, lambda it: percentile(it.still, 0.99))
    return [
        Figure("From a file's end in the worker to its follower, p50", f"{p50:.1f} ms", "≤ 20 ms", p50 <= 20),
        Figure("the same, p99", f"{p99:.1f} ms", "≤ 120 ms", p99 <= 120),
        Figure("the same while no other bytes are read", f"p50 {still[0]:.1f} ms, p99 {still[1]:.1f} ms"),
    ]


def _poll_figures(rounds: Sequence[Polls]) -> list[Figure]:
    share = middle(rounds, lambda it: it.unchanged.rate / it.bare.rate)
    polls, bare = middle(rounds, lambda it: it.unchanged.rate), middle(rounds, lambda it: it.bare.rate)
    what = "Status polls (304) a second ÷ bare Starlette responses"
    return [_Goal("≥ {:g}", 0.6, 1.0).judge(what, share, f"{share:.2f} ({polls:,.0f} ÷ {bare:,.0f})")]


def _generator_figure(rounds: Sequence[_Round]) -> Figure:
    windows = [window for it in rounds for window in it.windows]
    most, publishing = max(it.taken.cpu for it in windows), max(it.published.cpu for it in windows)
    waited = max(it.waited for it in windows)
    return Figure(
        "Cores that the crowd used at most",
        f"{most:.2f}, the publisher {publishing:.2f}; the server waited up to {100 * waited:.0f} % of a window for a core",
        "≤ 0.75",
        most <= 0.75,
    )


def _at(windows: Sequence[Window], share: float) -> float:
    return middle(windows, lambda it: it.percentile(share))


def _whole(windows: Sequence[Window]) -> str:
    return f"{100 * min(it.whole for it in windows):.2f} % came"


def _costs(windows: Sequence[Window]) -> str:
    each, p99 = middle(windows, lambda it: it.each), _at(windows, 0.99)
    rate = middle(windows, lambda it: it.taken.rate)
    return f"{each:.1f} µs, {rate:,.0f}/s, p99 {p99:.1f} ms"
