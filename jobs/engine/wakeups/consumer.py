"""Receives the wake-ups of one kind from arq, through every restart of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import structlog
from arq import Worker as ArqWorker
from arq import func

from jobs.concurrency import cancel_and_wait, complete
from jobs.engine.live.feed import UNAVAILABLE
from jobs.engine.live.refusals import reason_of
from jobs.engine.transport import Queue
from jobs.engine.wakeups.queue import FUNCTION, arq_redis, pack, queue_name, turn_of, unpack
from jobs.kinds import Kind
from jobs.settings import Settings

if TYPE_CHECKING:
    from arq.typing import WorkerCoroutine

log = structlog.get_logger()

Deliver = Callable[[UUID, int], Awaitable[float | None]]
"""Claims a job at a fence. Returns the seconds after which the wake-up is to be delivered again, None if it is done."""

REDIS_PAUSE = 0.5
"""Seconds between two attempts to reach Redis."""
END_PATIENCE = 1.0
"""Seconds in which the wake-ups that were received are passed on when the worker ends, or loses Redis."""
MAX_WAIT = 0.8
"""Most seconds for which the worker waits for a wake-up, or for room. arq's health check, which it makes in between, allows
for one second."""


class Consumer:
    """arq's worker, whose jobs are wake-ups. It receives none for which there is no room, so another worker may have it.

    Attempts, time-outs and retries are the lifecycle's, and the fence makes a wake-up that is delivered twice harmless.
    """

    def __init__(
        self, kind: Kind, queue: Queue, settings: Settings, *, room: Callable[[], int], deliver: Deliver
    ) -> None:
        """`room` returns how many jobs may still be claimed; call `room_changed` when it changes."""
        self._kind = kind
        self._queue = queue
        self._settings = settings
        self._room = room
        self._deliver = deliver
        self._has_room = asyncio.Event()

    async def run(self) -> None:
        """Receives until it is cancelled. Each loss of Redis ends arq's worker, and another one takes its place."""
        while True:
            self.room_changed()
            arq = _Worker(self._receive, self._has_room, self._kind, self._settings)
            try:
                await arq.async_run()
            except UNAVAILABLE as error:
                log.warning("redis_lost", reason=reason_of(error))
            except Exception:
                log.exception("consumer_failed")
            finally:
                await complete(arq.end())
            await asyncio.sleep(REDIS_PAUSE)

    def room_changed(self) -> None:
        """Receives wake-ups as long as there is room for jobs."""
        if self._room():
            self._has_room.set()
        else:
            self._has_room.clear()

    async def _receive(self, context: dict[Any, Any], job_id: UUID, fence: int, place: int) -> None:
        """Delivers a wake-up, or enqueues it again at the place that it had."""
        del context
        delay = await self._deliver(job_id, fence)
        if delay is None:
            return
        self.room_changed()
        await self._queue.enqueue(self._kind, job_id, fence, place, delay)


class _Worker(ArqWorker):
    """arq's worker without its locks, retry counters and results, which keep a function from running twice.

    A wake-up may run twice. So one BZPOPMIN receives it, instead of 16 commands: Redis passes a wake-up to one of the
    workers that wait, at once, and the others do not even learn of it.
    """

    def __init__(
        self, receive: Callable[..., Awaitable[None]], room: asyncio.Event, kind: Kind, settings: Settings
    ) -> None:
        super().__init__(
            [func(cast("WorkerCoroutine", receive), name=FUNCTION)],
            queue_name=queue_name(kind),
            redis_pool=arq_redis(settings, settings.redis_timeout),
            poll_delay=0,
            health_check_interval=5,
            handle_signals=False,
            job_serializer=pack,
            job_deserializer=unpack,
        )
        self._has_room = room
        self._max_wait = min(MAX_WAIT, settings.redis_timeout / 2)

    async def _poll_iteration(self) -> None:
        await self.heart_beat()
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_WAIT):
                await self._has_room.wait()
        if not self._has_room.is_set():
            return
        received = await self.pool.bzpopmin(self.queue_name, timeout=self._max_wait)
        if received is not None:
            _, member, place = received
            wakeup = member.decode()
            task = asyncio.create_task(self.functions[FUNCTION].coroutine(self.ctx, *turn_of(wakeup), int(place)))
            self.tasks[wakeup] = task
            task.add_done_callback(lambda _: self._ended(wakeup, task))

    def _ended(self, wakeup: str, task: asyncio.Task[None]) -> None:
        if self.tasks.get(wakeup) is task:
            del self.tasks[wakeup]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("wake_up_failed", exc_info=error)

    async def end(self) -> None:
        """Ends the tasks of wake-ups, not the jobs that were claimed, and closes the connections."""
        tasks = list(self.tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=END_PATIENCE)
        await cancel_and_wait(*tasks)
        with suppress(*UNAVAILABLE):
            await self.pool.aclose(close_connection_pool=True)
