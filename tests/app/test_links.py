"""Links to results: who gets one, how long it lives, what it leads to, and how it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from jobs.bundles.downloads import ResultKind
from tests.app.shared import Shared, in_state, link
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import ended
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def source(shared: Shared, data: bytes) -> tuple[int, Any]:
    """A file, and the job whose result is the file itself."""
    file_id = await shared.catalogue.add(data, "a.txt", content_type="text/plain")
    info = await shared.services.storage.objects.head(f"files/{file_id}")
    job = await shared.completed(
        data, kind=ResultKind.OBJECT, key=info.key, etag=info.etag, filename="a.txt", content_type="text/plain"
    )
    return file_id, job


async def test_a_new_link_describes_its_result(shared: Shared) -> None:
    job = await shared.completed(b"12345", sha256="ab" * 32)
    answer = await shared.api.get(link(job, "/download-url"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    times = [when(body.pop(name)) for name in ("expiresAt", "bundleExpiresAt")]
    url = body.pop("url")
    assert body == {
        "size": 5,
        "checksum": {"algorithm": "crc32", "value": "00000abc"},
        "sha256": "ab" * 32,
        "filename": "bündle.zip",
        "omitted": [],
    }
    assert times[1] - times[0] > timedelta(hours=22)
    async with httpx.AsyncClient() as store:
        got = await store.get(url)
        rest = await store.get(url, headers={"Range": "bytes=3-"})
        other_key = await store.get(url.replace("/2.zip", "/3.zip"))
        other_name = await store.get(url.replace("bndle", "evil").replace("application%2Fzip", "text%2Fhtml"))
        other_method = await store.delete(url)
    assert (got.status_code, got.content) == (200, b"12345")
    assert got.headers["content-type"] == "application/zip"
    assert "filename*=UTF-8''b%C3%BCndle.zip" in got.headers["content-disposition"]
    assert (rest.status_code, rest.content, rest.headers["content-range"]) == (206, b"45", "bytes 3-4/5")
    assert rest.headers["etag"] == got.headers["etag"]
    assert {other_key.status_code, other_name.status_code, other_method.status_code} == {403}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_stable_link_redirects_to_a_link_for_the_same_method(shared: Shared, method: str) -> None:
    job = await shared.completed(b"12345")
    answer = await shared.api.request(method, link(job, "/file"))
    assert answer.status_code == 303
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == b""
    async with httpx.AsyncClient() as store:
        got = await store.request(method, answer.headers["location"])
        wrong = await store.request("HEAD" if method == "GET" else "GET", answer.headers["location"])
    assert (got.status_code, got.headers["content-length"]) == (200, "5")
    assert wrong.status_code == 403


@pytest.mark.parametrize("state", ["queued", "processing", "retrying", "failed", "cancelled"])
async def test_there_is_no_link_before_the_job_completes(shared: Shared, state: str) -> None:
    job = await in_state(shared, state)
    for method, rest in (("GET", "/download-url"), ("GET", "/file"), ("HEAD", "/file")):
        answer = await shared.api.request(method, link(job, rest))
        assert answer.status_code == 409
    assert (await shared.api.get(link(job, "/file"))).json()["error"] == "not_ready"
    refused = await shared.api.delete(link(job, "/bundle"))
    assert (refused.status_code, refused.json()["error"]) == (409, "illegal_transition")


async def test_a_deleted_result_is_expired_and_deleting_it_is_idempotent(shared: Shared) -> None:
    job = await shared.completed()
    for _ in range(2):
        answer = await shared.api.delete(link(job, "/bundle"))
        assert (answer.status_code, answer.content) == (204, b"")
    for rest in ("/download-url", "/file"):
        answer = await shared.api.get(link(job, rest))
        assert (answer.status_code, answer.json()["error"]) == (410, "result_expired")
    assert (await shared.api.get(link(job))).json()["status"] == "expired"


async def test_a_bundle_missing_from_the_store_returns_404(shared: Shared) -> None:
    job = await shared.completed()
    await shared.services.storage.objects.delete([f"bundles/{job.id}/2.zip"])
    for rest in ("/download-url", "/file"):
        answer = await shared.api.get(link(job, rest))
        assert (answer.status_code, answer.json()["error"]) == (404, "result_gone")


async def test_a_changed_source_object_is_not_linked_to(shared: Shared) -> None:
    file_id, job = await source(shared, b"hello")
    assert (await shared.api.get(link(job, "/download-url"))).status_code == 200
    await shared.catalogue.overwrite(file_id, b"other")
    for rest in ("/download-url", "/file"):
        answer = await shared.api.get(link(job, rest))
        assert (answer.status_code, answer.json()["error"]) == (409, "source_changed")
    await shared.catalogue.remove(file_id)
    assert (await shared.api.get(link(job, "/file"))).status_code == 404


@pytest.mark.parametrize(("link_ttl", "bundle_ttl"), [(3600, 100), (50, 100)])
async def test_a_link_expires_no_later_than_its_bundle(shared: Shared, link_ttl: int, bundle_ttl: int) -> None:
    job = await shared.completed(lifetime=bundle_ttl)
    async with serving(with_changes(shared.settings, link_ttl=link_ttl)) as url, httpx.AsyncClient(base_url=url) as api:
        body = (await api.get(link(job, "/download-url"))).json()
    lifetime = int(parse_qs(urlsplit(body["url"]).query)["X-Amz-Expires"][0])
    assert min(link_ttl, bundle_ttl) - 5 < lifetime <= min(link_ttl, bundle_ttl)
    signed = datetime.strptime(parse_qs(urlsplit(body["url"]).query)["X-Amz-Date"][0] + "+0000", "%Y%m%dT%H%M%SZ%z")
    assert abs(when(body["expiresAt"]) - (signed + timedelta(seconds=lifetime))) <= timedelta(seconds=1)
    assert when(body["expiresAt"]) <= when(body["bundleExpiresAt"])


async def test_a_result_is_expired_before_the_sweeper_marks_it(shared: Shared) -> None:
    job = await shared.completed(lifetime=0.001)
    assert (await shared.api.get(link(job, "/download-url"))).status_code == 410
    assert (await shared.api.get(link(job, "/file"))).status_code == 410


async def test_links_use_the_public_endpoint(shared: Shared) -> None:
    job = await shared.completed()
    settings = with_changes(shared.settings, s3_public_endpoint="https://files.example")
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        made = (await api.get(link(job, "/download-url"))).json()["url"]
        location = (await api.get(link(job, "/file"))).headers["location"]
    for found in (made, location):
        assert found.startswith(f"https://files.example/{settings.s3_bucket_name}/bundles/{job.id}/")


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.usefixtures("worker")
async def test_deleting_an_object_result_keeps_the_source(
    api: httpx.AsyncClient, catalogue: Catalogue, services: Any
) -> None:
    file_id = await catalogue.add(b"hello")
    jobs = []
    for body in ({"file_ids": [file_id]}, {"file_ids": [file_id], "archiveName": "a"}):
        job = (await api.post("/v1/download/initiate", json=body)).headers["Location"]
        assert (await ended(api, job))["status"] == "completed"
        assert (await api.delete(f"{job}/bundle")).status_code == 204
        jobs.append(job)
    while [info.key async for info in services.storage.objects.list("bundles/")]:
        await api.get(jobs[1])
    assert [info.key async for info in services.storage.objects.list("")] == [f"files/{file_id}"]
    assert (await api.get(f"{jobs[0]}/download-url")).status_code == 410
    assert (await api.post(f"{jobs[1]}/retry")).status_code == 202
    assert (await ended(api, jobs[1]))["status"] == "completed"
    assert (await api.get(f"{jobs[1]}/file", follow_redirects=True)).status_code == 200
