"""POST /v1/download/start: one file, waited for."""

from __future__ import annotations

import httpx
import pytest

from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

START = "/v1/download/start"


@pytest.mark.usefixtures("worker")
async def test_start_waits_until_a_file_can_be_downloaded(api: httpx.AsyncClient, catalogue: Catalogue) -> None:
    file_id = await catalogue.add(b"hello", "a.txt")
    answer = await api.post(START, json={"file_id": file_id})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["file_id"], body["status"], body["size"]) == (file_id, "completed", 5)
    assert body["processingTimeMs"] >= 0
    assert body["message"]
    async with httpx.AsyncClient() as store:
        assert (await store.get(body["downloadUrl"])).content == b"hello"
    missing = (await api.post(START, json={"file_id": 77_777})).json()
    assert (missing["status"], missing["downloadUrl"], missing["size"]) == ("failed", None, None)
    assert "77777" in missing["message"]
    assert len((await api.get("/v1/download/jobs")).json()["jobs"]) == 1


async def test_start_returns_the_job_if_it_takes_too_long(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"hello")
    del services
    async with serving(with_changes(settings, start_wait=0.1)) as url, httpx.AsyncClient(base_url=url) as api:
        answer = await api.post(START, json={"file_id": file_id})
        assert answer.status_code == 202
        assert answer.headers["retry-after"]
        assert (await api.get(answer.headers["location"])).json()["status"] == "queued"


@pytest.mark.parametrize(
    ("preference", "applied"),
    [
        ("wait=1", "wait=1"),
        ("respond-async, wait=1", "respond-async, wait=1"),
        ('WAIT="1"; strictly=no, respond-async', "respond-async, wait=1"),
        ("respond-async", "respond-async"),
        ("wait=0", "wait=0"),
        ("respond-async, wait=999", "respond-async, wait=2"),  # START_WAIT
    ],
)
async def test_start_waits_no_longer_than_the_client_prefers(
    services: Services, settings: Settings, catalogue: Catalogue, preference: str, applied: str
) -> None:
    file_id = await catalogue.add(b"hello")
    del services
    start_wait = 2 if "999" in preference else 60
    async with serving(with_changes(settings, start_wait=start_wait)) as url, httpx.AsyncClient(base_url=url) as api:
        answer = await api.post(START, json={"file_id": file_id}, headers={"Prefer": preference}, timeout=20)
        assert (answer.status_code, answer.headers["preference-applied"]) == (202, applied)
        assert (await api.get(answer.headers["location"])).json()["status"] == "queued"


@pytest.mark.usefixtures("worker")
async def test_start_returns_the_file_if_it_is_ready_within_the_wait(
    api: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"hello", "a.txt")
    answer = await api.post(START, json={"file_id": file_id}, headers={"Prefer": "respond-async, wait=25"})
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    plain = await api.post(START, json={"file_id": file_id}, headers={"Prefer": "return=minimal"})
    assert (plain.status_code, "preference-applied" in plain.headers) == (200, False)
