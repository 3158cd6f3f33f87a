"""`haulage up`: it starts everything, and whatever ends it, no process is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import shlex
import signal
import socket
import zipfile
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it has no annotations
import pytest

from app.stack.ports import free_ports
from tests.app.cli.processes import Cli, line_with
from tests.helpers.scrapes import scraped

pytestmark = pytest.mark.servers

UP = "Haulage is running at "


@pytest.fixture
def up_cli(tmp_path: Path) -> Cli:
    """The folder is open to the user that PostgreSQL runs as when the tests are root's."""
    return Cli(tmp_path, {"HAULAGE_DATA_DIR": str(tmp_path / "data")})


def processes_in(folder: Path) -> set[str]:
    """The names of all processes that work in the folder: each child of a stack does."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(folder / "data"):
                found.add(process.name())
    return found


async def ended(process: Process) -> int:
    await process.communicate()
    return process.returncode or 0


async def test_the_demo_runs_the_main_job_and_ctrl_c_stops_everything(up_cli: Cli, bare_cli: Cli) -> None:
    process = await up_cli.start("up", "--demo", "--port", 0)
    url = (await line_with(process, UP, of_errors=False)).removeprefix(UP).split("/ ")[0]
    commands = [await line_with(process, "curl", of_errors=False) for _ in range(3)]
    assert {"postgres", "valkey-server", "weed"} < processes_in(up_cli.folder)
    with zipfile.ZipFile(up_cli.folder / "data" / "demo" / "haulage-demo.zip") as archive:
        assert len(archive.namelist()) == 13
        assert archive.testzip() is None
    accepted, status, saved = [await curl(command, up_cli.folder) for command in commands]
    assert json.loads(accepted)["status"] == "queued"
    assert json.loads(status)["status"] == "completed"
    assert saved == ""
    assert (up_cli.folder / "haulage-demo.zip").stat().st_size > 30_000_000
    uploaded = json.loads(await curl(f"curl -L -F file=@haulage-demo.zip {url}/upload", up_cli.folder))
    assert uploaded["jobs"][0]["links"]["self"].startswith(f"{url}/v1/upload/job/")
    assert (await up_cli("check")).code == 0
    found = (await up_cli("download", 10000, "--json")).json
    assert found["path"] == "Read me first.txt"
    assert len((await bare_cli("jobs", "list", "--server", url, "--json")).json["jobs"]) == 3
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert await ended(process) == 0
    assert processes_in(up_cli.folder) == set()


async def test_without_redis_no_valkey_is_started(tmp_path: Path, up_cli: Cli) -> None:
    without = Cli(tmp_path, up_cli.environment | {"QUEUE": "postgres"})
    process = await without.start("up", "--demo", "--port", 0)
    await line_with(process, UP, of_errors=False)
    await line_with(process, "/file", of_errors=False)
    names = processes_in(tmp_path)
    assert {"postgres", "weed"} < names
    assert "valkey-server" not in names
    checked = await up_cli("check", "--json")  # the stack knows how it was started
    assert "redis" not in checked.json
    assert {name: checked.json[name]["status"] for name in ("database", "storage", "queue")} == {
        "database": "ok",
        "storage": "ok",
        "queue": "ok",
    }
    assert (await up_cli("download", 10000, "--json")).code == 0
    process.send_signal(signal.SIGINT)
    assert await ended(process) == 0
    assert (
        (await Cli(tmp_path, up_cli.environment | {"QUEUE": "rabbit"})("up"))
        .error.strip()
        .endswith("QUEUE must be redis or postgres.")
    )


async def curl(command: str, folder: Path) -> str:
    """What one of the printed lines prints."""
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command), "-sS", cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def test_a_second_start_finds_its_data(up_cli: Cli) -> None:
    for start in range(2):
        done = await up_cli("up", "--exit-after-demo", "--port", 0)
        assert done.code == 0, done.error
        assert ("Adding 12 demo files" in done.error) == (start == 0)
        assert "Downloading 12 files" in done.error
        assert "Saved data/demo/haulage-demo.zip" in done.out.replace(f"{up_cli.folder}/", "")
    assert processes_in(up_cli.folder) == set()


@pytest.mark.parametrize("moment", ["Starting gateway", "Adding 12 demo"])
async def test_a_signal_at_any_moment_leaves_no_process(up_cli: Cli, moment: str) -> None:
    process = await up_cli.start("up", "--demo", "--port", 0)
    await line_with(process, moment)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    assert await ended(process) in {128 + signal.SIGTERM, 128 + signal.SIGINT}
    assert processes_in(up_cli.folder) == set()
    assert not (up_cli.folder / "data" / "server.url").exists()


async def test_the_end_of_its_terminal_stops_everything(up_cli: Cli) -> None:
    leader, follower = pty.openpty()
    process = await up_cli.start("up", "--port", 0, terminal=follower)
    os.close(follower)
    said = ""
    while UP not in said:
        said += (await asyncio.to_thread(os.read, leader, 4096)).decode()
    os.close(leader)
    assert await process.wait() == 0
    assert processes_in(up_cli.folder) == set()


async def test_processes_that_die_are_restarted(up_cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "kept.txt"
    file.write_text("kept")
    up_cli.environment["METRICS_PORT"] = str(free_ports([100])[0])
    process = await up_cli.start("up", "--port", 0)
    await line_with(process, UP, of_errors=False)
    assert (await up_cli("files", "add", file)).code == 0
    everything = {"store", "postgres", "valkey", "worker-1", "gateway"}
    before = {what: pid_of(up_cli, what) for what in everything}
    for pid in before.values():
        psutil.Process(pid).kill()
    reported = {(await line_with(process, "ended unexpectedly")).split()[0] for _ in everything}
    assert reported == everything
    await healthy(up_cli)
    targets = json.loads((up_cli.folder / "data" / "metrics.json").read_text())
    assert [target["labels"]["job"] for target in targets] == ["gateway", "intake", "worker"]
    for [address] in (target["targets"] for target in targets):
        assert (await scraped(int(address.split(":")[1]))).value("process_cpu_seconds_total") > 0
    saved = await up_cli("download", 10000, "-o", tmp_path / "saved.txt")
    assert saved.code == 0, saved.error
    assert (tmp_path / "saved.txt").read_text() == "kept"
    process.send_signal(signal.SIGHUP)
    assert await ended(process) == 0
    assert processes_in(up_cli.folder) == set()


def pid_of(cli: Cli, what: str) -> int:
    return int(json.loads((cli.folder / "data" / "logs" / f"{what}.pid").read_text())["pid"])


async def healthy(cli: Cli) -> None:
    """Returns once every dependency answers and a worker listens."""
    async with asyncio.timeout(60):
        while (await cli("check")).code:
            pass


async def test_a_port_in_use_is_reported_before_anything_is_started(up_cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await up_cli("up", "--port", port)
    assert done.code == 8
    assert done.error == f"haulage: Port {port} is in use by another program; choose another one with --port\n"
    assert not (up_cli.folder / "data").exists()


async def test_a_public_stack_signs_its_admin_in(up_cli: Cli) -> None:
    refused = await up_cli("up", "--host", "0.0.0.0")
    assert refused.code == 2
    assert "--public" in refused.error
    process = await up_cli.start("up", "--public", "--host", "127.0.0.1", "--port", 0)
    url = (await line_with(process, UP, of_errors=False)).removeprefix(UP).split("/ ")[0]
    link = (await line_with(process, "/sign-in#", of_errors=False)).strip()
    async with httpx.AsyncClient(base_url=url) as api:
        assert (await api.get("/v1/download/jobs")).status_code == 401
        answer = await api.post("/v1/access/session", json={"link": link.partition("#")[2]})
        assert (answer.json()["user"], answer.json()["role"]) == ("admin", "admin")
        assert (await api.get("/v1/download/jobs")).status_code == 200
    process.send_signal(signal.SIGINT)
    assert await ended(process) == 0


async def test_others_reach_results_of_a_public_stack_and_nothing_else_of_its_store(
    up_cli: Cli, tmp_path: Path
) -> None:
    """By the address that this machine has in its network, which is what other machines use."""
    process = await up_cli.start("up", "--public", "--port", 0)
    line = await line_with(process, "Others reach it at ", of_errors=False)
    [gateway, store, intake] = re.findall(r"http://[^\s,]+[0-9]", line)
    link = (await line_with(process, "/sign-in#", of_errors=False)).strip()
    assert link.startswith(f"{gateway}/sign-in#")
    file = tmp_path / "kept.bin"
    file.write_bytes(os.urandom(3_000_000))
    assert (await up_cli("files", "add", file)).code == 0
    key = (await up_cli("keys", "create", "tests", "--json")).json["key"]
    client = Cli(tmp_path, {"HAULAGE_TOKEN": key, "HAULAGE_SERVER": gateway})
    saved = await client("download", 10000, "-o", "saved.bin", "--json")
    assert saved.code == 0, saved.error
    assert (tmp_path / "saved.bin").read_bytes() == file.read_bytes()
    async with httpx.AsyncClient() as browser:
        api = {"Authorization": f"Bearer {key}"}
        path = f"{gateway}/v1/download/job/{saved.json['jobId']}/download-url"
        assert (await browser.get(f"{intake}/health/live")).status_code == 200
        presigned = (await browser.get(path, headers=api)).json()["url"]
        assert presigned.startswith(f"{store}/haulage/files/")
        assert (await browser.get(presigned, headers={"Range": "bytes=0-3"})).status_code == 206
        unsigned = presigned.partition("?")[0]
        for method, url in (
            ("GET", unsigned),
            ("PUT", unsigned),
            ("DELETE", unsigned),
            ("GET", f"{store}/"),
            ("GET", f"{store}/haulage?list-type=2"),
            ("PUT", f"{store}/haulage?policy"),
            ("GET", presigned.replace("/files/10000", "/files/10001")),
        ):
            assert (await browser.request(method, url)).status_code in {400, 403}, (method, url)
    listening = {
        (psutil.Process(pid_of(up_cli, what)).name(), connection.laddr.ip)
        for what in ("store", "postgres", "valkey")
        for connection in psutil.Process(pid_of(up_cli, what)).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert {ip for _, ip in listening} == {"127.0.0.1"}
    process.send_signal(signal.SIGINT)
    assert await ended(process) == 0


async def test_a_public_stack_behind_https_needs_https_for_its_store(up_cli: Cli) -> None:
    cli = Cli(up_cli.folder, {"PUBLIC_URL": "https://downloads.example"})
    refused = await cli("up", "--public", "--port", 0)
    assert refused.code == 2
    assert "S3_PUBLIC_ENDPOINT" in refused.error
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await up_cli("up", "--public", "--port", 0, "--store-port", port)
    assert done.code == 8
    assert done.error == f"haulage: Port {port} is in use by another program; choose another one with --store-port\n"
