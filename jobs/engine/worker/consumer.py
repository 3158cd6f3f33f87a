"""Takes wake-ups from arq for ever, through every restart of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import structlog
from arq import Worker as ArqWorker
from arq import func

from jobs.concurrency import end, keep_running
from jobs.engine.live.feed import UNAVAILABLE
from jobs.engine.live.queue import FUNCTION, arq_redis, pack, unpack
from jobs.engine.sql import sweeps
from jobs.engine.worker.runner import Runner
from jobs.engine.worker.wakeup_listener import WakeupListener
from jobs.errors import DatabaseUnavailable
from jobs.services import Services

if TYPE_CHECKING:
    from arq.typing import StartupShutdown, WorkerCoroutine
    from arq.worker import Function

log = structlog.get_logger()

REDIS_PAUSE = 0.5
"""Seconds between two tries to reach Redis."""
CLAIM_TIMEOUT = 30
"""Seconds that a claim may take: a connection and three statements of `DATABASE_TIMEOUT`, at the very worst."""
_AGAIN = "again"
"""Where arq's context holds what is to be rung for again, as `Queue.wake` takes it."""


class Consumer:
    """arq's worker, whose jobs are wake-ups: each ends with the claim, so arq's queue holds unclaimed jobs only.

    Attempts, time-outs and retries are the lifecycle's: arq only delivers, once, and keeps nothing. It takes no more
    wake-ups than the runner has room for, so none waits here that another worker could serve.
    """

    def __init__(self, services: Services, runner: Runner) -> None:
        self._services = services
        self._runner = runner
        self._bell = WakeupListener(services.feed)

    async def run(self) -> None:
        """Listens until it is cancelled."""
        await keep_running(self._bell.run(), self._keep_taking())

    async def _keep_taking(self) -> None:
        """Each loss of Redis ends arq's worker, and with it whatever that had counted."""
        while True:
            arq = self._arq()
            self._runner.changed = partial(self._room_changed, arq)
            self._runner.changed()
            try:
                await arq.async_run()
            except UNAVAILABLE as error:
                log.warning("redis_lost", reason=type(error).__name__)
            except Exception:
                log.exception("wake_ups_broke")
            finally:
                await _close(arq)
            await asyncio.sleep(REDIS_PAUSE)

    def _room_changed(self, arq: ArqWorker) -> None:
        before, arq.max_jobs = arq.max_jobs, self._runner.room
        if arq.max_jobs > before:
            self._bell.ring()

    async def _answer(self, context: dict[Any, Any], job_id: str, fence: int) -> None:
        """Claims the job, if there is still room, else leaves it to others: arq may have been told an older number."""
        turn = UUID(job_id), fence
        if not self._runner.room:
            self._runner.changed()
            context[_AGAIN] = turn
            return
        await self._runner.take(*turn)
        if (turn[0], fence + 1) not in self._runner.held and (left := await self._time_left(*turn)):
            context[_AGAIN] = (*turn, left)

    async def _time_left(self, job_id: UUID, fence: int) -> float | None:
        """Seconds by which the wake-up came too early, which it does when the clock of who rang is behind."""
        with suppress(DatabaseUnavailable):
            async with self._services.database.reading() as connection:
                return await sweeps.time_left(connection, job_id, fence)
        return None

    async def _ring_again(self, context: dict[Any, Any]) -> None:
        """Called when arq has removed the wake-up that it delivered: before that, another one would go with it."""
        if _AGAIN in context:
            await self._services.queue.wake(*context[_AGAIN])

    def _arq(self) -> ArqWorker:
        settings = self._services.settings
        arq = _Worker(
            self._bell,
            [func(cast("WorkerCoroutine", self._answer), name=FUNCTION, keep_result=0, max_tries=1)],
            redis_pool=arq_redis(settings.redis_url, timeout=settings.redis_timeout),
            max_jobs=settings.worker_concurrency,
            job_timeout=CLAIM_TIMEOUT,
            keep_result=0,
            max_tries=1,
            retry_jobs=False,
            poll_delay=0.02,
            queue_read_limit=100,
            health_check_interval=5,
            handle_signals=False,
            log_results=False,
            after_job_end=cast("StartupShutdown", self._ring_again),
            job_serializer=pack,
            job_deserializer=unpack,
        )
        arq.job_tasks = _Tasks()
        return arq


class _Worker(ArqWorker):
    """arq's worker, which asks Redis again when the bell rings rather than every 20 ms."""

    def __init__(self, bell: WakeupListener, functions: Sequence[Function], **options: Any) -> None:
        super().__init__(functions, **options)
        self._bell = bell

    async def _poll_iteration(self) -> None:
        await super()._poll_iteration()
        if not self.tasks:  # else there may be more than it could take at once
            await self._bell.rest()


class _Tasks(dict[str, "asyncio.Task[Any]"]):
    """Of the wake-ups that are being answered. One that is slow may come once more meanwhile, under the same id.

    arq removes the entry after each, and takes it for a failure when there is none.
    """

    def __delitem__(self, key: str) -> None:
        self.pop(key, None)


async def _close(arq: ArqWorker) -> None:
    """Ends arq's tasks, not the jobs that were claimed, and closes its connections."""
    await end(*arq.tasks.values())
    with suppress(*UNAVAILABLE, AttributeError, RuntimeError):
        await arq.pool.aclose(close_connection_pool=True)
