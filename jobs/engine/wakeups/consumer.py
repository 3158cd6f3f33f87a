"""Receives the wake-ups of one kind from arq, through every restart of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import anyio
import structlog
from arq import Worker as ArqWorker
from arq import func

from jobs.concurrency import cancel_and_wait, run_forever
from jobs.engine.live.feed import UNAVAILABLE, Feed
from jobs.engine.wakeups.listener import WakeupListener
from jobs.engine.wakeups.queue import FUNCTION, Queue, arq_redis, channel_name, pack, queue_name, unpack
from jobs.kinds import Kind
from jobs.settings import Settings

if TYPE_CHECKING:
    from arq.typing import StartupShutdown, WorkerCoroutine
    from arq.worker import Function

log = structlog.get_logger()

Deliver = Callable[[UUID, int], Awaitable[float | None]]
"""Claims a job at a fence. Returns the seconds after which the wake-up is to be delivered again, None if it is done."""

REDIS_PAUSE = 0.5
"""Seconds between two attempts to reach Redis."""
CLAIM_TIMEOUT = 30
"""Seconds that a claim may take: a connection and three statements of `DATABASE_TIMEOUT`, at the very worst."""
_REDELIVERY = "redelivery"
"""The key in arq's context of the arguments of `Queue.enqueue` for a wake-up that is to be delivered again."""


class Consumer:
    """arq's worker, whose jobs are wake-ups: each ends with the claim, so arq's queue holds unclaimed jobs only.

    Attempts, time-outs and retries are the lifecycle's: arq only delivers, once, and keeps nothing. It receives no more
    wake-ups than there is room for, so none waits here that another worker could serve.
    """

    def __init__(
        self,
        kind: Kind,
        feed: Feed,
        queue: Queue,
        settings: Settings,
        *,
        concurrency: int,
        room: Callable[[], int],
        deliver: Deliver,
    ) -> None:
        """`room` returns how many of `concurrency` jobs may still be claimed; call `room_changed` when it changes."""
        self._concurrency = concurrency
        self._kind = kind
        self._queue = queue
        self._settings = settings
        self._room = room
        self._deliver = deliver
        self._listener = WakeupListener(feed, channel_name(kind))
        self._arq: ArqWorker | None = None

    async def run(self) -> None:
        """Receives until it is cancelled."""
        await run_forever(self._listener.run(), self._keep_receiving())

    async def _keep_receiving(self) -> None:
        """Each loss of Redis ends arq's worker, and with it whatever it had counted."""
        while True:
            self._arq = self._new_arq()
            try:
                await self._arq.async_run()
            except UNAVAILABLE as error:
                log.warning("redis_lost", reason=type(error).__name__)
            except Exception:
                log.exception("consumer_failed")
            finally:
                arq, self._arq = self._arq, None
                with anyio.CancelScope(shield=True):
                    await _close(arq)
            await asyncio.sleep(REDIS_PAUSE)

    def room_changed(self) -> None:
        """Receives as many wake-ups as there is room for now."""
        if self._arq is None:
            return
        before, self._arq.max_jobs = self._arq.max_jobs, self._room()
        if self._arq.max_jobs > before:
            self._listener.notify()

    async def _receive(self, context: dict[Any, Any], job_id: str, fence: int) -> None:
        turn = UUID(job_id), fence
        delay = await self._deliver(*turn)
        if delay is not None:
            self.room_changed()
            context[_REDELIVERY] = (*turn, delay)

    async def _redeliver(self, context: dict[Any, Any]) -> None:
        """Called when arq has deleted the wake-up that it delivered: an earlier one would be deleted with it."""
        if _REDELIVERY in context:
            await self._queue.enqueue(self._kind, *context[_REDELIVERY])

    def _new_arq(self) -> ArqWorker:
        arq = _Worker(
            self._listener,
            [func(cast("WorkerCoroutine", self._receive), name=FUNCTION, keep_result=0, max_tries=1)],
            queue_name=queue_name(self._kind),
            redis_pool=arq_redis(self._settings.redis_url, timeout=self._settings.redis_timeout),
            max_jobs=self._concurrency,
            job_timeout=CLAIM_TIMEOUT,
            keep_result=0,
            max_tries=1,
            retry_jobs=False,
            poll_delay=0.02,
            queue_read_limit=100,
            health_check_interval=5,
            handle_signals=False,
            log_results=False,
            after_job_end=cast("StartupShutdown", self._redeliver),
            job_serializer=pack,
            job_deserializer=unpack,
        )
        arq.job_tasks = _Tasks()
        arq.max_jobs = self._room()
        return arq


class _Worker(ArqWorker):
    """arq's worker, which polls when it is notified instead of every 20 ms."""

    def __init__(self, listener: WakeupListener, functions: Sequence[Function], **options: Any) -> None:
        super().__init__(functions, **options)
        self._listener = listener

    async def _poll_iteration(self) -> None:
        await super()._poll_iteration()
        if not self.tasks:  # otherwise there may be more wake-ups than it could receive at once
            await self._listener.rest()


class _Tasks(dict[str, "asyncio.Task[Any]"]):
    """The tasks of wake-ups in progress. A slow one may be delivered again under the same id before it ends.

    arq deletes the entry after each of them, and treats a missing one as an error.
    """

    def __delitem__(self, key: str) -> None:
        self.pop(key, None)


async def _close(arq: ArqWorker) -> None:
    """Ends arq's tasks, not the jobs that were claimed, and closes its connections."""
    await cancel_and_wait(*arq.tasks.values())
    with suppress(*UNAVAILABLE, AttributeError, RuntimeError):
        await arq.pool.aclose(close_connection_pool=True)
