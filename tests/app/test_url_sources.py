"""URLs in POST /v1/download/initiate: which are accepted, what is said of the others, and who sees them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from jobs.settings import Settings
from tests.app.shared import Shared
from tests.helpers.jobs import ended
from tests.helpers.running import serving, working
from tests.helpers.settings import with_changes
from tests.helpers.sources import hosting, responding

URL = "https://files.example/a.bin?token=hush"


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"url_sources": "on", "egress_allow": ("127.0.0.1",)}


async def initiate(api: httpx.AsyncClient, *files: Any, **more: Any) -> httpx.Response:
    return await api.post("/v1/download/initiate", json={"files": list(files), **more})


def problems(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 400, response.text
    assert "hush" not in response.text
    return {one["field"]: one["message"] for one in response.json()["errors"]}


@pytest.mark.asyncio(loop_scope="module")
async def test_urls_are_refused_unless_they_are_switched_on(shared: Shared) -> None:
    before = await shared.rows()
    found = problems(await initiate(shared.api, {"file_id": 10_000}, {"url": URL, "name": "a.bin"}))
    assert list(found) == ["files[1].url"]
    assert "URL_SOURCES" in found["files[1].url"]
    assert await shared.rows() == before


@pytest.mark.asyncio(loop_scope="module")
async def test_every_wrong_field_of_a_url_is_named(shared: Shared) -> None:
    wrong = [
        {"url": "ftp://files.example/?hush", "name": "a"},
        {"url": "https://user:hush@files.example/", "name": "a"},
        {"url": "https://files.example:99999/?hush", "name": "a"},
        {"url": f"https://files.example/?hush{'x' * 3000}", "name": "a"},
        {"url": "not a URL hush", "name": "a"},
        {"url": 5, "name": "a"},
        {"url": "https://files.example/1"},
        {"url": "https://files.example/2", "name": "", "sha256": "abc"},
        {"url": "https://files.example/3", "name": "a", "file_id": 10_000},
        {"url": "https://files.example/4?hush", "name": "a"},
        {"url": "https://files.example/4?hush", "name": "b"},
        {"name": "a"},
        {"file_id": 10_001, "sha256": "0" * 64},
        {"url": "https://a[b/?hush", "name": "a"},
    ]
    found = problems(await initiate(shared.api, *wrong))
    assert set(found) == {
        *(f"files[{index}].url" for index in (0, 1, 2, 3, 4, 5, 10, 13)),
        *("files[6].name", "files[7].name", "files[7].sha256", "files[8].file_id", "files[11].file_id"),
        "files[12].sha256",
    }
    assert found["files[1].url"] == "The URL must not contain a user name or a password."
    assert found["files[7].sha256"] == "must be a SHA-256 of 64 hexadecimal digits, not 'abc'"
    assert found["files[10].url"] == "is repeated"
    assert found["files[11].file_id"] == "is required"


@pytest.mark.asyncio(loop_scope="module")
async def test_the_preflight_check_knows_no_urls(shared: Shared) -> None:
    body = {"files": [{"file_id": 10_000}, {"url": URL, "name": "a.bin"}]}
    found = problems(await shared.api.post("/v1/download/check", json=body))
    assert found == {"files[1].url": "can't be checked before it is fetched: send only ids of files"}


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.2/a?hush", "not public"),
        ("https://169.254.169.254/a?hush", "not public"),
        ("http://1.1.1.1/a?hush", "must start with https://"),
    ],
)
async def test_hosts_that_may_not_be_reached_are_refused_at_once(api: httpx.AsyncClient, url: str, reason: str) -> None:
    found = problems(await initiate(api, {"url": "http://127.0.0.1/", "name": "a"}, {"url": url, "name": "b"}))
    assert list(found) == ["files[1].url"]
    assert reason in found["files[1].url"]


async def test_only_the_database_has_the_query_of_a_url(
    settings: Settings, api: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    async with hosting(b"here") as good, hosting(b"") as gone:
        gone.otherwise = responding(302, f"Location: {gone.url}&more", "Content-Length: 0")
        files = [{"url": f"{good.url}#part", "name": "good.bin"}, {"url": gone.url, "name": "gone.bin"}]
        response = await initiate(api, *files, onMissing="skip")
        assert response.status_code == 202, response.text
        job = response.json()["links"]["self"]
        async with working(settings):
            status = await ended(api, job)
    assert status["status"] == "completed"
    assert [(file["fileId"], file["name"], file["status"]) for file in status["files"]] == [
        (0, "good.bin", "done"),
        (0, "gone.bin", "omitted"),
    ]
    assert [one["fileId"] for one in status["result"]["omitted"]] == [0]
    assert good.requests[0].path == "/file?token=hush"
    history = (await api.get(f"{job}/history")).json()
    listed = (await api.get("/v1/download/jobs")).json()
    logs = capfd.readouterr()
    assert "hush" not in json.dumps([status, history, listed]) + logs.out + logs.err


async def test_the_same_urls_with_the_same_key_are_the_same_job(settings: Settings, api: httpx.AsyncClient) -> None:
    def body(url: str) -> dict[str, Any]:
        return {"json": {"files": [{"url": url, "name": "a"}]}, "headers": {"Idempotency-Key": "order-1"}}

    first = await api.post("/v1/download/initiate", **body("http://127.0.0.1/a"))
    again = await api.post("/v1/download/initiate", **body("http://127.0.0.1/a"))
    other = await api.post("/v1/download/initiate", **body("http://127.0.0.1/b"))
    assert (again.json()["jobId"], other.status_code) == (first.json()["jobId"], 422)
    async with serving(with_changes(settings, url_sources="off")) as url, httpx.AsyncClient(base_url=url) as later:
        repeated = await later.post("/v1/download/initiate", **body("http://127.0.0.1/a"))
        assert (repeated.status_code, repeated.json().get("jobId")) == (202, first.json()["jobId"])


async def test_a_host_that_is_not_known_now_is_left_to_the_workers(api: httpx.AsyncClient) -> None:
    response = await initiate(api, {"url": "https://nobody.invalid/a?hush", "name": "a"})
    assert response.status_code == 202, response.text
