"""What is written of an attempt that has ended."""

from __future__ import annotations

from dataclasses import replace

import pytest
import structlog

from jobs.engine.jobs import Batch, Failure, Status
from jobs.engine.worker.outcomes import SCANNER_PAUSE, Outcomes, Parked
from jobs.errors import ErrorClass, ScannerMisconfigured, ScannerTimeout, ScannerUnavailable
from jobs.services import Services
from tests.helpers.jobs import create, read


async def test_an_outcome_is_written_even_if_postgresql_rejects_the_last_batch(services: Services) -> None:
    job = await create(services, 10_000)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    rejected = [replace(record, entry_name="a\0b") for record in claimed.records]
    batch = Batch(phase=claimed.job.phase, progress=claimed.job.progress, records=rejected)
    failure = Failure(error_class=ErrorClass.INTERNAL, message="It failed.")
    with structlog.testing.capture_logs() as entries:
        await Outcomes(services).write(claimed.job, failure, batch)
    assert "batch_failed" in {entry["event"] for entry in entries}
    assert (await read(services, job.id)).status in {Status.FAILED, Status.RETRYING}


@pytest.mark.parametrize("error", [ScannerUnavailable, ScannerTimeout, ScannerMisconfigured])
async def test_an_outage_of_the_scanner_is_not_charged(services: Services, error: type[ScannerUnavailable]) -> None:
    job = await create(services, 10_000)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    outcomes = Outcomes(services)
    outcome = await outcomes.judge(error("It is out.", "/run/clamd.ctl"), started_at=0, made_progress=False)
    failure = Failure(error_class=error.error_class, message="It is out.")
    assert outcome == Parked(failure, SCANNER_PAUSE)
    await outcomes.write(claimed.job, outcome)
    parked = await read(services, job.id)
    assert (parked.status, parked.attempt) == (Status.RETRYING, 0)
