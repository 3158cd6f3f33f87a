"""POST /v1/download/check: what is there, and exactly how large the result would be."""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest

from tests.app.shared import Shared
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import ended

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def check(api: httpx.AsyncClient, **body: Any) -> Any:
    answer = await api.post("/v1/download/check", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_check_reports_whether_a_file_exists(shared: Shared) -> None:
    there = await shared.catalogue.add(b"12345", "a.txt")
    gone = await shared.catalogue.add(b"1")
    await shared.catalogue.remove(gone)
    await shared.services.storage.objects.put("54321.zip", b"123", "application/zip")
    found = {"file_id": there, "available": True, "s3Key": f"files/{there}", "size": 5}
    assert await check(shared.api, file_id=there) == found
    template = {"file_id": 54_321, "available": True, "s3Key": "54321.zip", "size": 3}
    assert await check(shared.api, file_id=54_321) == template
    for missing in (gone, 77_777):
        nothing = {"file_id": missing, "available": False, "s3Key": None, "size": None}
        assert await check(shared.api, file_id=missing) == nothing


async def test_a_preflight_check_writes_nothing(shared: Shared) -> None:
    there, before = await shared.catalogue.add(b"12345", "a.txt"), await shared.rows()
    body: dict[str, Any] = {"file_ids": [there, 77_777], "archiveName": "a"}
    strict = await check(shared.api, **body)
    assert (strict["kind"], strict["wouldFail"], strict["resultBytes"]) == ("bundle", True, None)
    assert strict["resultBytesAtMost"] is None
    assert (strict["filesTotal"], strict["filesAvailable"], strict["totalBytes"]) == (2, 1, 5)
    assert strict["missing"] == [77_777]
    assert strict["files"] == [
        {"file_id": there, "name": "a.txt", "available": True, "size": 5, "reason": None},
        {"file_id": 77_777, "name": "77777.zip", "available": False, "size": None, "reason": "no such file"},
    ]
    lenient = await check(shared.api, **body, onMissing="skip")
    assert (lenient["wouldFail"], lenient["missing"]) == (False, [77_777])
    assert lenient["resultBytes"] == lenient["resultBytesAtMost"] > 5
    assert (await check(shared.api, file_ids=[77_777], onMissing="skip"))["wouldFail"]
    one = await check(shared.api, file_ids=[there])
    assert (one["kind"], one["resultBytes"], one["resultBytesAtMost"]) == ("object", 5, 5)
    assert await check(shared.api, file_ids=[there], compression="deflate") == one
    assert await shared.rows() == before


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.usefixtures("worker")
async def test_the_predicted_size_is_the_size_of_the_bundle(api: httpx.AsyncClient, catalogue: Catalogue) -> None:
    ids = [await catalogue.add(b"x" * size, "grüße.txt", sha256=None) for size in (0, 7, 300_000)]
    body = {"files": [{"file_id": ids[0], "name": "f/a"}, *({"file_id": i} for i in ids[1:]), {"file_id": 77_777}]}
    foretold = await check(api, **body, onMissing="skip")
    answer = await api.post("/v1/download/initiate", json=body | {"onMissing": "skip"})
    status = await ended(api, answer.headers["Location"])
    assert status["result"]["size"] == foretold["resultBytes"]
    names = [file["name"] for file in foretold["files"]]
    assert names == [file["name"] for file in status["files"]] == ["f/a", "grüße.txt", "grüße (2).txt", "77777.zip"]


@pytest.mark.asyncio(loop_scope="function")
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("shrinks", [True, False])
async def test_a_deflated_bundle_is_never_larger_than_predicted(
    api: httpx.AsyncClient, catalogue: Catalogue, *, shrinks: bool
) -> None:
    data = bytes(3_000_000) if shrinks else os.urandom(3_000_000)
    ids = [await catalogue.add(data[:size], "grüße.txt", crc32=None) for size in (0, 7, 3_000_000)]
    body = {"file_ids": ids, "compression": "deflate"}
    foretold = await check(api, **body)
    assert foretold["resultBytes"] is None
    answer = await api.post("/v1/download/initiate", json=body)
    status = await ended(api, answer.headers["Location"])
    assert status["compression"] == "deflate"
    assert status["result"]["size"] <= foretold["resultBytesAtMost"]
    assert (status["result"]["size"] < 100_000) == shrinks


async def test_a_file_that_contradicts_the_catalogue_is_reported(shared: Shared) -> None:
    wrong = await shared.catalogue.add(b"12345", size=6)
    answer = await shared.api.post("/v1/download/check", json={"file_id": wrong})
    assert (answer.status_code, answer.json()["error"]) == (502, "checksum_mismatch")
