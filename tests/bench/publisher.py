"""Publishes live events of running jobs at a steady pace, as workers do: into Redis, or as lines over TCP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from time import monotonic, monotonic_ns, process_time

import uvloop

from jobs.engine.events import Event, EventType, FileView, ProgressView
from jobs.engine.jobs import FileState, Job, Status
from jobs.kinds import Phase
from jobs.memory import freeze_startup_objects
from jobs.services import open_services
from jobs.settings import Settings

Publish = Callable[[Event], Awaitable[object]]

FILES = 2
"""Files of each event: what a worker is at."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was published at the last pace, and the cores that it took."""

    events: int
    seconds: float
    cpu: float


def run(settings: Settings, jobs: Sequence[Job], feed_port: int | None, pipe: Connection) -> None:
    """Takes a pace, in events a second over all jobs in turn, and answers with what was `Published` at the last one.

    With a `feed_port` they go there instead of into Redis.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, jobs, feed_port, pipe))


async def _run(settings: Settings, jobs: Sequence[Job], feed_port: int | None, pipe: Connection) -> None:
    if feed_port is None:
        async with open_services(settings) as services:
            await _publish(services.feed.publish, jobs, pipe)
    else:
        _, writer = await asyncio.open_connection("127.0.0.1", feed_port)

        async def send(event: Event) -> None:
            writer.write(event.model_dump_json().encode() + b"\n")

        await _publish(send, jobs, pipe)


async def _publish(publish: Publish, jobs: Sequence[Job], pipe: Connection) -> None:
    events = [event_of(job) for job in jobs]
    freeze_startup_objects()
    pace, count, turn = 0.0, 0, 0
    began = due = monotonic()
    cpu = process_time()
    while True:
        if not pace or pipe.poll():
            pace = pipe.recv()
            seconds = monotonic() - began
            pipe.send(Published(count, seconds, (process_time() - cpu) / seconds))
            count, began, cpu = 0, monotonic(), process_time()
            due = began
            continue
        place = turn % len(events)
        events[place] = event = _next(events[place])
        await publish(event)
        turn, count = turn + 1, count + 1
        due += 1 / pace
        await asyncio.sleep(max(0.0, due - monotonic()))


def event_of(job: Job) -> Event:
    """A live message of the size that most have."""
    files = [
        FileView(
            index=index,
            file_id=10_000 + index,
            name=f"file {index}.bin",
            status=FileState.ACTIVE,
            bytes_done=12_345_678,
            size=1 << 30,
            error=None,
        )
        for index in range(FILES)
    ]
    progress = ProgressView(
        phase=Phase.PACKING,
        percent=41.8,
        bytes_done=monotonic_ns() // 1000,
        bytes_total=5 << 30,
        files_done=2,
        files_total=5,
        files_omitted=0,
        bytes_per_second=123_456_789,
        eta_seconds=20.3,
    )
    return Event(
        type=EventType.PROGRESS,
        job_id=job.id,
        since=job.seq,
        seq=job.seq,
        tick=monotonic_ns() // 1_000_000,  # above those of an earlier publisher
        ts=datetime.now(UTC),
        status=Status.PROCESSING,
        attempt=job.attempt,
        progress=progress,
        files=files,
    )


def _next(event: Event) -> Event:
    """The next one of its job; `bytesDone` says when it is published."""
    progress = event.progress.model_copy(update={"bytes_done": monotonic_ns() // 1000})
    return event.model_copy(update={"tick": event.tick + 1, "ts": datetime.now(UTC), "progress": progress})
