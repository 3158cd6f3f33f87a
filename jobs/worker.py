"""A worker runs jobs of the kinds `WORKER_KINDS`, renews their leases, sweeps for all kinds, and sends webhooks and mail.

It receives wake-ups for its jobs.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable

import structlog

from jobs.concurrency import cancel_and_wait
from jobs.engine.worker.claiming import claiming_loops
from jobs.engine.worker.conditions import Conditions
from jobs.engine.worker.drainage import Drainage
from jobs.engine.worker.heartbeat import Heartbeat
from jobs.engine.worker.lease_renewal import LeaseRenewal
from jobs.engine.worker.runner import Runner
from jobs.engine.worker.store_probe import keep_probing
from jobs.engine.worker.sweeper import Sweeper
from jobs.mail.mailer import mailing
from jobs.services import open_services
from jobs.serving_metrics import serving_metrics
from jobs.settings import Settings
from jobs.webhooks.sender import Sender
from jobs.work import works_of

log = structlog.get_logger()

HANDBACK_TIMEOUT = 2.0
"""Seconds for releasing jobs after a drain. A job that could not be released is lost when its lease expires."""


def worker_name() -> str:
    """The holder of a lease, for people who look for it. Host and process id may be the same in many containers."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


async def run_worker(
    settings: Settings, stop: asyncio.Event, name: str | None = None, ready: Callable[[], None] = lambda: None
) -> None:
    """Works until `stop` is set. Then its jobs may finish for `DRAIN_TIMEOUT` seconds, and the others are released.

    `ready` is called when everything is loaded.
    """
    name = name or worker_name()
    async with (
        open_services(settings) as services,
        serving_metrics(services, fleet=False),
        mailing(services.database, settings, settings.public_url) as of_mail,
    ):
        works = works_of(services)
        runners = [
            Runner(services, work, name)
            for kind, work in works.items()
            if kind in settings.worker_kinds and work.concurrency
        ]
        conditions = {one for kind in settings.worker_kinds for one in works[kind].conditions}
        drainage = Drainage(runners, settings.drain_timeout, HANDBACK_TIMEOUT)
        ready()
        log.info("worker_started", worker=name, concurrency={it.kind: it.concurrency for it in runners})
        upkeep = [
            asyncio.create_task(LeaseRenewal(runners, name, settings).run()),
            asyncio.create_task(Sweeper(services, works, name).run()),
            asyncio.create_task(keep_probing(services.storage, runners)),
            asyncio.create_task(Conditions(services, [*conditions, *of_mail]).run()),
            asyncio.create_task(Sender(services.database, services.egress).run()),
        ]
        intake = [
            *(asyncio.create_task(loop) for loop in claiming_loops(services, runners)),
            asyncio.create_task(
                Heartbeat(services, name, {it.kind: it.concurrency for it in runners}, drainage.obey).run()
            ),
        ]
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([*upkeep, *intake, stopping], return_when=asyncio.FIRST_COMPLETED)
            await cancel_and_wait(*intake)
            await drainage.close()
            await asyncio.gather(*(runner.drain(settings.drain_timeout, HANDBACK_TIMEOUT) for runner in runners))
            for task in done - {stopping}:
                task.result()
        finally:
            await cancel_and_wait(*intake, stopping, *upkeep)
            await drainage.close()
        log.info("worker_stopped", worker=name)
