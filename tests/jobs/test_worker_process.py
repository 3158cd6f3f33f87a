"""A worker process ends in time, whatever hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from time import monotonic
from typing import Any

import pytest

from jobs.engine.jobs import Status
from jobs.services import Services
from jobs.settings import Settings
from jobs.worker import run_worker
from tests.app.cli.processes import variables
from tests.helpers.catalogue import Catalogue
from tests.helpers.gates import gate
from tests.helpers.jobs import create, read
from tests.helpers.proxies import proxied
from tests.helpers.settings import with_changes

HANGING = """
import asyncio, time
from jobs.settings import Settings
from jobs import worker_process as process

async def hang(settings, stop, ready):
    print("ready", flush=True)
    await stop.wait()
    await asyncio.to_thread(time.sleep, 600)

process.CLOSE_TIMEOUT = 0.5
process.run_worker = hang
process.work(Settings())
"""


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"drain_timeout": 2, "database_timeout": 5}


async def test_a_hanging_thread_does_not_keep_the_process_alive(settings: Settings) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        HANGING,
        env={**os.environ, **variables(settings), "DRAIN_TIMEOUT": "0"},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    began = monotonic()
    async with asyncio.timeout(20):
        out, _ = await process.communicate()
    assert monotonic() - began < 10
    assert process.returncode == 1
    assert b"shutdown_deadline_expired" in out


async def test_jobs_that_cannot_be_released_do_not_keep_the_worker_running(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(os.urandom(1 << 20))
    stop = asyncio.Event()
    async with proxied(str(settings.database_url)) as database, gate(settings.s3_endpoint) as store:
        cut_off = with_changes(settings, database_url=database.url, s3_endpoint=store.url)
        working = asyncio.create_task(run_worker(cut_off, stop))
        job = await create(services, file_id)
        await asyncio.wait_for(store.held.wait(), 20)
        database.stall()
        stop.set()
        began = monotonic()
        async with asyncio.timeout(60):
            await working
        assert monotonic() - began < settings.drain_timeout + 20
    assert (await read(services, job.id)).status is Status.PROCESSING


async def test_leases_are_renewed_while_a_stopping_worker_drains(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(os.urandom(1 << 20))
    stop = asyncio.Event()
    patient = with_changes(settings, drain_timeout=30, lease_ttl=1.5, heartbeat_interval=0.3, heartbeat_timeout=0.5)
    async with gate(settings.s3_endpoint) as store:
        working = asyncio.create_task(run_worker(with_changes(patient, s3_endpoint=store.url), stop))
        job = await create(services, file_id)
        await asyncio.wait_for(store.held.wait(), 20)
        stop.set()
        done, _ = await asyncio.wait([working], timeout=2 * patient.lease_ttl)
        assert not done
        assert (await read(services, job.id)).status is Status.PROCESSING
        store.open()
        await asyncio.wait_for(working, 20)
    final = await read(services, job.id)
    assert (final.status, final.attempt) == (Status.COMPLETED, 1)
