"""What gateway, intake and worker count of real jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.stack.ports import free_ports
from jobs import metrics
from jobs.bundles.downloads import NewDownload
from jobs.database import Database, fetch_within
from jobs.engine.jobs import FileRequest
from jobs.engine.sql.fleet_gauges import _FLEET, MAX_AGE, FleetGauges
from jobs.engine.sql.workers import record_heartbeat
from jobs.kinds import Kind
from jobs.metrics_server import PORTS
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import ended
from tests.helpers.running import serving, working
from tests.helpers.scrapes import Scrape, scraped
from tests.helpers.settings import UNAVAILABLE

STATUS = "/v1/download/job/{jobId}"
"""The route of polls."""


@pytest.fixture
def changes() -> dict[str, Any]:
    [port] = free_ports([PORTS])
    return {"metrics_port": port}


@pytest.fixture
async def api(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(services.settings) as url, working(services.settings):
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            await client.get("/health/live")  # it has started, and listens for scrapes, too
            yield client


class Counted:
    """What was counted since the last time. All processes of the tests are one, with the same instruments."""

    def __init__(self, settings: Settings) -> None:
        self._port = settings.metrics_port
        self._before: Scrape | None = None

    async def start(self) -> Counted:
        self._before = await scraped(self._port)
        return self

    async def value(self, name: str, **labels: str) -> float:
        assert self._before is not None
        return (await scraped(self._port)).value(name, **labels) - self._before.value(name, **labels)

    async def until(self, least: float, name: str, **labels: str) -> None:
        async def has() -> bool:
            return await self.value(name, **labels) >= least

        await eventually(has)


async def test_a_download_is_counted_from_its_request_to_its_end(
    api: httpx.AsyncClient, catalogue: Catalogue, settings: Settings
) -> None:
    counted = await Counted(settings).start()
    ids = [await catalogue.add(bytes(size), f"{size}.bin") for size in (1000, 2000)]
    body = {"file_ids": ids, "archiveName": "both"}
    first = await api.post("/v1/download/initiate", json=body)
    await ended(api, first.headers["Location"])
    assert await counted.value("haulage_jobs_created_total", kind="download") == 1
    await counted.until(1, "haulage_job_wait_seconds_count", kind="download")
    await counted.until(1, "haulage_job_seconds_count", kind="download", result="completed")
    await counted.until(1, "haulage_attempts_total", outcome="succeeded")
    assert await counted.value("haulage_bytes_total", way="streamed") == 3000
    created = {"method": "POST", "route": "/v1/download/initiate", "status": "2xx"}
    assert await counted.value("haulage_http_request_seconds_count", **created) == 1
    second = await api.post("/v1/download/initiate", json=body)
    status = await ended(api, second.headers["Location"])
    assert await counted.value("haulage_bytes_total", way="reused") == status["result"]["size"]
    assert await counted.value("haulage_dependency_seconds_count", dependency="database", call="transaction") > 0
    assert await counted.value("haulage_dependency_seconds_count", dependency="storage", call="writing") > 0
    assert await counted.value("haulage_dependency_seconds_count", dependency="redis", call="feed") > 0


async def test_a_job_that_its_request_was_wrong_for_is_not_dead(api: httpx.AsyncClient, settings: Settings) -> None:
    counted = await Counted(settings).start()
    response = await api.post("/v1/download/initiate", json={"file_ids": [77_777], "archiveName": "x"})
    await ended(api, response.headers["Location"])
    await counted.until(1, "haulage_job_seconds_count", result="failed")
    await counted.until(1, "haulage_attempts_total", outcome="failed", **{"class": "validation"})
    assert await counted.value("haulage_job_seconds_count", result="dead") == 0


async def test_polls_are_timed_from_memory_too_and_long_polls_are_not(
    api: httpx.AsyncClient, catalogue: Catalogue, settings: Settings
) -> None:
    file_id = await catalogue.add(b"x")
    job = (await api.post("/v1/download/initiate", json={"file_ids": [file_id]})).headers["Location"]
    etag = ""

    async def is_cached() -> bool:
        nonlocal etag
        response = await api.get(job)
        etag = response.headers["ETag"]
        return bool(response.json()["status"] == "completed")

    await eventually(is_cached)
    counted = await Counted(settings).start()
    for _ in range(3):
        await api.get(job, headers={"If-None-Match": etag})
    await api.get(job)
    await api.get(job, headers={"Prefer": "wait=1"})
    await api.get("/v1/download/job/no-id")
    name, route = "haulage_http_request_seconds_count", {"method": "GET", "route": STATUS}
    assert await counted.value(name, **route, status="3xx") == 3
    assert await counted.value(name, **route, status="2xx") == 1
    assert await counted.value(name, **route, status="4xx") == 1
    assert await counted.value(name, **route) == 5


async def test_a_path_that_does_not_exist_is_no_route_of_its_own(api: httpx.AsyncClient, settings: Settings) -> None:
    counted = await Counted(settings).start()
    for method in ("GET", "PUT"):
        await api.request(method, "/wp-admin")
    name = "haulage_http_request_seconds_count"
    assert await counted.value(name, method="GET", route="other", status="4xx") == 1
    assert await counted.value(name, method="other", route="other", status="4xx") == 1
    assert "wp-admin" not in (await scraped(settings.metrics_port)).text


async def test_streams_are_counted_while_they_are_open_and_their_messages_timed(
    api: httpx.AsyncClient, settings: Settings
) -> None:
    counted = await Counted(settings).start()
    created = await api.post("/v1/upload", json={"files": [{"name": "a.txt", "size": 5}]})
    [job] = [one["jobId"] for one in created.json()["jobs"]]
    async with api.stream("GET", f"/v1/download/stream/{job}") as response:
        assert await counted.value("haulage_followers", way="stream") == 1
        await api.delete(f"/v1/download/job/{job}")
        [_ async for _ in response.aiter_bytes()]
    await counted.until(1, "haulage_delivery_seconds_count")
    assert await counted.value("haulage_delivery_seconds_sum") < 30
    assert await counted.value("haulage_followers", way="stream") == 0


@pytest.mark.parametrize("changes", [{"max_queued": 1, "metrics_port": free_ports([PORTS])[0]}])
async def test_what_a_limit_refuses_is_counted_by_its_code(
    services: Services, catalogue: Catalogue, settings: Settings
) -> None:
    body = {"file_ids": [await catalogue.add(b"x")]}
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as client:
        await client.get("/health/live")
        counted = await Counted(settings).start()
        assert (await client.post("/v1/download/initiate", json=body)).status_code == 202
        assert (await client.post("/v1/download/initiate", json=body)).status_code == 503
        assert await counted.value("haulage_limited_total", why="queue_full") == 1
        await ClockedFleet(services).refresh_after(0)
        assert metrics.JOBS.labels("queued").value == 1


# --- the fleet ---------------------------------------------------------------------------------------------------------


class ClockedFleet(FleetGauges):
    """Reads as if this many seconds had passed."""

    def __init__(self, services: Services) -> None:
        self.now = 0.0
        super().__init__(services.database, services.settings.lease_ttl, clock=lambda: self.now)

    async def refresh_after(self, seconds: float) -> None:
        self.now += seconds
        await self.refresh()


async def test_the_fleet_is_what_postgresql_says_and_at_most_five_seconds_old(
    services: Services, catalogue: Catalogue
) -> None:
    fleet = ClockedFleet(services)
    await fleet.refresh_after(0)
    assert {values: gauge.value for values, gauge in metrics.JOBS} == dict.fromkeys(
        [("receiving",), ("queued",), ("retrying",), ("processing",), ("dead",)], 0
    )
    file_id = await catalogue.add(b"x")
    await services.downloads.create(NewDownload(files=[FileRequest(file_id=file_id, name=None)], owner="somebody"))
    await services.database.fetch("UPDATE jobs SET due_at = due_at - interval '1 minute'")
    await record_heartbeat(services.database, "w", {Kind.DOWNLOAD: 1}, await services.database.now())
    await fleet.refresh_after(MAX_AGE - 1)
    assert metrics.JOBS.labels("queued").value == 0
    await fleet.refresh_after(1)
    assert metrics.JOBS.labels("queued").value == 1
    assert 60 <= metrics.QUEUE_OLDEST.labels("download").value < 120
    await services.fleet.pause(Kind.DOWNLOAD, "olga", None, None)
    await fleet.refresh_after(MAX_AGE)
    assert metrics.QUEUE_OLDEST.labels("download").value == 0, "nobody has to be woken: somebody has paused it"
    await services.fleet.resume(Kind.DOWNLOAD, None)
    await fleet.refresh_after(MAX_AGE)
    assert metrics.QUEUE_OLDEST.labels("download").value >= 60
    assert metrics.QUEUE_OLDEST.labels("upload").value == 0
    assert metrics.WORKERS.labels("download").value == 1
    assert metrics.WORKERS.labels("upload").value == 0
    assert metrics.NOTICES.labels("dead").value == 0


async def test_without_the_database_nothing_is_said_of_the_fleet(services: Services) -> None:
    fleet = ClockedFleet(services)
    await fleet.refresh_after(0)
    gone = FleetGauges(Database.open(UNAVAILABLE["database"]["database_url"], pool_size=2, timeout=1), 10)
    await gone.refresh()
    assert [list(gauges) for gauges in (metrics.JOBS, metrics.QUEUE_OLDEST, metrics.WORKERS, metrics.NOTICES)] == [
        []
    ] * 4


async def test_the_query_of_the_fleet_reads_no_job_that_has_ended(services: Services) -> None:
    """A million of them would take a second, every five."""
    async with services.database.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))  # in an empty table it would be the cheapest
        plan = await fetch_within(connection, "EXPLAIN " + _FLEET.replace("$1", "10"))
    scans = [row[0] for row in plan if " on jobs" in row[0]]
    assert len(scans) >= 5
    assert [scan for scan in scans if "Seq Scan" in scan] == []
