"""`haulage download`."""

from __future__ import annotations

import os
import signal
import zipfile
import zlib
from uuid import UUID

import httpx
import pytest

from jobs.engine.jobs import Status
from jobs.services import Services
from jobs.settings import Settings
from tests.app.cli.processes import Cli, line_with
from tests.app.cli.store_proxy import BUSY, REFUSED, Proxy
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, dead, read, until_ended
from tests.helpers.running import working

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def test_a_job_that_failed_is_reported_with_what_to_do(cli: Cli, services: Services) -> None:
    died = await dead(services)
    done = await cli("download", "--job", died.id)
    advice = f"`haulage jobs retry {died.id}` runs it again."
    assert (done.code, done.out) == (7, "")
    assert done.error.splitlines()[-1] == f"haulage: Job {died.id} failed: attempt 3 went wrong {advice}"


@pytest.mark.usefixtures("worker")
class TestWithAWorker:
    async def test_a_bundle_is_saved_and_opens(self, cli: Cli, catalogue: Catalogue) -> None:
        contents = [os.urandom(size) for size in (10, 6_000_000)]
        ids = [await catalogue.add(data, f"{number}.bin") for number, data in enumerate(contents)]
        done = await cli("download", *ids, "--name", "two files")
        assert done.code == 0, done.error
        path = cli.folder / "two files.zip"
        crc32 = f"{zlib.crc32(path.read_bytes()):08x}"
        assert done.out == f"Saved two files.zip (6.00 MB, CRC-32 {crc32} verified)\n"
        assert done.error.splitlines()[-2:] == ["completed", "saving 6.00 MB"]
        with zipfile.ZipFile(path) as archive:
            assert [archive.read("0.bin"), archive.read("1.bin")] == contents
        assert list(cli.folder.iterdir()) == [path]

    async def test_a_bundle_is_deflated_with_the_option(self, cli: Cli, catalogue: Catalogue) -> None:
        done = await cli("download", await catalogue.add(bytes(9_000), "a"), "--name", "x", "--compression", "deflate")
        assert done.code == 0, done.error
        with zipfile.ZipFile(cli.folder / "x.zip") as archive:
            assert archive.getinfo("a").compress_size < 100
            assert archive.read("a") == bytes(9_000)

    async def test_json_describes_what_was_saved(self, cli: Cli, catalogue: Catalogue) -> None:
        file_id = await catalogue.add(b"hello", "a.txt")
        done = await cli("download", file_id, 99999, "--on-missing", "skip", "--json", "-o", "x.zip")
        found = done.json
        assert done.error == ""
        assert found["path"] == "x.zip"
        assert found["size"] == (cli.folder / "x.zip").stat().st_size
        assert found["omitted"] == [{"fileId": 99999, "name": "99999.zip", "reason": "no such file"}]
        assert set(found) == {"jobId", "path", "size", "crc32", "sha256", "omitted"}

    async def test_the_result_of_a_completed_job_is_saved_and_resumed(
        self, cli: Cli, catalogue: Catalogue, services: Services, store: Proxy
    ) -> None:
        data = os.urandom(5_000_000)
        job = await create(services, await catalogue.add(data, "a.bin"), archive_name=None)
        await until_ended(services, job)
        store.plans = [2_000_000, 1_000_000]
        done = await cli("download", "--job", job.id, "-o", "saved.bin")
        crc32 = f"{zlib.crc32(data):08x}"
        assert (done.code, done.out) == (0, f"Saved saved.bin (5.00 MB, CRC-32 {crc32} verified)\n")
        assert done.error == "completed\nsaving 5.00 MB\n"
        assert (cli.folder / "saved.bin").read_bytes() == data
        assert len(store.requests) == 3
        again = (await cli("download", "--job", job.id, "--json")).json
        assert (again["jobId"], again["path"], again["crc32"]) == (str(job.id), "a.bin", crc32)

    async def test_a_connection_that_is_cut_is_resumed(self, cli: Cli, catalogue: Catalogue, store: Proxy) -> None:
        data = os.urandom(5_000_000)
        store.plans = [2_000_000, 1_000_000]
        done = await cli("download", await catalogue.add(data, "a.bin"))
        assert done.code == 0, done.error
        assert (cli.folder / "a.bin").read_bytes() == data
        first, *resumed = store.requests
        assert "\r\nRange: " not in first
        assert len(resumed) == 2
        assert all("\r\nRange: bytes=" in request and "If-Range: " in request for request in resumed)

    async def test_a_refused_link_is_replaced(self, cli: Cli, catalogue: Catalogue, store: Proxy) -> None:
        store.plans = [REFUSED, 100_000, REFUSED, BUSY]
        done = await cli("download", await catalogue.add(bytes(300_000), "a.bin"))
        assert done.code == 0, done.error
        assert (cli.folder / "a.bin").stat().st_size == 300_000
        assert len(store.requests) == 5

    async def test_a_store_that_stays_unavailable_leaves_nothing_behind(
        self, cli: Cli, catalogue: Catalogue, store: Proxy
    ) -> None:
        store.plans = [BUSY] * 10
        done = await cli("download", await catalogue.add(b"hello", "a.txt"))
        assert (done.code, done.out) == (7, "")
        assert (
            done.error.splitlines()[-1] == "haulage: The result can't be fetched: the store responds with status 503."
        )
        assert list(cli.folder.iterdir()) == []

    async def test_a_wrong_byte_is_found(self, cli: Cli, catalogue: Catalogue, store: Proxy) -> None:
        store.plans = [b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "1"\r\nConnection: close\r\n\r\njello']
        done = await cli("download", await catalogue.add(b"hello", "a.txt"))
        assert done.code == 7
        assert "a.txt was received with CRC-32" in done.error
        assert list(cli.folder.iterdir()) == []

    async def test_another_object_than_at_first_is_fetched_from_its_start(
        self, cli: Cli, catalogue: Catalogue, store: Proxy
    ) -> None:
        other = b'HTTP/1.1 206 Partial\r\nContent-Range: bytes 2-4/5\r\nETag: "2"\r\nContent-Length: 3\r\n\r\nxxx'
        store.plans = [b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "1"\r\nConnection: close\r\n\r\nhe', other]
        done = await cli("download", await catalogue.add(b"hello", "a.txt"))
        assert done.code == 0, done.error
        assert (cli.folder / "a.txt").read_bytes() == b"hello"

    async def test_a_file_is_not_overwritten_without_force(self, cli: Cli, catalogue: Catalogue) -> None:
        file_id = await catalogue.add(b"hello", "a.txt")
        (cli.folder / "a.txt").write_text("mine")
        assert (await cli("download", file_id)).out.startswith("Saved a (2).txt (5 B")
        refused = await cli("download", file_id, "-o", "a.txt")
        assert (refused.code, refused.error) == (1, "haulage: a.txt exists; use --force to overwrite it.\n")
        assert (cli.folder / "a.txt").read_text() == "mine"
        assert (await cli("download", file_id, "-o", "a.txt", "--force")).code == 0
        assert (cli.folder / "a.txt").read_text() == "hello"

    async def test_missing_files_have_an_exit_code_of_their_own(self, cli: Cli) -> None:
        done = await cli("download", 99999)
        assert done.code == 4
        *lines, error = done.error.splitlines()
        assert error.endswith(" failed: The file is missing: 99999 (no such file). Request another one.")
        assert "packing, attempt 1 of 3" not in lines


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["abc"], "FILE_ID"),
        ([], "FILE_ID"),
        ([5], "haulage: The request is not valid: file_ids[0]: must be at least 10000, not 5."),
        ([10000, 10000], "file_ids[1]: 10000 is repeated"),
        ([10000, "--server", "nonsense"], "'nonsense' is not the URL of a server"),
        ([10000, "--job", UNKNOWN], "either FILE_IDs or --job JOB_ID"),
        (["--job", "x"], "--job"),
        (["--job", UNKNOWN, "--name", "x"], "are for new jobs, not for --job"),
        (["--job", UNKNOWN, "--on-missing", "fail"], "are for new jobs, not for --job"),
    ],
)
async def test_wrong_usage_exits_with_2(cli: Cli, arguments: list[object], said: str) -> None:
    done = await cli("download", *arguments)
    assert done.code == 2
    assert said in " ".join(done.error.replace("│", "").split())


async def test_a_job_without_a_result_has_the_exit_code_of_its_state(cli: Cli, services: Services) -> None:
    done = await cli("download", "--job", UNKNOWN)
    assert (done.code, done.error) == (4, f"haulage: There is no job {UNKNOWN}.\n")
    job = await services.lifecycle.cancel((await create(services, 10_000)).id)
    done = await cli("download", "--job", job.id)
    message = f"haulage: Job {job.id} was cancelled. `haulage jobs retry {job.id}` runs it again."
    assert (done.code, done.error.splitlines()[-1]) == (5, message)


async def test_a_job_that_still_runs_is_followed_first(
    cli: Cli, catalogue: Catalogue, services: Services, settings: Settings
) -> None:
    job = await create(services, await catalogue.add(b"hello", "a.txt"), archive_name=None)
    process = await cli.start("download", "--job", job.id)
    await line_with(process, "queued")
    async with working(settings):
        out, _ = await process.communicate()
    assert (process.returncode, out.decode()[:15]) == (0, "Saved a.txt (5 ")


async def test_a_missing_folder_is_reported_before_a_job_is_started(cli: Cli, api: httpx.AsyncClient) -> None:
    done = await cli("download", 10000, "-o", "nowhere/a.zip")
    assert (done.code, done.error) == (1, "haulage: The folder nowhere does not exist.\n")
    assert (await api.get("/v1/download/jobs")).json()["jobs"] == []


async def test_an_unreachable_server_is_named(bare_cli: Cli) -> None:
    done = await bare_cli("download", 10000, "--server", "http://127.0.0.1:9")
    assert done.code == 7
    assert done.error.startswith("haulage: The server at http://127.0.0.1:9 can't be reached (NewConnectionError).")
    assert "Traceback" not in done.error


async def test_after_ctrl_c_the_job_keeps_running(
    cli: Cli, catalogue: Catalogue, services: Services, settings: Settings, api: httpx.AsyncClient
) -> None:
    process = await cli.start("download", await catalogue.add(b"hello", "a.txt"))
    await line_with(process, "queued")
    process.send_signal(signal.SIGINT)
    _, error = await process.communicate()
    assert process.returncode == 130
    [job] = (await api.get("/v1/download/jobs")).json()["jobs"]
    assert f"The job keeps running: `haulage download --job {job['jobId']}` saves its result" in error.decode()
    async with working(settings):
        await api.get(f"/v1/download/job/{job['jobId']}?since=999999", headers={"Prefer": "wait=30"})
    assert (await read(services, UUID(job["jobId"]))).status is Status.COMPLETED
