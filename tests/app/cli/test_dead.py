"""`haulage dead`."""

from __future__ import annotations

import httpx
import pytest

from jobs.engine.jobs import Status
from jobs.errors import ErrorClass
from jobs.services import Services
from tests.app.cli.processes import Cli, unpadded
from tests.helpers.jobs import create, dead, read, read_job, until_dead
from tests.helpers.uploads import completed
from tests.jobs.processing.attempts import uploaded

UNKNOWN = "00000000-0000-4000-8000-000000000000"
DEAD = "/v1/download/dead"


async def test_dead_jobs_are_listed_the_most_recent_first(cli: Cli, services: Services) -> None:
    first = await dead(services, archive_name="[red]one.zip")
    await dead(services, ErrorClass.VALIDATION)
    second = await dead(services, ErrorClass.STORAGE)
    titles, *lines = unpadded(await cli("dead", "list"))
    assert titles.split() == ["JOB", "KIND", "DIED", "ATTEMPTS", "ERROR", "NAME"]
    assert [line.split()[0] for line in lines] == [str(second.id), str(first.id)]
    assert "3 of 3" in lines[0]
    assert "storage: attempt 3 went wrong" in lines[0]
    assert "[red]one.zip" in lines[1]
    page = (await cli("dead", "list", "--limit", "1", "--json")).json
    assert [job["jobId"] for job in page["jobs"]] == [str(second.id)]
    assert page["nextCursor"]


async def test_a_dead_job_is_shown_with_its_history(cli: Cli, services: Services) -> None:
    job = await dead(services)
    done = await cli("dead", "show", job.id)
    assert done.code == 0, done.error
    facts, _, history = "\n".join(unpadded(done)).partition("\n\n")
    assert facts.startswith(f"Job       {job.id}\nName      bundle.zip\nStatus    failed")
    titles, *steps = history.splitlines()
    assert titles.split() == ["AT", "COMMAND", "FROM", "TO", "ATTEMPT", "ERROR"]
    assert [step.split()[2] for step in steps] == ["create", *["claim", "fail"] * 3]
    assert steps[-1].endswith("network: attempt 3 went wrong")
    shown = (await cli("dead", "show", job.id, "--json")).json
    assert shown["job"]["status"] == "failed"
    assert [(step["from"], step["to"]) for step in shown["transitions"]][-1] == ("processing", "failed")


async def test_dead_jobs_of_all_kinds_are_listed_shown_retried_and_deleted(cli: Cli, services: Services) -> None:
    download = await dead(services)
    upload = await until_dead(services, await completed(services, b"text", "notes.txt"))
    image = await until_dead(services, (await uploaded(services))[1])
    _, *lines = unpadded(await cli("dead", "list"))
    assert [line.split()[:2] for line in lines] == [[str(job.id), job.kind.value] for job in (image, upload, download)]
    shown = await cli("dead", "show", image.id)
    assert shown.code == 0, shown.error
    assert {"Name      holiday.jpg", "Kind      image"} <= set(unpadded(shown))
    assert "Name      notes.txt" in unpadded(await cli("jobs", "show", upload.id))
    assert len((await cli("dead", "retry", "--all", "--json")).json["done"]) == 3
    for job in (download, upload, image):
        queued = await read_job(services, job.id)
        assert queued.status is Status.QUEUED
        await until_dead(services, queued)
    assert len((await cli("dead", "delete", "--all", "--json")).json["done"]) == 3
    assert unpadded(await cli("dead", "list"))[1:] == []


async def test_some_are_retried_and_all_others_deleted(cli: Cli, services: Services, api: httpx.AsyncClient) -> None:
    jobs = [await dead(services) for _ in range(4)]
    assert (await cli("dead", "retry", jobs[0].id)).out == f"Job {jobs[0].id} was queued again.\n"
    assert (await cli("dead", "retry", jobs[1].id, "--json")).json == {"done": [str(jobs[1].id)], "refused": []}
    assert [(await read(services, job.id)).status for job in jobs[:2]] == [Status.QUEUED] * 2
    done = await cli("dead", "delete", "--all")
    assert (done.code, sorted(done.out.splitlines())) == (0, sorted(f"Job {job.id} was deleted." for job in jobs[2:]))
    assert (await api.get(DEAD)).json()["jobs"] == []
    nothing = await cli("dead", "retry", "--all")
    assert (nothing.code, nothing.out, nothing.error) == (0, "", "There are no dead jobs.\n")
    assert (await cli("dead", "delete", "--all", "--json")).json == {"done": [], "refused": []}


async def test_all_that_are_dead_are_retried(cli: Cli, services: Services) -> None:
    jobs = [await dead(services) for _ in range(3)]
    failed = await dead(services, ErrorClass.VALIDATION)
    assert len((await cli("dead", "retry", "--all", "--json")).json["done"]) == 3
    assert {(await read(services, job.id)).status for job in jobs} == {Status.QUEUED}
    assert (await read(services, failed.id)).status is Status.FAILED


async def test_jobs_that_can_not_be_deleted_are_reported_and_the_others_are_deleted(
    cli: Cli, services: Services
) -> None:
    queued, job = await create(services, 10_000), await dead(services)
    done = await cli("dead", "delete", UNKNOWN, job.id, queued.id)
    assert (done.code, done.out) == (4, f"Job {job.id} was deleted.\n")
    first, second = done.error.splitlines()
    assert first == f"haulage: There is no job {UNKNOWN}."
    assert second.startswith(f"haulage: Job {queued.id} is queued")
    done = await cli("dead", "delete", queued.id, job.id, "--json")
    assert done.code == 5
    assert f'"jobId": "{job.id}"' in done.out
    assert '"error": "illegal_transition"' in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", UNKNOWN), 4, f"haulage: There is no job {UNKNOWN}."),
        (("retry", UNKNOWN), 4, f"haulage: There is no job {UNKNOWN}."),
        (("delete",), 2, "either job ids or --all"),
        (("retry", UNKNOWN, "--all"), 2, "either job ids or --all"),
        (("delete", "../x"), 2, "JOB_ID"),
    ],
)
async def test_errors_have_their_exit_codes(cli: Cli, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = await cli("dead", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.error
