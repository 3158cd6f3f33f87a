"""The gateway's log, as a process of its own writes it: a JSON line for each request, and nothing secret."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from jobs.settings import Settings
from tests.app.shared import Shared, link
from tests.helpers.settings import CLOSED, with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNREACHABLE = f"postgresql://haulage:very-secret@{CLOSED}/haulage"
PROGRAM = """
from app.server import serve
from jobs.logs import configure_logs
from jobs.settings import Settings

settings = Settings()
configure_logs(settings)
serve(settings)
"""


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as a process gets them."""
    values = {}
    for name, value in settings.model_dump(exclude_none=True).items():
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        values[name.upper()] = ",".join(plain) if isinstance(plain, tuple) else str(plain)
    return os.environ | values


async def started(settings: Settings) -> asyncio.subprocess.Process:
    """A gateway in a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        env=environment_of(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@asynccontextmanager
async def logged(settings: Settings, lines: list[str]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway in a process of its own, which appends to `lines` what it writes."""
    process = await started(settings)
    assert process.stdout is not None
    try:
        while '"gateway_started"' not in (line := (await process.stdout.readline()).decode()):
            assert line, lines
            lines.append(line)
        [url] = json.loads(line)["urls"]
        async with httpx.AsyncClient(base_url=url, timeout=30) as api:
            yield api
    finally:
        process.terminate()
        rest, _ = await process.communicate()
        lines += rest.decode().splitlines()


async def test_each_request_is_logged_as_json_without_secrets(shared: Shared) -> None:
    job = await shared.completed()
    lines: list[str] = []
    asked: list[httpx.Response] = []
    links = []
    async with logged(shared.settings, lines) as api:
        asked.append(await api.post("/v1/download/initiate", json={"file_ids": [10_000]}))
        asked.append(await api.get(link(job, "/download-url")))
        asked.append(await api.get(link(job, "/file?X-Amz-Signature=abc")))
        asked.append(await api.get("/v1/download/jobs", headers={"X-Request-ID": 'a"b\nc'.replace("\n", "")}))
        links += [asked[1].json()["url"], asked[2].headers["location"]]
        await shared.services.storage.objects.delete([f"bundles/{job.id}/2.zip"])
        asked.append(await api.get(link(job, "/download-url")))
        async with shared.services.database.begin() as connection:
            await connection.execute(text("ALTER TABLE stored_files RENAME TO hidden_files"))
        asked.append(await api.get("/v1/download/files"))
        async with shared.services.database.begin() as connection:
            await connection.execute(text("ALTER TABLE hidden_files RENAME TO stored_files"))
    written: list[dict[str, Any]] = [json.loads(line) for line in lines]
    requests = [line for line in written if line["event"] == "request"]
    assert [line["request_id"] for line in requests] == [answer.headers["x-request-id"] for answer in asked]
    assert [line["status"] for line in requests] == [202, 200, 303, 200, 404, 500]
    assert [(line["method"], line["path"]) for line in requests[:2]] == [
        ("POST", "/v1/download/initiate"),
        ("GET", link(job, "/download-url")),
    ]
    assert all(line["ms"] >= 0 and line["level"] == "info" and line["timestamp"] for line in requests)
    [created] = [line for line in written if line["event"] == "job_created"]
    assert created["request_id"] == asked[0].headers["x-request-id"]
    assert UUID(created["job_id"])
    [broke] = [line for line in written if line["event"] == "request_failed"]
    assert "stored_files" in broke["exception"]
    assert broke["request_id"] == asked[-1].headers["x-request-id"]
    assert_nothing_secret(shared.settings, lines, links)


async def test_health_checks_are_logged_only_if_they_find_something(shared: Shared) -> None:
    paths = ["/health/live", "/health/ready", "/health"]
    lines: list[str] = []
    async with logged(with_changes(shared.settings, database_url=UNREACHABLE), lines) as api:
        found = [(await api.get(path)).status_code for path in paths]
    assert found == [200, 503, 503]
    assert paths_in(lines) == paths[1:]
    for level, seen in (("info", []), ("debug", paths[:2])):
        lines.clear()
        async with logged(with_changes(shared.settings, log_level=level), lines) as api:
            assert [(await api.get(path)).status_code for path in paths[:2]] == [200, 200]
        assert paths_in(lines) == seen


def paths_in(lines: list[str]) -> list[str]:
    """The paths of the requests that were logged."""
    written = [json.loads(line) for line in lines]
    return [line["path"] for line in written if line["event"] == "request"]


async def test_errors_of_dependencies_are_logged_without_secrets(shared: Shared) -> None:
    job = await shared.completed()
    lines: list[str] = []
    settings = with_changes(
        shared.settings,
        database_url=UNREACHABLE,
        redis_url=f"redis://:very-secret@{CLOSED}/0",
    )
    async with logged(settings, lines) as api:
        await api.get(link(job))
        await api.get("/health")
    lines_of_store: list[str] = []
    async with logged(with_changes(shared.settings, s3_endpoint=f"http://{CLOSED}"), lines_of_store) as api:
        await api.get(link(job, "/download-url"))
    for written in (lines, lines_of_store):
        assert 503 in [json.loads(line).get("status") for line in written]
        assert_nothing_secret(settings, written, ["very-secret"])


async def test_a_port_in_use_is_logged(shared: Shared) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = await started(with_changes(shared.settings, port=port))
        written, _ = await process.communicate()
    assert process.returncode not in {0, None}
    assert b"Traceback" not in written
    [said] = [line for line in map(json.loads, written.splitlines()) if line["level"] == "error"]
    assert said["event"] == "listen_failed"
    assert said["reason"] == f"can't listen on http://127.0.0.1:{port}: Address already in use"


def assert_nothing_secret(settings: Settings, lines: list[str], more: list[str]) -> None:
    """Neither the settings' secrets nor a signature is in the log."""
    log = "\n".join(lines)
    secrets = [settings.s3_secret_access_key.get_secret_value(), make_url(settings.database_url).password, *more]
    assert [secret for secret in secrets if secret and secret in log] == []
    assert "Signature" not in log
