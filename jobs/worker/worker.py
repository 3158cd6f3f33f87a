"""The worker process: arq brings wake-ups, the runner claims and runs; heartbeat, sweeper and fallback keep watch."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import structlog
from arq import Worker as ArqWorker
from arq import func

from jobs.concurrency import end
from jobs.feed import UNAVAILABLE
from jobs.queue import FUNCTION, arq_redis, pack, unpack
from jobs.services import Services, open_services
from jobs.settings import Settings
from jobs.worker.fallback import Fallback
from jobs.worker.heartbeat import Heartbeat
from jobs.worker.presence import Presence
from jobs.worker.runner import Runner
from jobs.worker.sweeper import Sweeper

if TYPE_CHECKING:
    from arq.typing import StartupShutdown, WorkerCoroutine

log = structlog.get_logger()

REDIS_PAUSE = 0.5
"""Seconds between two tries to reach Redis."""
_AGAIN = "again"
"""Where a wake-up that came to nothing is kept until arq is done with it."""

CLAIM_TIMEOUT = 30
"""Seconds that a claim may take: a connection and three statements of `DATABASE_TIMEOUT`, at the very worst."""

HANDBACK_TIMEOUT = 2.0
"""Seconds that giving jobs back may take after a drain; one that could not be given back is lost with its lease."""


def worker_name() -> str:
    """Which process holds a lease: for people who look for it. Host and process id are the same ones in many containers."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


async def run_worker(settings: Settings, stop: asyncio.Event, name: str | None = None) -> None:
    """Works until `stop` is set; then lets its jobs finish for `DRAIN_TIMEOUT` seconds and gives the others back."""
    name = name or worker_name()
    async with open_services(settings) as services:
        runner = Runner(services, name)
        log.info("worker_started", worker=name, concurrency=settings.worker_concurrency)
        tasks = [
            asyncio.create_task(Heartbeat(runner, name, settings).run()),
            asyncio.create_task(Sweeper(services).run()),
            asyncio.create_task(runner.probe()),
            fallback := asyncio.create_task(Fallback(services, runner).run()),
            presence := asyncio.create_task(Presence(services, name).run()),
        ]
        listening = asyncio.create_task(_listen(services, runner))
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, listening, stopping], return_when=asyncio.FIRST_COMPLETED)
            await end(listening, fallback, presence)
            await _drain(runner, settings)
            for task in done - {stopping}:
                task.result()
        finally:
            await end(listening, stopping, *tasks)
        log.info("worker_stopped", worker=name)


async def _drain(runner: Runner, settings: Settings) -> None:
    try:
        async with asyncio.timeout(settings.drain_timeout + HANDBACK_TIMEOUT):
            await runner.drain(settings.drain_timeout)
    except TimeoutError:
        log.warning("drain_overdue", jobs=len(runner.held))


async def _listen(services: Services, runner: Runner) -> None:
    """Takes wake-ups from arq for ever, through every restart of Redis."""
    while True:
        arq = _arq_worker(services, runner)
        runner.changed = lambda arq=arq: setattr(arq, "max_jobs", runner.room)  # type: ignore[misc]
        runner.changed()
        try:
            await arq.async_run()
        except UNAVAILABLE as error:
            log.warning("redis_lost", reason=type(error).__name__)
        except Exception:
            log.exception("listening_broke")
        finally:
            await _close(arq)
        await asyncio.sleep(REDIS_PAUSE)


def _arq_worker(services: Services, runner: Runner) -> ArqWorker:
    """arq's worker, whose jobs are wake-ups: each ends with the claim, so arq's queue holds unclaimed jobs only.

    Attempts, time-outs and retries are the lifecycle's: arq only delivers, once, and keeps nothing. It takes no more
    wake-ups than the runner has room for, so none waits here that another worker could serve.
    """
    settings = services.settings

    async def run_job(context: dict[Any, Any], job_id: str, fence: int) -> None:
        if runner.room:
            await runner.take(UUID(job_id), fence)
        else:  # the fallback took the last place since arq was told of it
            context[_AGAIN] = (UUID(job_id), fence)

    async def ring_again(context: dict[Any, Any]) -> None:
        """Not before arq has removed the wake-up that it has just delivered."""
        if _AGAIN in context:
            await services.queue.wake(*context[_AGAIN])

    return ArqWorker(
        [func(cast("WorkerCoroutine", run_job), name=FUNCTION, keep_result=0, max_tries=1)],
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
        after_job_end=cast("StartupShutdown", ring_again),
        job_serializer=pack,
        job_deserializer=unpack,
    )


async def _close(arq: ArqWorker) -> None:
    """Ends arq's tasks, not the jobs that were claimed, and closes its connections."""
    await end(*arq.tasks.values())
    with suppress(*UNAVAILABLE, AttributeError):
        await arq.pool.aclose(close_connection_pool=True)
