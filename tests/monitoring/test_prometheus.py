"""A real Prometheus scrapes gateway, intake and worker while they work: each panel and each alert has something to read."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from app.endpoints.sockets import SUBPROTOCOL
from app.stack.ports import free_ports
from jobs.services import Services
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import ended
from tests.helpers.prometheus import Prometheus, prometheus
from tests.helpers.running import serving_process, taking_in_process, worker_process

RULES = Path(".compose/rules.yml")
DASHBOARD = Path(".compose/grafana/dashboards/haulage.json")
MOST_SERIES = 400
QUEUED = 3
"""`MAX_QUEUED` of the gateway: one more gets 503."""
UNSEEN = {
    'haulage_attempts_total{outcome="lost"}',  # the faults of docs/reliability.md kill workers
}
COPIED = 6 << 20
"""Bytes of a file that the store copies by itself."""


class Load:
    """Requests of all kinds, again and again."""

    def __init__(self, api: httpx.AsyncClient, intake: str, catalogue: Catalogue) -> None:
        self._api = api
        self._intake = intake
        self._catalogue = catalogue

    async def fill_queue(self) -> None:
        """As long as there is no worker."""
        statuses = [(await self._initiate(await self._catalogue.add(b"x"))).status_code for _ in range(QUEUED + 1)]
        assert statuses == [202] * QUEUED + [503]

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        for number in count():
            await self._download(number)
            await self._upload(number)
            await self._follow(number)
            for path in ("/v1/download/jobs", "/health", "/nothing", "/v1/notices"):
                await self._api.get(path)

    async def _initiate(self, *file_ids: int, **more: Any) -> httpx.Response:
        return await self._api.post("/v1/download/initiate", json={"file_ids": file_ids, "archiveName": "a", **more})

    async def _initiated(self, *file_ids: int) -> httpx.Response:
        """The response to a job that is accepted. The queue may seem full until the jobs of the last second are counted."""

        responses: list[httpx.Response] = []

        async def is_accepted() -> bool:
            responses.append(await self._initiate(*file_ids))
            assert responses[-1].status_code in {202, 503}, responses[-1].text
            return responses[-1].status_code == 202

        await eventually(is_accepted, interval=0.2)
        return responses[-1]

    async def _download(self, number: int) -> None:
        """Two bundles of the same files, one whose file is missing, and one whose file is damaged."""
        small = await self._catalogue.add(f"{number}".encode() * 1000)
        large = await self._catalogue.add(bytes(COPIED))
        damaged = await self._catalogue.add(b"x", crc32=1, sha256="0" * 64)
        for file_ids in ((small, large), (small, large), (small, 77_777), (small, damaged)):
            job = (await self._initiated(*file_ids)).headers["Location"]
            await ended(self._api, job)
            for _ in range(3):
                etag = (await self._api.get(job)).headers["ETag"]
                await self._api.get(job, headers={"If-None-Match": etag})
            await self._api.get(f"{job}/download-url")

    async def _upload(self, number: int) -> None:
        """One to the store, whose parts are never sent, and one to the intake."""
        await self._api.post("/v1/upload", json={"files": [{"name": "a.txt", "size": 5}]})
        form = {"file": (f"{number}.txt", b"hello" * 1000)}
        async with httpx.AsyncClient(base_url=self._intake) as intake:
            response = await intake.post("/upload", files=form)
        assert response.status_code == 202, response.text
        await ended(self._api, f"/v1/download/job/{response.json()['jobs'][0]['jobId']}")

    async def _follow(self, number: int) -> None:
        """A stream and a WebSocket until the end of their job."""
        response = await self._initiated(await self._catalogue.add(f"{number}".encode() * 100_000))
        job = response.json()["jobId"]
        url = str(self._api.base_url).rstrip("/").replace("http", "ws")
        async with connect(f"{url}/v1/download/subscribe/{job}", subprotocols=[Subprotocol(SUBPROTOCOL)]) as socket:
            async with self._api.stream("GET", f"/v1/download/stream/{job}") as stream:
                [_ async for _ in stream.aiter_bytes()]
            [_ async for _ in socket]


@pytest.fixture
async def seen(services: Services, catalogue: Catalogue, tmp_path: Path) -> AsyncIterator[Prometheus]:
    """What Prometheus has seen of some rounds of all kinds of requests."""
    ports = free_ports([100, 100, 100])
    own = [{"METRICS_PORT": str(port), "MAX_ATTEMPTS": "1", "MAX_QUEUED": str(QUEUED)} for port in ports]
    targets = {job: [port] for job, port in zip(("gateway", "intake", "worker"), ports, strict=True)}
    async with AsyncExitStack() as running:
        found = await running.enter_async_context(prometheus(tmp_path, targets, RULES))
        url = await running.enter_async_context(serving_process(services.settings, **own[0]))
        intake, _ = await running.enter_async_context(taking_in_process(services.settings, None, **own[1]))
        api = await running.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
        load = Load(api, intake, catalogue)
        await load.fill_queue()
        await running.enter_async_context(worker_process(services.settings, **own[2]))

        async def is_working() -> bool:
            return not await services.database.fetch("SELECT id FROM jobs WHERE status = 'queued'")

        await eventually(is_working, patience=90)
        task = asyncio.create_task(load.run())
        running.callback(task.cancel)

        async def is_enough() -> bool:
            if task.done():
                task.result()
            # Each rate needs two scrapes of the same series: these are the last ones of a round.
            return await found.has("rate(haulage_delivery_seconds_count[1m]) > 0") and await found.has(
                'rate(haulage_uploaded_bytes_total{way="intake"}[1m]) > 0'
            )

        await eventually(is_enough, patience=90)
        yield found


async def test_each_panel_and_each_alert_is_answered(seen: Prometheus) -> None:
    expressions = rules()
    for expression in expressions:
        await seen.query(expression)
    read = [selector for expression in expressions for selector in selectors(expression)]
    queries = [*panels(), *(selector for selector in read if selector not in UNSEEN)]
    assert len(queries) > 60
    assert [query for query in queries if not await seen.has(query)] == []
    series = {one["metric"]["job"]: int(one["value"][1]) for one in await seen.query("scrape_samples_scraped")}
    logging.getLogger(__name__).info("series: %s", series)
    assert series.keys() == {"gateway", "intake", "worker"}
    assert max(series.values()) <= MOST_SERIES, series
    quiet = {"HaulageDown", "HaulageUnseen", "HaulageNoWorker", "HaulageDependencyDown", "HaulageLoopLag"}
    firing = {one["metric"]["alertname"] for one in await seen.query('ALERTS{alertstate="firing"}')}
    assert not firing & quiet


def panels() -> list[str]:
    """The queries of the dashboard."""
    found = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [target["expr"] for panel in found for target in panel["targets"]]


def rules() -> list[str]:
    """The expressions of all rules."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def selectors(expression: str) -> list[str]:
    """The metrics that an expression reads, with their labels."""
    return re.findall(r"haulage[_:][\w:]+(?:\{[^}]*\})?", expression)
