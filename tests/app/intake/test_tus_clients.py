"""Real clients of tus, which are broken off again and again, and an intake that is killed: each file arrives whole."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from app.intake.tus import PATH
from app.stack.ports import free_ports
from jobs.engine.jobs import Status
from jobs.services import Services
from tests.helpers.bundles import stored
from tests.helpers.eventually import eventually
from tests.helpers.listening import listening
from tests.helpers.nodes import node
from tests.helpers.running import taking_in, taking_in_process, working
from tests.helpers.uploads import files_of, objects

MIB = 1 << 20
FOLDER = Path(__file__).parents[2] / "tus"
BREAKS = 20


class CuttingProxy:
    """Cuts the first connections on which this many bytes have come from the client."""

    def __init__(self, target: str, count: int, size: int) -> None:
        self._target = urlsplit(target)
        self._left = count
        self._size = size
        self.cuts = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        responses, requests = await asyncio.open_connection(self._target.hostname, self._target.port)
        back = asyncio.create_task(self._copy_back(responses, writer))
        passed = 0
        while data := await reader.read(65536):
            requests.write(data)
            await requests.drain()
            passed += len(data)
            if passed > self._size and self.cuts < self._left:
                self.cuts += 1
                back.cancel()
                requests.close()
                writer.transport.abort()
                return
        requests.close()
        await back

    async def _copy_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


async def upload(client: str, url: str, path: Path, delay: int = 20) -> UUID:
    """Uploads the file by one of the clients of `tests/tus`, with tries every `delay` ms. Returns the id of its job."""
    if not (FOLDER / "node_modules" / "tus-js-client").exists():
        pytest.fail("The clients of tus are not installed: run `make test`")
    process = await asyncio.create_subprocess_exec(
        node(), FOLDER / "upload.mjs", client, f"{url}{PATH}", path, str(delay), stdout=-1, stderr=-1
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), 200)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    return UUID(out.decode().strip().rpartition("/")[2])


async def check(services: Services, job_id: UUID, data: bytes) -> None:
    """The file of the catalogue has these bytes, and nothing else is left."""
    async with working(services.settings):

        async def is_ended() -> bool:
            return (await services.uploads.read(job_id)).status.ended

        await eventually(is_ended)
    uploaded = await services.uploads.read(job_id)
    assert uploaded.status is Status.COMPLETED, uploaded.failure
    [file] = await files_of(services, job_id)
    assert await stored(services.storage, file.key) == data
    assert await objects(services) == [file.key]


@pytest.mark.parametrize("client", ["tus", "uppy"])
async def test_a_client_that_is_broken_off_twenty_times_uploads_the_whole_file(
    services: Services, tmp_path: Path, client: str
) -> None:
    data, path = os.urandom(22 * MIB), tmp_path / "a.bin"
    path.write_bytes(data)
    async with taking_in(services.settings) as intake:
        proxy = CuttingProxy(intake, BREAKS, MIB)
        async with listening(proxy.serve) as url:
            job_id = await upload(client, url, path)
    assert proxy.cuts == BREAKS
    assert (await services.uploads.read(job_id)).name == "a.bin"
    await check(services, job_id, data)


@pytest.mark.timeout(300)
async def test_a_client_goes_on_at_the_next_intake_when_one_is_killed(services: Services, tmp_path: Path) -> None:
    data, path = os.urandom(60 * MIB), tmp_path / "a.bin"
    path.write_bytes(data)
    [port] = free_ports([0])
    async with taking_in_process(services.settings, port) as (url, first):
        uploading = asyncio.create_task(upload("tus", url, path, 300))

        async def is_midway() -> bool:
            rows = await services.database.fetch("SELECT bytes_done FROM jobs")
            return bool(rows) and rows[0]["bytes_done"] >= 10 * MIB

        await eventually(is_midway, interval=0.005)
        first.send_signal(signal.SIGKILL)
        await first.wait()
    before = (await services.database.fetch("SELECT bytes_done FROM jobs"))[0]["bytes_done"]
    assert 10 * MIB <= before < len(data)
    async with taking_in_process(services.settings, port):
        job_id = await uploading
    await check(services, job_id, data)
