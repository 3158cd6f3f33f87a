"""`haulage jobs`."""

from __future__ import annotations

import httpx
import pytest

from jobs.engine.jobs import Status
from jobs.services import Services
from tests.app.cli.processes import Cli, unpadded
from tests.app.cli.store_proxy import BUSY, Proxy
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, ended, read
from tests.jobs.storage.faults import responding, serving

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_jobs_are_listed_newest_first(cli: Cli, services: Services) -> None:
    first = await create(services, 10000, archive_name="one.zip")
    second = await create(services, 10001, 10002, archive_name=None)
    titles, *lines = unpadded(await cli("jobs", "list"))
    assert titles.split() == ["JOB", "STATUS", "DONE", "FILES", "SIZE", "CREATED", "NAME"]
    assert [line.split()[0] for line in lines] == [str(second.id), str(first.id)]
    assert [line.rpartition("  ")[2] for line in lines] == ["10001.zip and 1 more", "one.zip"]
    page = (await cli("jobs", "list", "--limit", "1", "--status", "queued", "--json")).json
    assert [job["jobId"] for job in page["jobs"]] == [str(second.id)]
    assert page["nextCursor"]


@pytest.mark.usefixtures("worker")
async def test_a_job_is_shown_with_its_files_and_their_errors(
    cli: Cli, catalogue: Catalogue, services: Services, api: httpx.AsyncClient
) -> None:
    job = await create(services, await catalogue.add(b"hello", "[red]größe.txt"), 99999)
    await ended(api, f"/v1/download/job/{job.id}")
    done = await cli("jobs", "show", job.id)
    assert done.code == 0, done.error
    facts = dict(line.split(maxsplit=1) for line in done.out.split("\n\n")[0].splitlines())
    assert facts["Job"] == str(job.id)
    assert facts["Status"].startswith("failed")
    assert facts["Error"] == "1 of 2 files is missing: 99999 (no such file). Remove it, or skip missing files."
    assert facts["Class"] == "validation"
    assert unpadded(done)[-1].endswith("  Missing: no such file.")
    assert any(line.endswith("  [red]größe.txt") for line in unpadded(done))
    assert (await cli("jobs", "show", job.id, "--json")).json["files"][1]["fileId"] == 99999


async def test_a_job_is_cancelled_and_queued_again(cli: Cli, services: Services) -> None:
    job = await create(services, 10000)
    assert (await cli("jobs", "cancel", job.id)).out == f"Job {job.id} was cancelled.\n"
    assert (await cli("jobs", "cancel", job.id, "--json")).json["status"] == "cancelled"
    assert (await cli("jobs", "retry", job.id)).out == f"Job {job.id} was queued again.\n"
    assert (await read(services, job.id)).status is Status.QUEUED


@pytest.mark.parametrize(
    ("command", "job_id", "code", "said"),
    [
        ("show", UNKNOWN, 4, f"haulage: There is no job {UNKNOWN}."),
        ("show", "../files", 2, "JOB_ID"),
        ("retry", UNKNOWN, 4, f"haulage: There is no job {UNKNOWN}."),
        ("cancel", UNKNOWN, 4, f"haulage: There is no job {UNKNOWN}."),
    ],
)
async def test_a_wrong_id_has_its_exit_code(cli: Cli, command: str, job_id: str, code: int, said: str) -> None:
    done = await cli("jobs", command, job_id)
    assert (done.code, done.out) == (code, "")
    assert said in done.error


async def test_what_the_state_does_not_allow_exits_with_5(cli: Cli, services: Services) -> None:
    job = await create(services, 10000)
    done = await cli("jobs", "retry", job.id)
    assert done.code == 5
    assert done.error.startswith(f"haulage: Job {job.id} is queued")


async def test_another_http_server_is_reported_as_such(bare_cli: Cli, environment: dict[str, str]) -> None:
    done = await bare_cli("jobs", "list", "--server", environment["S3_ENDPOINT"])
    assert done.code == 1
    assert "is it a Haulage server?" in done.error


@pytest.mark.parametrize(
    ("status", "content_type", "body", "message"),
    [
        ("200 OK", "text/html", b"<!doctype html>", "{} responded with text/html: is it a Haulage server?"),
        ("200 OK", "application/json", b'{"a": 1}', "The server's response is not the expected one"),
        ("200 OK", "application/json", b"{", "The server's response is not the expected one"),
        ("302 Found", "text/html", b"", "{} redirects to https://login.example/: use that URL if it is the Haulage"),
    ],
)
@pytest.mark.parametrize("command", [["jobs", "list"], ["dead", "list"], ["download", "10000"]])
async def test_a_response_of_something_else_is_reported_in_a_sentence(
    bare_cli: Cli, command: list[str], status: str, content_type: str, body: bytes, message: str
) -> None:
    other = responding(status, body, Content_Type=content_type, Location="https://login.example/")
    async with serving(other) as url:
        done = await bare_cli(*command, "--server", url)
    assert (done.code, done.out) == (1, "")
    assert done.error.startswith(f"haulage: {message.format(url)}")
    assert len(done.error.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://h?x=1", "The URL of the server must not contain ? or #: 'http://h?x=1'"),
        ("http://h/#top", "The URL of the server must not contain ? or #: 'http://h/#top'"),
        ("http://me:hidden@h", "The URL of the server must not contain a user name or password."),
        ("http://me:hidden@h:99999", "The URL of the server must not contain a user name or password."),
        *(
            (url, f"{url!r} is not the URL of a server, like http://127.0.0.1:8080")
            for url in (
                "nonsense",
                "localhost:8080",
                "ftp://h",
                "http://",
                "http://h:99999",
                "http://h:x",
                "http://[::1",
            )
        ),
    ],
)
async def test_a_wrong_url_of_a_server_is_reported_in_a_sentence(bare_cli: Cli, url: str, message: str) -> None:
    done = await bare_cli("jobs", "list", "--server", url)
    assert (done.code, done.out, done.error) == (2, "", f"haulage: {message}\n")


async def test_the_url_of_a_server_may_have_a_path_and_a_slash_at_its_end(
    bare_cli: Cli, environment: dict[str, str]
) -> None:
    async with Proxy(environment["S3_ENDPOINT"], [BUSY] * 9).running() as proxy:
        await bare_cli("jobs", "list", "--server", f" {proxy.url}/haulage/ ")
    assert proxy.requests[0].startswith("GET /haulage/v1/download/jobs?")
