"""Fixtures of the conformance tests: a server, and two small jobs on it that were followed from start to end.

`pytest tests/conformance --server URL` tests a running server, with the API key of HAULAGE_TOKEN if there is one. Without
`--server` the tests run against a gateway and a worker of their own.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

import pytest
from anyio.from_thread import start_blocking_portal

from jobs.settings import Settings
from tests.conformance.job import Followed, JobUnderTest, remove_job, start_job
from tests.conformance.raw_client import ProtocolViolation, RawClient
from tests.conformance.recordings import Recorder, has_ended
from tests.helpers.catalogue import Catalogue
from tests.helpers.databases import fresh_database
from tests.helpers.installations import fresh_settings, with_services
from tests.helpers.running import serving, working

_FILE_COUNT = 3
_MAX_FILE_SIZE = 64 << 20
"""Bytes of a file that is chosen without `--file-id`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("haulage", "conformance tests of a Haulage server")
    group.addoption("--server", metavar="URL", help="The server to test. Default: a gateway and a worker of the tests.")
    group.addoption(
        "--file-id",
        type=int,
        action="append",
        metavar="ID",
        help="A file for the jobs; may be repeated. Default: the smallest files of the catalogue.",
    )
    group.addoption(
        "--job-timeout", type=float, default=60.0, metavar="SECONDS", help="How long the jobs may take. Default: 60."
    )


def _option(config: pytest.Config, name: str, default: Any = None) -> Any:
    """Returns an option's value; `default` when pytest loaded this file too late to parse its options."""
    return config.getoption(name, default)


def _scope(fixture_name: str, config: pytest.Config) -> Literal["module", "session"]:
    """A server that was named gets two jobs a session. The tests' own must not outlive a module: others need its Redis."""
    del fixture_name
    return "session" if _option(config, "--server") else "module"


@dataclass(frozen=True)
class Server:
    """The server under test. `start_worker` does nothing where the server has workers of its own."""

    url: str
    start_worker: Callable[[], object]
    token: str | None = None


@asynccontextmanager
async def _gateway(template: str, environment: dict[str, str]) -> AsyncIterator[tuple[str, Settings]]:
    """A gateway with three files in its catalogue, and its settings."""
    async with fresh_database(template) as database_url:
        settings = await fresh_settings(database_url, environment)
        async with with_services(settings) as services:
            for size in (10, 3_000_000, 1_000_000):
                await Catalogue(services).add(os.urandom(size), f"{size}.bin")
            async with serving(settings) as url:
                yield url, settings


@pytest.fixture(scope=_scope)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    url = _option(request.config, "--server")
    if url is not None:
        yield Server(url, lambda: None, os.environ.get("HAULAGE_TOKEN"))
        return
    gateway = _gateway(request.getfixturevalue("template"), request.getfixturevalue("environment"))
    with start_blocking_portal() as portal, ExitStack() as running:
        url, settings = running.enter_context(portal.wrap_async_context_manager(gateway))
        worker = portal.wrap_async_context_manager(working(settings))
        yield Server(url, lambda: running.enter_context(worker))


@pytest.fixture(scope=_scope)
def client(server: Server) -> Iterator[RawClient]:
    """A client of the server under test."""
    client = RawClient(server.url, server.token)
    yield client
    client.close()


@pytest.fixture(scope=_scope)
def job_ids(client: RawClient, request: pytest.FixtureRequest) -> Iterator[Sequence[UUID]]:
    """Two jobs for the same files, just started. They are cancelled, and their bundles removed, afterwards."""
    file_ids = _option(request.config, "--file-id") or _smallest_files(client)
    started = [start_job(client, file_ids) for _ in range(2)]
    yield started
    for job_id in started:
        remove_job(client, job_id)


def _smallest_files(client: RawClient) -> list[int]:
    try:
        response = client.request("/v1/download/files?limit=200")
        if response.status == HTTPStatus.UNAUTHORIZED:
            pytest.exit(f"{client.server} lets nobody in without a key: set HAULAGE_TOKEN to one.", returncode=4)
        files = response.json["files"]
    except (ProtocolViolation, KeyError) as error:
        pytest.exit(f"{client.server} is not a Haulage server, or not running: {error}", returncode=4)
    small = sorted((file["size"], file["id"]) for file in files if file["size"] <= _MAX_FILE_SIZE)
    if not small:
        pytest.exit("There is no small file in the catalogue: name some with --file-id.", returncode=4)
    return [file_id for _, file_id in small[:_FILE_COUNT]]


@pytest.fixture(scope=_scope)
def followed(server: Server, client: RawClient, job_ids: Sequence[UUID], request: pytest.FixtureRequest) -> Followed:
    """The jobs, and the recordings of how they were followed."""
    recorder = Recorder(client, job_ids, timeout=_option(request.config, "--job-timeout", 60.0))
    with ThreadPoolExecutor(1) as background:
        recording = background.submit(recorder.run)
        recorder.wait_until_unfollowed()
        server.start_worker()
        recordings, unfollowed = recording.result()
    first, second = job_ids
    try:
        final = client.request(f"/v1/download/job/{first}?since=0").json
    except ProtocolViolation:
        final = {}
    return Followed(JobUnderTest(first, second, final), recordings, unfollowed)


@pytest.fixture(scope=_scope)
def job(followed: Followed) -> JobUnderTest:
    """The first job, whether or not it has ended."""
    return followed.job


@pytest.fixture(scope=_scope)
def ended_job(job: JobUnderTest) -> JobUnderTest:
    """The first job. The test is skipped if it has not ended, which one test reports as a failure."""
    if not has_ended(job.final):
        pytest.skip("the job has not ended")
    return job
