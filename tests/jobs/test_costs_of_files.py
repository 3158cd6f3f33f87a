"""What a bundle of many files costs: bytes in PostgreSQL, requests to the store. docs/examples/sizing.py counts them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from jobs.engine.jobs import Progress, UploadPart
from jobs.engine.worker.reporter import RATE
from jobs.kinds import Phase
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.examples import load_example
from tests.helpers.jobs import create
from tests.helpers.request_counter import counting_requests
from tests.helpers.running import working
from tests.helpers.settings import WAKE_UPS_ONLY, with_changes

COUNTS = load_example("sizing").Counts()
JOBS = 20
"""So many that pages of PostgreSQL which are partly filled make little of a difference."""
FEW, MANY = 10, 100
LEAST = 0.6
"""The share of a count that must be needed: else the count is out of date, and the page promises too little."""

_SIZE = """
    SELECT sum(pg_total_relation_size(oid)) FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
"""


@pytest.fixture
def changes() -> dict[str, Any]:
    return {**WAKE_UPS_ONLY, "lease_ttl": 600, "heartbeat_interval": 60, "bundle_reuse": False}


async def costs(settings: Settings, catalogue: Catalogue, files: int) -> tuple[float, float, float]:
    """Of a job of so many files of 1 kB: bytes of rows, bytes of the write-ahead log, requests to the store."""
    file_ids = [await catalogue.add(os.urandom(1000), f"report {number}.pdf") for number in range(files)]
    watching = await asyncpg.connect(str(settings.database_url))

    async def all_have_ended() -> bool:
        return not await watching.fetchval("SELECT count(*) FROM jobs WHERE finished_at IS NULL")

    async with counting_requests(settings.s3_endpoint) as counter:
        routed = with_changes(settings, s3_endpoint=counter.url)
        async with open_services(routed) as gateway, working(routed):
            await create(gateway, *file_ids)  # opens connections, and probes the store
            await eventually(all_have_ended)
            counter.counts.clear()
            await watching.execute("VACUUM FULL")
            size, position = await watching.fetchrow(f"SELECT ({_SIZE}), pg_current_wal_insert_lsn()")
            for _ in range(JOBS):
                await create(gateway, *file_ids)
            await eventually(all_have_ended, patience=90)
            wal = await watching.fetchval("SELECT pg_current_wal_insert_lsn() - $1::pg_lsn", position)
            await watching.execute("VACUUM FULL")  # new rows take the place of what it removes
            after = await watching.fetchval(_SIZE)
    await watching.close()
    return float(after - size) / JOBS, float(wal) / JOBS, counter.counts.total() / JOBS


async def test_a_bundle_of_many_files_costs_what_the_page_of_arithmetic_says(
    settings: Settings, catalogue: Catalogue
) -> None:
    few = await costs(settings, catalogue, FEW)
    many = await costs(settings, catalogue, MANY)
    counted = {
        "rows": (COUNTS.rows_job, COUNTS.rows_file),
        "wal": (COUNTS.wal_job, COUNTS.wal_file),
        "requests": (COUNTS.requests_job, COUNTS.requests_file),
    }
    for (what, (job, file)), small, large in zip(counted.items(), few, many, strict=True):
        shares = (small / (job + FEW * file), large / (job + MANY * file))
        assert max(shares) <= 1, (what, small, large)
        assert max(shares) >= LEAST, (what, small, large)


async def test_progress_of_a_running_job_costs_what_the_page_of_arithmetic_says(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    connect = asyncpg.connect

    async def counting(*args: Any, **options: Any) -> Any:
        connection = await connect(*args, **options)
        connection.add_query_logger(lambda query: sent.append(query.query.strip()))
        return connection

    job = await create(services, 10_000)
    monkeypatch.setattr(asyncpg, "connect", counting)
    async with open_services(settings) as worker:
        claimed = await worker.lifecycle.claim(job.id, job.fence, "worker-1")
        assert claimed is not None
        progress, parts = Progress(files_total=1, bytes_done=5), [UploadPart(number=1, etag="e", detail={})]
        records = [replace(claimed.records[0], bytes_done=5)]
        await worker.lifecycle.record(claimed.job, Phase.PACKING, progress, records, parts)
        sent.clear()
        await worker.lifecycle.record(claimed.job, Phase.PACKING, progress, records, parts)
        assert len(sent) == COUNTS.batch_statements, sent
        assert [statement.rstrip(";") for statement in sent].count("COMMIT") == 1
    assert COUNTS.batch_commands == 2 * RATE, "each message is published, and kept as the latest one"
