"""Uploads that take long to be checked: the lease is kept, and time is up only when nothing goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jobs.engine.jobs import Status
from jobs.errors import ErrorClass
from jobs.services import Services
from jobs.settings import Settings
from jobs.storage.stored_checksums import StoredChecksums
from jobs.uploads.uploads import MIB, Upload
from jobs.work import upload_time_limit
from tests.helpers.clamd import ClamdServer
from tests.helpers.gates import request_gate
from tests.helpers.jobs import commands
from tests.helpers.proxies import Proxy, proxied
from tests.helpers.running import working
from tests.helpers.settings import with_changes
from tests.helpers.uploads import completed, files_of

DATA = os.urandom(3 * MIB)
JOB_TIMEOUT = 3.0
"""Seconds: less than each of these uploads takes."""


@pytest.fixture
def changes() -> dict[str, Any]:
    times = {"lease_ttl": 7, "heartbeat_interval": 0.5, "heartbeat_timeout": 2, "backoff_base": 0.1}
    return {**times, "job_timeout": JOB_TIMEOUT}


@pytest.fixture
async def slow_store(settings: Settings) -> AsyncIterator[Proxy]:
    """It sends the file in eight seconds."""
    async with proxied(settings.s3_endpoint) as store:
        store.rate = 3 * MIB / 8
        yield store


async def ended(services: Services, job_id: Any) -> tuple[Upload, list[int]]:
    """The upload once it has ended, and how many bytes had been read each time that its progress was recorded."""
    seen = []
    async with asyncio.timeout(60):
        while not (upload := await services.uploads.read(job_id)).status.ended:
            seen.append(upload.progress.bytes_done if upload.status is Status.PROCESSING else 0)
            await asyncio.sleep(0.1)
    return upload, sorted({amount for amount in seen if amount})


async def test_a_long_scan_keeps_its_lease_and_reports_its_progress(
    services: Services, settings: Settings, clamd: ClamdServer, slow_store: Proxy
) -> None:
    job = await completed(services, DATA)
    async with working(with_changes(settings, clamd_url=clamd.url, s3_endpoint=slow_store.url)):
        upload, amounts = await ended(services, job.id)
    assert upload.status is Status.COMPLETED
    assert await commands(services, job.id) == ["create", "submit", "claim", "succeed"]
    assert len([amount for amount in amounts if amount < len(DATA)]) >= 2
    [file] = await files_of(services, job.id)
    assert (file.size, file.scan) == (len(DATA), "clean")


async def test_a_file_may_be_read_for_longer_than_the_time_out_as_long_as_bytes_arrive(
    services: Services, settings: Settings, slow_store: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*_: object) -> None:
        """As of a store that keeps no CRC-32."""

    monkeypatch.setattr(StoredChecksums, "crc32", unknown)
    job = await completed(services, DATA)
    async with working(with_changes(settings, s3_endpoint=slow_store.url)):
        upload, _ = await ended(services, job.id)
    assert (upload.status, upload.attempt) == (Status.COMPLETED, 1)


async def test_an_attempt_that_reads_nothing_for_the_time_out_has_failed(
    services: Services, settings: Settings
) -> None:
    job = await completed(services, DATA)
    async with request_gate(settings.s3_endpoint) as store:
        store.hold(rb"(?i)^GET \S*raw/\S*/original .*\r\n")
        async with working(with_changes(settings, s3_endpoint=store.url, max_attempts=1)):
            upload, _ = await ended(services, job.id)
    assert upload.failure is not None
    assert upload.failure.error_class is ErrorClass.TIMEOUT
    assert upload.failure.message == "The attempt made no progress for 3 s."


async def test_a_clamd_that_takes_longer_than_the_time_out_of_a_job_charges_no_attempt(
    services: Services, settings: Settings, clamd: ClamdServer
) -> None:
    job = await completed(services, b"data")
    async with proxied(clamd.tcp_url) as slow:
        slow.delay = JOB_TIMEOUT / 3  # the two files of its test take four of these
        async with working(with_changes(settings, clamd_url=slow.url, clamd_timeout=10)):
            upload, _ = await ended(services, job.id)
    assert (upload.status, upload.attempt) == (Status.COMPLETED, 1)


@pytest.mark.parametrize("clamd_timeout", [1, 300, 10_000])
async def test_the_time_out_of_a_job_is_never_below_what_clamd_may_take(
    settings: Settings, clamd_timeout: float
) -> None:
    """A scan, or both files of its test, before anything is read."""
    scanned = with_changes(settings, clamd_url="tcp://127.0.0.1:3310", clamd_timeout=clamd_timeout)
    assert upload_time_limit(scanned) > 2 * clamd_timeout
    assert upload_time_limit(settings) == JOB_TIMEOUT
