"""`QUEUE=postgres`: the main job, uploads, cancel and retry, by processes that open no connection to a Redis."""

from __future__ import annotations

import asyncio
import os
import zlib
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.stack.ports import free_ports
from jobs.services import Services
from jobs.settings import Settings
from tests.app.following.followers import socket, stream
from tests.helpers.bundles import opened
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import PATIENCE
from tests.helpers.jobs import create, ended, read
from tests.helpers.running import serving, serving_process, taking_in_process, worker_process, working
from tests.helpers.scrapes import scraped
from tests.helpers.settings import WAKE_UPS_ONLY
from tests.helpers.trap import trapped
from tests.helpers.uploads import completed, files_of
from tests.jobs.engine.notify.listeners import until_listening


@pytest.fixture
def changes() -> dict[str, Any]:
    """Nothing starts by a poll while wake-ups arrive: the next one would be in ten minutes."""
    return {"queue": "postgres", **WAKE_UPS_ONLY}


async def test_the_main_job_runs_and_no_connection_to_redis_is_opened(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    contents = [os.urandom(size) for size in (0, 100_000, 9_000_000)]
    ids = [await catalogue.add(data, f"{number}.bin") for number, data in enumerate(contents)]
    [metrics] = free_ports([0])
    async with (
        asyncio.timeout(4 * PATIENCE),
        trapped() as redis,
        serving_process(settings, REDIS_URL=f"redis://{redis.address}/0", METRICS_PORT=str(metrics)) as url,
        taking_in_process(settings, REDIS_URL=f"redis://{redis.address}/0") as (intake, _),
        worker_process(settings, REDIS_URL=f"redis://{redis.address}/0"),
        httpx.AsyncClient(base_url=url, timeout=30) as api,
    ):
        await until_listening(services, 2)
        response = await api.post("/v1/download/initiate", json={"file_ids": ids, "archiveName": "all"})
        path, job = response.headers["Location"], await read(services, UUID(response.json()["jobId"]))
        async with socket(url, f"/{job.id}") as socketed, stream(api, f"/{job.id}") as streamed:
            ends = await asyncio.gather(socketed.end(job), streamed.end(job))
        assert [end["status"] for end in ends] == ["completed", "completed"]
        link = (await api.get(f"{path}/download-url")).json()
        async with httpx.AsyncClient() as store:
            bundle = (await store.get(link["url"])).content
        assert link["checksum"] == {"algorithm": "crc32", "value": f"{zlib.crc32(bundle):08x}"}
        assert list(opened(bundle).values())[:3] == contents
        upload = await completed(services, b"hello", "hello.txt")
        assert (await ended(api, f"/v1/upload/job/{upload.id}"))["status"] == "completed"
        assert [file.name for file in await files_of(services, upload.id)] == ["hello.txt"]
        async with httpx.AsyncClient(base_url=intake, timeout=30) as form:
            sent = (await form.post("/upload", files={"file": ("form.txt", b"by a form")})).json()
        assert (await ended(api, f"/v1/upload/job/{sent['jobs'][0]['jobId']}"))["status"] == "completed"
        health = (await api.get("/health")).json()
        assert (health["status"], health["checks"]["redis"], health["circuits"]["redis"]) == ("healthy", "off", None)
        assert health["reasons"] == {}
        overview = (await api.get("/v1/operator/overview")).json()
        assert [one["name"] for one in overview["dependencies"]] == ["database", "storage"]
        found = await scraped(metrics)
        assert found.value("haulage_dependency_seconds_count", dependency="database") > 0
        assert 'dependency="redis"' not in found.text
        assert redis.opened == 0


async def test_cancel_and_retry_reach_followers_and_workers(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    job = await create(services, await catalogue.add(b"x"))
    path = f"/v1/download/job/{job.id}"
    async with (
        asyncio.timeout(2 * PATIENCE),
        serving(settings) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as api,
        working(settings),
    ):
        await until_listening(services, 2)
        await ended(api, path)
        other = await create(services, 77_777, 88_888)  # it fails, since there are no such files
        assert (await ended(api, f"/v1/download/job/{other.id}"))["status"] == "failed"
        await api.delete(f"{path}/bundle")
        assert (await api.post(f"{path}/retry")).status_code == 202
        assert (await ended(api, path))["status"] == "completed"
    async with serving(settings) as url, httpx.AsyncClient(base_url=url, timeout=30) as api:  # and no worker
        await until_listening(services, 1)
        job = await create(services, 10_000)
        async with socket(url, f"/{job.id}") as socketed, stream(api, f"/{job.id}") as streamed:
            await asyncio.gather(*(follower.heard(job, (1, -1)) for follower in (socketed, streamed)))
            assert (await api.delete(f"/v1/download/job/{job.id}")).status_code == 200
            ends = await asyncio.gather(socketed.end(job), streamed.end(job))
        assert [end["status"] for end in ends] == ["cancelled", "cancelled"]
