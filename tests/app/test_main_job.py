"""The main job, end to end, as a client of the API sees it."""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from typing import Any

import httpx
import pytest

from tests.helpers.bundles import opened
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import ended

pytestmark = pytest.mark.usefixtures("worker")


async def initiate(api: httpx.AsyncClient, **body: Any) -> str:
    answer = await api.post("/v1/download/initiate", json=body)
    assert answer.status_code == 202, answer.text
    location: str = answer.headers["Location"]
    return location


async def test_many_files_become_one_bundle_with_one_link(api: httpx.AsyncClient, catalogue: Catalogue) -> None:
    contents = [os.urandom(size) for size in (0, 1, 100_000, 9_000_000, 20_000_000)]
    ids = [await catalogue.add(data, f"file {number}.bin") for number, data in enumerate(contents)]
    job = await initiate(api, file_ids=ids, archiveName="all of it")
    status = await ended(api, job)
    assert status["status"] == "completed", status
    assert status["progress"]["percent"] == 100
    assert status["progress"]["filesDone"] == 5
    assert [file["status"] for file in status["files"]] == ["done"] * 5
    link = (await api.get(f"{job}/download-url")).json()
    assert link["filename"] == "all of it.zip"
    async with httpx.AsyncClient() as store:
        got = await store.get(link["url"])
        part = await store.get(link["url"], headers={"Range": "bytes=1000000-1000099"})
    assert got.headers["content-disposition"] == 'attachment; filename="all of it.zip"'
    assert got.headers["content-type"] == "application/zip"
    assert part.status_code == 206
    assert part.content == got.content[1_000_000:1_000_100]
    assert len(got.content) == link["size"]
    assert link["checksum"] == {"algorithm": "crc32", "value": f"{zlib.crc32(got.content):08x}"}
    files = opened(got.content)
    assert list(files)[-1] == "manifest.json"
    manifest = json.loads(files.pop("manifest.json"))
    assert list(files.values()) == contents
    assert [entry["crc32"] for entry in manifest["files"]] == [f"{zlib.crc32(data):08x}" for data in contents]


async def test_one_file_without_an_archive_name_needs_no_archive(api: httpx.AsyncClient, catalogue: Catalogue) -> None:
    file_id = await catalogue.add(b"hello", "grüße.txt", content_type="text/plain")
    job = await initiate(api, file_ids=[file_id])
    status = await ended(api, job)
    assert status["result"]["kind"] == "object"
    answer = await api.get(f"{job}/file", follow_redirects=True)
    assert answer.content == b"hello"
    assert answer.headers["content-type"] == "text/plain"
    assert "filename*=UTF-8''gr%C3%BC%C3%9Fe.txt" in answer.headers["content-disposition"]


async def test_a_job_with_missing_files_fails_and_reports_them_all(
    api: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    there = await catalogue.add(b"x")
    gone = await catalogue.add(b"y")
    await catalogue.remove(gone)
    status = await ended(api, await initiate(api, file_ids=[there, gone, 77_777, 88_888]))
    assert status["status"] == "failed"
    assert status["error"]["class"] == "validation"
    for file_id in (gone, 77_777, 88_888):
        assert str(file_id) in status["error"]["message"]
    assert [file["status"] for file in status["files"]] == ["pending", "failed", "failed", "failed"]
    assert status["attempt"] == 1


async def test_a_job_that_skips_missing_files_reports_them_everywhere(
    api: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    there = await catalogue.add(b"x", "x.txt")
    job = await initiate(api, file_ids=[there, 77_777], onMissing="skip")
    status = await ended(api, job)
    assert status["status"] == "completed"
    assert status["progress"]["filesOmitted"] == 1
    assert status["files"][1]["status"] == "omitted"
    omitted = {"fileId": 77_777, "name": "77777.zip", "reason": "no such file"}
    assert status["result"]["omitted"] == [omitted]
    assert (await api.get(f"{job}/download-url")).json()["omitted"] == [omitted]
    files = opened((await api.get(f"{job}/file", follow_redirects=True)).content)
    assert json.loads(files["manifest.json"])["omitted"] == [omitted]
    assert set(files) == {"x.txt", "manifest.json"}


async def test_a_job_whose_files_are_all_missing_fails_despite_skip(api: httpx.AsyncClient) -> None:
    status = await ended(api, await initiate(api, file_ids=[77_777], onMissing="skip"))
    assert status["status"] == "failed"


async def test_a_file_outside_the_catalogue_is_found_by_its_template_key(api: httpx.AsyncClient, services: Any) -> None:
    await services.storage.objects.put("54321.zip", b"PK-not-really", "application/zip")
    job = await initiate(api, file_ids=[54_321], archiveName="a")
    assert (await ended(api, job))["status"] == "completed"
    files = opened((await api.get(f"{job}/file", follow_redirects=True)).content)
    assert files["54321.zip"] == b"PK-not-really"


async def test_names_are_made_unique_and_cannot_leave_the_folder(api: httpx.AsyncClient, catalogue: Catalogue) -> None:
    ids = [await catalogue.add(b"%d" % n, "a.pdf") for n in range(3)]
    names = ["../../etc/passwd", "/abs\u202efdp.exe", None]
    items = [{"file_id": i, "name": n} if n else {"file_id": i} for i, n in zip(ids, names, strict=True)]
    other = await catalogue.add(b"3", "a.pdf")
    job = await initiate(api, files=[*items, {"file_id": other, "name": "A.pdf"}])
    assert (await ended(api, job))["status"] == "completed"
    files = opened((await api.get(f"{job}/file", follow_redirects=True)).content)
    assert list(files)[:4] == ["etc/passwd", "absfdp.exe", "a.pdf", "A (2).pdf"]


async def test_a_wrong_checksum_in_the_catalogue_fails_the_job_after_its_attempts(
    api: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    good = await catalogue.add(b"good")
    bad = await catalogue.add(b"bad", sha256="0" * 64)
    status = await ended(api, await initiate(api, file_ids=[good, bad]))
    assert status["status"] == "failed"
    assert status["error"]["class"] == "storage"
    assert "SHA-256" in status["error"]["message"]
    assert status["attempt"] == 3


@pytest.mark.parametrize("size", [5, 30_000_000])
async def test_files_without_any_checksum_are_packed(api: httpx.AsyncClient, catalogue: Catalogue, size: int) -> None:
    contents = [os.urandom(size), os.urandom(1_000), os.urandom(size)]
    ids = [await catalogue.add(data, f"{n}", crc32=None, sha256=None) for n, data in enumerate(contents)]
    job = await initiate(api, file_ids=ids)
    assert (await ended(api, job))["status"] == "completed"
    files = opened((await api.get(f"{job}/file", follow_redirects=True)).content)
    assert list(files.values())[:3] == contents


async def test_progress_never_goes_back_and_ends_at_100(api: httpx.AsyncClient, catalogue: Catalogue) -> None:
    ids = [await catalogue.add(os.urandom(4_000_000)) for _ in range(10)]
    job = await initiate(api, file_ids=ids)
    seen: list[dict[str, Any]] = []
    etag = ""
    while not seen or seen[-1]["status"] != "completed":
        answer = await api.get(job, headers={"Prefer": "wait=10", "If-None-Match": etag})
        if answer.status_code == 200:
            seen.append(answer.json())
            etag = answer.headers["ETag"]
    orders = [(status["seq"], status["tick"]) for status in seen]
    assert orders == sorted(orders)
    percents = [status["progress"]["percent"] for status in seen if status["progress"]["percent"] is not None]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert all(percent < 100 for percent in percents[:-1])


async def test_many_concurrent_jobs_all_complete(api: httpx.AsyncClient, catalogue: Catalogue) -> None:
    ids = [await catalogue.add(os.urandom(1_000_000)) for _ in range(3)]
    jobs = [await initiate(api, file_ids=ids) for _ in range(20)]
    statuses = await asyncio.gather(*(ended(api, job) for job in jobs))
    assert {status["status"] for status in statuses} == {"completed"}
