"""The worker process: arq brings wake-ups, the runner claims and runs; heartbeat, sweeper and fallback keep watch."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable

import structlog

from jobs.concurrency import end
from jobs.engine.worker.consumer import Consumer
from jobs.engine.worker.heartbeat import Heartbeat
from jobs.engine.worker.lease_renewal import LeaseRenewal
from jobs.engine.worker.poller import Poller
from jobs.engine.worker.runner import Runner
from jobs.engine.worker.sweeper import Sweeper
from jobs.services import open_services
from jobs.settings import Settings

log = structlog.get_logger()

HANDBACK_TIMEOUT = 2.0
"""Seconds that giving jobs back may take after a drain; one that could not be given back is lost with its lease."""


def worker_name() -> str:
    """Which process holds a lease: for people who look for it. Host and process id are the same ones in many containers."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


async def run_worker(
    settings: Settings, stop: asyncio.Event, name: str | None = None, ready: Callable[[], None] = lambda: None
) -> None:
    """Works until `stop` is set; then lets its jobs finish for `DRAIN_TIMEOUT` seconds and gives the others back.

    `ready` is called when all is loaded that it works with.
    """
    name = name or worker_name()
    async with open_services(settings) as services:
        ready()
        runner = Runner(services, name)
        log.info("worker_started", worker=name, concurrency=settings.worker_concurrency)
        keeping = [
            asyncio.create_task(LeaseRenewal(runner, name, settings).run()),
            asyncio.create_task(Sweeper(services).run()),
            asyncio.create_task(runner.probe()),
        ]
        taking = [
            asyncio.create_task(Consumer(services, runner).run()),
            asyncio.create_task(Poller(services, runner).run()),
            asyncio.create_task(Heartbeat(services, name).run()),
        ]
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([*keeping, *taking, stopping], return_when=asyncio.FIRST_COMPLETED)
            await end(*taking)
            await runner.drain(settings.drain_timeout, HANDBACK_TIMEOUT)
            for task in done - {stopping}:
                task.result()
        finally:
            await end(*taking, stopping, *keeping)
        log.info("worker_stopped", worker=name)
