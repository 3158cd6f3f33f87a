"""The shell blocks of README.md work from top to bottom: one session, on a fresh gateway and worker."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import zipfile
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import ErrorClass
from jobs.services import Services
from jobs.settings import Settings
from tests.app.cli.processes import variables
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, dead
from tests.helpers.running import serving as serving_gateway
from tests.helpers.running import taking_in, working
from tests.helpers.settings import with_changes
from tests.jobs.storage.faults import relaying, serving

GATEWAY = "localhost:8080"
MARK = "\x1e"
"""The separator between the outputs of two commands."""


def commands(project: Path, heading: str, page: str = "README.md") -> list[str]:
    """The commands of the shell blocks under a heading of a page; a backslash at the end of a line continues one."""
    section = (project / page).read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).replace("\\\n", " ").splitlines()
    return [line for line in lines if line]


async def session(folder: Path, lines: list[str], environment: dict[str, str]) -> list[str]:
    """What each command prints, in one shell. Fails if one does, also when a response has a status from 400."""
    strict = 'curl() { command curl --fail-with-body "$@"; }\n'
    script = strict + "".join(f"{line}\nprintf '%s{MARK}' $?\n" for line in lines)
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", script, cwd=folder, env=environment, stdout=PIPE, stderr=PIPE
    )
    out, error = await process.communicate()
    printed = out.decode().split(MARK)[:-1]
    for line, output in zip(lines, printed, strict=True):
        assert output.endswith("0"), f"{line}\n{output}\n{error.decode()}"
    return [output[:-1] for output in printed]


@pytest.fixture
def folder(project: Path, tmp_path: Path) -> Path:
    """What the commands need of a checkout in which `make setup` was run."""
    (tmp_path / ".venv").symlink_to(project / ".venv")
    shutil.copy(project / "README.md", tmp_path)
    return tmp_path


async def test_the_commands_of_the_readme_work_from_top_to_bottom(
    project: Path, folder: Path, services: Services, settings: Settings, catalogue: Catalogue, gateway: str
) -> None:
    lines = commands(project, "The API")
    await catalogue.add(b"demo", "demo.txt")  # as after `make run`: the files of the session are not the first ones
    died = await dead(services, ErrorClass.NETWORK)
    environment = os.environ | variables(settings) | {"HAULAGE_SERVER": gateway}
    # So slow that the job which is cancelled has not ended yet.
    relay = relaying(settings.s3_endpoint, rate_up=5_000_000)
    async with serving(relay) as slow, working(with_changes(settings, s3_endpoint=slow, s3_part_copy="never")):
        replaced = [line.replace(GATEWAY, gateway.removeprefix("http://")) for line in lines]
        printed = await session(folder, replaced, environment)
    unused = dict(zip(lines, printed, strict=True))

    def output(text: str) -> str:
        """What the one command with this text in it has printed."""
        [line] = [line for line in unused if text in line]
        return unused.pop(line)

    def response(text: str) -> Any:
        return json.loads(output(text))

    silent = ("PATH=", "head -c", "ADDED=", "TEXT=", "VIDEO=", "JOB=")
    assert [output(text) for text in silent] == [""] * len(silent)
    added = [line.split() for line in output('echo "$ADDED"  ').splitlines()]
    assert [(line[0], line[-1]) for line in added] == [("ID", "NAME"), ("10001", "README.md"), ("10002", "video.mp4")]
    job = response("# now")["jobId"]
    assert "event: completed" in output("/stream/$JOB")
    assert response("wait=60")["status"] == "completed"
    assert len(response("since=0")["files"]) == 2

    output("-LOJ")
    output("-o bundle.zip")
    link = response("/download-url")
    assert (folder / link["filename"]).stat().st_size == link["size"]
    assert (folder / "bundle.zip").read_bytes() == (folder / link["filename"]).read_bytes()

    assert response("/check")["missing"] == [99_999_999]
    output("/bundle")
    assert response("/retry")["status"] == "queued"
    assert response("# cancel")["status"] == "cancelled"
    assert [step["to"] for step in response("/history")["transitions"]][-3:] in (
        ["expired", "queued", "cancelled"],
        ["queued", "processing", "cancelled"],
    )
    assert {one["jobId"] for one in response("/v1/download/jobs")["jobs"]} == {job, str(died.id)}
    assert response("# one file of it")["name"] == "README.md"
    assert output("/content") == (folder / "README.md").read_text()
    assert [file["name"] for file in response("?q=video")["files"]] == ["video.mp4"]
    assert [one["jobId"] for one in response("# jobs that ran out")["jobs"]] == [str(died.id)]
    assert output("haulage dead delete") == f"Job {died.id} was deleted.\n"
    assert [one["kind"] for one in response("/v1/notices")["notices"]] == ["dead"]
    assert response("/v1/operator/overview")["workers"]["running"] == 1
    assert {one["paused"] for one in response("/v1/operator/queues")["queues"]} == {False}
    assert response("/v1/operator/actions") == {"actions": []}

    assert output("-o order.zip").startswith("Saved order.zip (20.0 MB, CRC-32 ")
    with zipfile.ZipFile(folder / "order.zip") as bundle:
        assert bundle.testzip() is None
        assert bundle.namelist() == ["README.md", "video.mp4", "manifest.json"]
    assert output("-o - | wc -c").split() == ["20000000"]
    assert output("haulage jobs retry") == f"Job {job} was queued again.\n"
    assert output("-o again.zip").startswith("Saved again.zip (20.0 MB, CRC-32 ")
    assert (folder / "again.zip").stat().st_size == link["size"]
    assert unused == {}, "a command that is not tested"


async def test_the_commands_for_uploads_work(project: Path, folder: Path, services: Services) -> None:
    settings = services.settings
    lines = commands(project, "Uploads")
    shutil.copytree(project / "docs/pictures", folder / "docs/pictures")
    bin_folder = str(folder / ".venv/bin")
    async with (
        taking_in(settings) as intake,
        serving_gateway(with_changes(settings, intake_url=intake)) as gateway,
        working(settings),
    ):
        environment = os.environ | {"HAULAGE_SERVER": gateway, "XDG_STATE_HOME": str(folder)}
        environment["PATH"] = f"{bin_folder}:{environment['PATH']}"
        replaced = [line.replace(GATEWAY, gateway.removeprefix("http://")) for line in lines]
        uploaded, sent, listed = await session(folder, replaced, environment)
    pictures = [f"pictures/{picture.name}" for picture in (project / "docs/pictures").iterdir()]
    assert all(name in uploaded for name in ["README.md", *pictures])
    uploads = json.loads(listed)["jobs"]
    assert uploads[0]["jobId"] == json.loads(sent)["jobs"][0]["jobId"]
    assert sorted(upload["upload"]["name"] for upload in uploads[1:]) == sorted(["README.md", *pictures])


async def test_the_commands_for_operators_work(
    project: Path, folder: Path, services: Services, catalogue: Catalogue, gateway: str
) -> None:
    job = await create(services, await catalogue.add(b"demo", "report.txt"), archive_name=None)
    died = await dead(services, ErrorClass.NETWORK, archive_name="Report.zip")
    lines = commands(project, "What operators see", "docs/operations.md")
    replaced = [line.replace(GATEWAY, gateway.removeprefix("http://")) for line in lines]
    stream = replaced.pop()
    assert "/v1/operator/stream" in stream
    replaced.append(f"timeout 2 {stream.partition('#')[0]} || test $? = 124")  # it never ends by itself
    printed = await session(folder, replaced, os.environ | {"JOB": str(job.id)})
    overview, workers, dead_jobs, searched, counted, timeline = map(json.loads, printed[:-1])
    assert [one["status"] for one in overview["dependencies"]] == ["up", "up", "up"]
    assert workers == {"workers": []}
    assert [one["jobId"] for one in dead_jobs["jobs"]] == [str(died.id)]
    assert [one["jobId"] for one in searched["jobs"]] == [str(died.id)]
    assert (counted["count"], counted["byStatus"]["queued"]) == (2, 1)
    assert (timeline["job"]["jobId"], timeline["queuedBecause"]["reason"]) == (str(job.id), "no_worker")
    assert "event: operator" in printed[-1]
