"""The commands of README.md do what it says, one after the other, against a real gateway and worker."""

from __future__ import annotations

import asyncio
import json
import os
import re
import zipfile
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.errors import ErrorClass
from jobs.services import Services
from tests.app.cli.processes import variables
from tests.helpers.jobs import create, dead, ended
from tests.helpers.running import working

GATEWAY = "localhost:8080"


def commands(project: Path, heading: str) -> list[str]:
    """The commands of the shell blocks under a heading of the README; a backslash at the end of a line continues one."""
    section = (project / "README.md").read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).replace("\\\n", " ").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class Shell:
    """Runs commands in a folder, with `haulage` on the path, and the gateway in place of the README's."""

    def __init__(self, project: Path, folder: Path, services: Services, gateway: str) -> None:
        self._folder = folder
        self._gateway = gateway.removeprefix("http://")
        path = f"{project / '.venv' / 'bin'}:{os.environ['PATH']}"
        self._environment = os.environ | variables(services.settings) | {"HAULAGE_SERVER": gateway, "PATH": path}

    async def __call__(self, command: str, job: object = "") -> str:
        """What the command prints. Fails if it does, and on HTTP statuses from 400."""
        strict = 'curl() { command curl --fail-with-body "$@"; }\n'
        process = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            strict + command.replace(GATEWAY, self._gateway),
            cwd=self._folder,
            env=self._environment | {"JOB": str(job)},
            stdout=PIPE,
            stderr=PIPE,
        )
        out, error = await process.communicate()
        assert process.returncode == 0, f"{command}\n{out.decode()}{error.decode()}"
        return out.decode()


async def test_the_commands_of_the_readme_work(
    project: Path, tmp_path: Path, services: Services, gateway: str, api: httpx.AsyncClient
) -> None:
    shell = Shell(project, tmp_path, services, gateway)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(os.urandom(10_000))
    (tmp_path / "report.pdf").write_bytes(b"%PDF" * 1000)
    lines = commands(project, "The API")
    used = set()

    async def run(text: str, job: object = "") -> str:
        """Runs the one command of the README with this text in it."""
        [line] = [line for line in lines if text in line]
        used.add(line)
        return await shell(line, job)

    async def call(text: str, job: object = "") -> Any:
        return json.loads(await run(text, job))

    added = await run("haulage files add")
    assert re.findall(r"^ *(\d+)", added, re.MULTILINE) == ["10000", "10001"]
    job = (await call("/initiate"))["jobId"]
    assert (await call("# now", job))["status"] == "queued"
    async with working(services.settings):
        stream = await run("/stream/$JOB", job)
        assert "event: completed" in stream
        assert (await call("wait=60", job))["status"] == "completed"
        assert len((await call("since=0", job))["files"]) == 2

        await run("-LOJ", job)
        await run("-o bundle.zip", job)
        link = await call("/download-url", job)
        assert (tmp_path / link["filename"]).stat().st_size == link["size"]
        assert (tmp_path / "bundle.zip").read_bytes() == (tmp_path / link["filename"]).read_bytes()
        with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
            assert bundle.testzip() is None

        check = await call("/check")
        assert check["missing"] == [99_999]
        assert [one["jobId"] for one in (await call("/v1/download/jobs"))["jobs"]] == [job]
        assert [step["to"] for step in (await call("/history", job))["transitions"]][-1] == "completed"
        assert [file["name"] for file in (await call("?q=report"))["files"]] == ["report.pdf"]
        await run("-X DELETE localhost:8080/v1/download/job/$JOB/bundle", job)
        assert (await ended(api, f"/v1/download/job/{job}"))["status"] == "expired"

    waiting = await create(services, 10_000)
    assert (await call("# cancel", waiting.id))["status"] == "cancelled"
    assert (await call("/retry", waiting.id))["status"] == "queued"
    died = await dead(services, ErrorClass.NETWORK)
    assert [one["jobId"] for one in (await call("# jobs that ran out"))["jobs"]] == [str(died.id)]
    await run("/dead/$JOB", died.id)
    assert set(lines) == used, "a command that is not tested"


@pytest.mark.usefixtures("worker")
async def test_the_one_command_of_the_readme_works(
    project: Path, tmp_path: Path, services: Services, gateway: str
) -> None:
    shell = Shell(project, tmp_path, services, gateway)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name * 1000)
    await shell("haulage files add a.txt b.txt")
    text = " ".join((project / "README.md").read_text(encoding="utf-8").split())
    found = re.search(r"`(haulage download [^`]+)`, with `([^`]+)`", text)
    assert found is not None
    await shell(" ".join(found.groups()))
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        assert bundle.namelist() == ["a.txt", "b.txt", "manifest.json"]
