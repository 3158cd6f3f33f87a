"""Outages of the store: no job is to blame for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest

from jobs.breakers import FAILURE_THRESHOLD, Circuit
from jobs.bundles.orphans import Orphans
from jobs.engine.jobs import Failure, Status
from jobs.engine.worker import outcomes, store_probe
from jobs.engine.worker.outcomes import Outcomes, Parked
from jobs.errors import StorageOut, StorageUnreachable
from jobs.services import Services, open_services
from jobs.settings import Settings
from jobs.storage import bucket
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.gates import gate
from tests.helpers.jobs import commands, create, read, until_command, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"s3_connect_timeout": 0.5, "s3_idle_timeout": 1, "file_timeout": 2}


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket, "RECOVERY_TIMEOUT", 0.5)
    monkeypatch.setattr(store_probe, "INTERVAL", 0.5)
    monkeypatch.setattr(outcomes, "STORAGE_PAUSE", 0.5)


@pytest.mark.usefixtures("soon")
async def test_while_the_store_is_out_jobs_wait_and_nothing_is_charged(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids = [await catalogue.add(b"x", "x") for _ in range(3)]
    async with gate(settings.s3_endpoint, 10**12) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            store.shut = True
            store.cut()
            jobs = [await create(services, file_id) for file_id in ids]

            async def one_is_parked() -> bool:
                return any([(await commands(services, job.id))[-1] == "park" for job in jobs])

            await eventually(one_is_parked)
            waiting = [await read(services, job.id) for job in jobs]
            assert {job.attempt for job in waiting if job.status is Status.RETRYING} == {0}
            store.shut = False
            ended = [await until_ended(services, job) for job in jobs]
    assert {(job.status, job.attempt) for job in ended} == {(Status.COMPLETED, 1)}


@pytest.mark.usefixtures("soon")
async def test_what_fails_when_the_store_is_just_back_has_hung_in_the_outage(
    settings: Settings,
) -> None:
    async with open_services(settings) as services:
        breaker, begun = services.storage.bucket.breaker, monotonic()
        broken = StorageUnreachable("the line is dead")
        for _ in range(FAILURE_THRESHOLD):
            with pytest.raises(StorageUnreachable), breaker.record("test"):
                raise broken
        await eventually(lambda: breaker.state is Circuit.HALF_OPEN)
        await services.storage.bucket.ensure()
        await services.storage.probe_write()
        judge = Outcomes(services).judge
        assert isinstance(await judge(broken, started_at=begun, made_progress=False), Parked)
        assert isinstance(await judge(broken, started_at=monotonic(), made_progress=False), Failure)


async def test_what_others_have_met_until_the_store_answers_counts_too(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker, probe = services.storage.bucket.breaker, services.storage.probe_write
    broken = StorageUnreachable("the line is dead")

    async def probe_after_the_others() -> None:
        for _ in range(FAILURE_THRESHOLD):
            with pytest.raises(StorageUnreachable), breaker.record("test"):
                raise broken
        with breaker.record("test"):
            """The store is back."""
        await probe()

    monkeypatch.setattr(services.storage, "probe_write", probe_after_the_others)
    assert isinstance(await Outcomes(services).judge(broken, started_at=monotonic(), made_progress=False), Parked)


@pytest.mark.parametrize("changes", [{"s3_connect_timeout": 0.5, "job_deadline": 0.5}])
@pytest.mark.usefixtures("soon")
async def test_a_job_that_waited_for_the_store_past_its_deadline_is_dead(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x", "x")
    async with gate(settings.s3_endpoint, 10**12) as store:
        store.shut = True
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await until_ended(services, await create(services, file_id))
    assert job.dead
    assert job.failure is not None
    assert "store" in job.failure.message


@pytest.mark.usefixtures("soon")
async def test_a_worker_that_the_store_refuses_charges_no_attempt_for_it(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x", "x")
    job = await create(services, file_id)
    async with working(with_changes(settings, s3_secret_access_key="of another store")):
        await until_command(services, job, "park")
    parked = await read(services, job.id)
    assert (parked.status, parked.attempt) == (Status.RETRYING, 0)
    assert parked.failure is not None
    assert "denied access" in parked.failure.message
    async with working(settings):
        assert (await until_ended(services, job)).status is Status.COMPLETED


async def test_a_store_that_does_not_answer_is_asked_no_more_until_it_was_seen_to_be_back(settings: Settings) -> None:
    async with gate(settings.s3_endpoint, 10**12) as store:
        async with open_services(with_changes(settings, s3_endpoint=store.url)) as services:
            objects, breaker = services.storage.objects, services.storage.bucket.breaker
            await services.storage.bucket.ensure()
            store.shut = True
            store.cut()
            for _ in range(5):
                with pytest.raises(Exception, match="failed"):
                    await objects.head("x")
            assert services.circuits["storage"] is Circuit.OPEN
            with pytest.raises(StorageOut):
                await objects.head("x")
            store.shut = False
            with pytest.raises(StorageOut):
                await objects.head("x")
            await services.storage.bucket.check()
            assert breaker.state is Circuit.CLOSED


async def test_what_no_job_knows_is_removed_when_it_is_old(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    storage = services.storage
    file_id = await catalogue.add(b"x", "x")
    async with working(settings):
        job = await until_ended(services, await create(services, file_id))
    assert job.result is not None
    orphan, foreign = f"bundles/{uuid4()}/2.zip", f"bundles/{uuid4()}/notes.txt"
    for key in (orphan, foreign):
        await storage.objects.put(key, b"x", "application/zip")
    await storage.multipart.create(orphan, "application/zip")
    await Orphans(services.database, services.storage, services.settings).remove()
    assert {info.key async for info in storage.objects.list("bundles/")} == {job.result.key, orphan, foreign}
    await Orphans(
        services.database, services.storage, services.settings, lambda: datetime.now(UTC) + timedelta(days=4)
    ).remove()
    assert {info.key async for info in storage.objects.list("bundles/")} == {job.result.key, foreign}
