"""`haulage upload`, with a gateway, a worker, and a store in front of which tests inject faults."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest

from jobs.engine.jobs import Status
from jobs.owners import ANONYMOUS
from jobs.services import Services
from jobs.settings import Settings
from jobs.uploads.uploads import NewUpload
from tests.app.cli.processes import Cli, variables
from tests.helpers.listening import listening
from tests.helpers.running import working
from tests.helpers.uploads import created, files_of, put

MIB = 1 << 20


class FaultyStore:
    """A proxy that reads each request whole. It answers the next of `plans` (a status), or passes it on, with a flipped
    bit if `corrupt` is counted down. It never takes the bytes `refused` (403). PUTs beyond `allowed` wait, and `held` is
    set once one does and all others were answered. `puts` has the paths of all PUTs.
    """

    def __init__(self, target: str) -> None:
        self.host, _, port = target.removeprefix("http://").partition(":")
        self.port = int(port)
        self.plans: list[int] = []
        self.corrupt = 0
        self.refused: bytes | None = None
        self.allowed: int | None = None
        self.held = asyncio.Event()
        self.answered = 0
        self.waiting = 0
        self.puts: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                if head.startswith(b"PUT"):
                    if self.allowed is not None and len(self.puts) >= self.allowed:
                        self.waiting += 1
                        self._check_held()
                        await asyncio.Event().wait()
                    self.puts.append(head.split()[1].decode())
                    if self.plans or body == self.refused:
                        status = self.plans.pop(0) if self.plans else 403
                        writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)
                        continue
                    if self.corrupt and body:
                        self.corrupt -= 1
                        body = bytes([body[0] ^ 1]) + body[1:]
                upstream, requests = await asyncio.open_connection(self.host, self.port)
                requests.write(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body)
                answer = await upstream.read(-1)
                writer.write(answer)
                requests.close()
                self.answered += 1
                self._check_held()
                break
        writer.close()

    def _check_held(self) -> None:
        if self.waiting and self.answered == self.allowed:
            self.held.set()


@pytest.fixture
async def store(environment: dict[str, str]) -> AsyncIterator[FaultyStore]:
    proxy = FaultyStore(environment["S3_ENDPOINT"])
    async with listening(proxy.serve) as proxy.url:
        yield proxy


@pytest.fixture
def changes(store: FaultyStore, request: pytest.FixtureRequest) -> dict[str, Any]:
    """URLs lead to the proxy. A test may add other settings, as an indirect parameter."""
    return {"s3_public_endpoint": store.url, **getattr(request, "param", {})}


@pytest.fixture
def cli(tmp_path: Path, settings: Settings, gateway: str) -> Cli:
    (tmp_path / "files").mkdir()
    environment = {"HAULAGE_SERVER": gateway, "XDG_STATE_HOME": str(tmp_path / "state")}
    return Cli(tmp_path / "files", variables(settings) | environment)


@asynccontextmanager
async def counting(
    server: str, before: Callable[[str], Awaitable[None]] | None = None
) -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy in front of the gateway; its URL, and the first lines of all requests. Each waits until `before` is done."""
    host, _, port = server.removeprefix("http://").partition(":")
    lines: list[str] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                if counted:
                    for line in re.findall(r"(?m)^(?:GET|POST|DELETE) /\S+", data.decode("latin-1")):
                        lines.append(line)
                        if before is not None:
                            await before(line)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(host, int(port))
        await asyncio.gather(copy(reader, forth, counted=True), copy(back, writer, counted=False))

    async with listening(serve) as url:
        yield url, lines


def journals(cli: Cli) -> list[Path]:
    return list((cli.folder.parent / "state").rglob("*.jsonl"))


async def uploads(services: Services) -> int:
    return int((await services.database.fetch("SELECT count(*) FROM upload_jobs"))[0]["count"])


@asynccontextmanager
async def interrupted(cli: Cli, store: FaultyStore, allowed: int, *arguments: str) -> AsyncIterator[str]:
    """A command that was interrupted by Ctrl-C when the store had taken `allowed` PUTs; what it printed."""
    store.allowed = allowed
    process = await cli.start("upload", *arguments)
    await asyncio.wait_for(store.held.wait(), 60)
    process.send_signal(signal.SIGINT)
    _, error = await process.communicate()
    assert process.returncode == 130, error
    store.allowed = None
    store.puts.clear()
    yield error.decode()


@pytest.mark.usefixtures("worker")
async def test_files_and_folders_are_uploaded_and_named_by_their_folders(cli: Cli) -> None:
    contents = {"photos/a.bin": os.urandom(20 * MIB + 5), "photos/sea/b.txt": b"hello", "c.txt": b""}
    for name, data in contents.items():
        (cli.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (cli.folder / name).write_bytes(data)
    done = await cli("upload", "photos", "c.txt", "--json")
    found = {one["name"]: one for one in done.json}
    assert {name: (one["size"], one["crc32"]) for name, one in found.items()} == {
        name: (len(data), f"{crc32(data):08x}") for name, data in contents.items()
    }
    assert done.error == ""
    listed = (await cli("files", "list", "--json")).json
    assert sorted(one["id"] for one in listed) == sorted(one["id"] for one in found.values())
    assert journals(cli) == []


@pytest.mark.usefixtures("worker")
async def test_a_table_says_id_size_and_name(cli: Cli) -> None:
    (cli.folder / "a.txt").write_text("hello")
    done = await cli("upload", "a.txt")
    assert (done.code, done.out) == (0, "ID     SIZE  NAME\n10000  5 B   a.txt\n")
    assert done.error.splitlines() == ["sending 1 file, 5 B", "checking"]


@pytest.mark.usefixtures("worker")
async def test_a_damaged_part_and_a_refused_url_are_sent_again(cli: Cli, store: FaultyStore) -> None:
    data = os.urandom(17 * MIB)
    (cli.folder / "a.bin").write_bytes(data)
    store.plans, store.corrupt = [403, 503], 1
    [one] = (await cli("upload", "a.bin", "--json")).json
    assert one["crc32"] == f"{crc32(data):08x}"
    assert len(store.puts) == 6


@pytest.mark.usefixtures("worker")
async def test_what_is_refused_or_unreadable_is_named_and_the_rest_is_uploaded(cli: Cli) -> None:
    (cli.folder / "lie.jpg").write_bytes(b"\x7fELF" + bytes(100))
    (cli.folder / "a.txt").write_text("a")
    done = await cli("upload", "lie.jpg", "a.txt")
    assert (done.code, done.out.splitlines()[1:]) == (2, ["10000  1 B   a.txt"])
    assert done.error.splitlines()[-2].startswith("haulage: lie.jpg was not accepted (job ")
    done = await cli("upload", "gone.txt")
    assert (done.code, done.out) == (1, "")
    assert done.error == "haulage: gone.txt can't be read: No such file or directory\n"
    done = await cli("upload", "gone.txt", "a.txt", "lie.jpg", "--json")
    uploaded, refused, unreadable = json.loads(done.out)
    assert (done.code, uploaded["status"], uploaded["error"]) == (1, "completed", None)
    assert (refused["status"], refused["id"], refused["error"][:27]) == ("failed", None, "lie.jpg was not accepted (j")
    assert unreadable["error"] == "gone.txt can't be read: No such file or directory"
    assert (unreadable["path"], unreadable["jobId"], unreadable.keys()) == ("gone.txt", None, uploaded.keys())


async def test_an_empty_path_is_not_the_current_folder(bare_cli: Cli) -> None:
    (bare_cli.folder / "a.txt").write_text("hello")
    for command in (["upload"], ["files", "add"]):
        done = await bare_cli(*command, "")
        assert (done.code, "a path is empty" in done.error) == (2, True)


@pytest.mark.usefixtures("worker")
async def test_after_a_failure_the_same_command_sends_only_the_other_files(cli: Cli, store: FaultyStore) -> None:
    (cli.folder / "a.txt").write_text("a")
    done = await cli("upload", "a.txt", "b.txt")
    assert (done.code, done.out.splitlines()[1:]) == (1, ["10000  1 B   a.txt"])
    assert done.error.splitlines()[-1] == "1 of 2 files uploaded. Run the same command again to send only the rest."
    (cli.folder / "b.txt").write_text("b")
    done = await cli("upload", "a.txt", "b.txt")
    assert (done.code, done.out.splitlines()[1:]) == (0, ["10000  1 B   a.txt", "10001  1 B   b.txt"])
    assert (len(store.puts), journals(cli)) == (2, [])


async def test_an_interrupted_upload_is_continued_by_the_same_command(
    cli: Cli, store: FaultyStore, services: Services
) -> None:
    data = os.urandom(60 * MIB)
    (cli.folder / "a.bin").write_bytes(data)
    async with interrupted(cli, store, 5, "a.bin") as error:
        assert "Run the same command again to send the rest." in error
        async with working(services.settings):
            done = await cli("upload", "a.bin", "--json")
    [one] = done.json
    assert one["crc32"] == f"{crc32(data):08x}"
    assert (len(store.puts), await uploads(services)) == (3, 1)
    assert "Continuing: 0 files sent before, 1 file begun." in done.error


async def test_a_file_that_changed_meanwhile_is_uploaded_anew(cli: Cli, store: FaultyStore, services: Services) -> None:
    path = cli.folder / "a.bin"
    path.write_bytes(os.urandom(40 * MIB))
    async with interrupted(cli, store, 3, "a.bin"):
        data = os.urandom(40 * MIB)
        path.write_bytes(data)
        async with working(services.settings):
            done = await cli("upload", "a.bin", "--json")
    [one] = done.json
    assert "a.bin has changed since its upload was interrupted: it is uploaded anew." in done.error
    assert (one["crc32"], len(store.puts), await uploads(services)) == (f"{crc32(data):08x}", 5, 2)


@pytest.mark.usefixtures("worker")
async def test_an_upload_that_is_sent_to_the_intake_is_left_alone(cli: Cli, services: Services) -> None:
    (cli.folder / "a.txt").write_bytes(b"abc")
    await services.uploads.create(ANONYMOUS, [NewUpload(name="a.txt", size=3, streamed=True)])
    [one] = (await cli("upload", "a.txt", "--json")).json
    assert (one["status"], await uploads(services)) == ("completed", 2)


async def test_files_that_were_sent_before_are_not_sent_again(cli: Cli, store: FaultyStore, services: Services) -> None:
    for number in range(12):
        (cli.folder / f"{number}.txt").write_text(f"file {number}")
    async with interrupted(cli, store, 6, "."):
        assert len(journals(cli)) == 1
        async with working(services.settings):
            found = (await cli("upload", ".", "--json")).json
    assert len({one["id"] for one in found}) == 12
    assert (len(store.puts), await uploads(services)) == (6, 12)
    assert sum([len(await files_of(services, one["jobId"])) for one in found]) == 12
    assert journals(cli) == []


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("changes", [{"max_open_uploads": 3}])
async def test_more_files_than_may_be_open_are_created_as_others_complete(cli: Cli, services: Services) -> None:
    for number in range(20):
        (cli.folder / f"{number}.txt").write_text(f"file {number}")
    assert len((await cli("upload", ".", "--json")).json) == 20
    assert await uploads(services) == 20


async def test_a_store_that_stays_unavailable_leaves_an_upload_that_can_be_continued(
    cli: Cli, store: FaultyStore, services: Services
) -> None:
    (cli.folder / "a.txt").write_text("hello")
    store.plans = [503] * 6
    done = await cli("upload", "a.txt")
    assert (done.code, done.out) == (7, "")
    assert done.error.splitlines()[-1] == "haulage: a.txt can't be sent: the store responds with status 503."
    async with working(services.settings):
        assert (await cli("upload", "a.txt")).code == 0
    assert await uploads(services) == 1


@pytest.mark.usefixtures("worker")
async def test_who_may_read_the_files_is_an_option(cli: Cli, services: Services) -> None:
    (cli.folder / "a.txt").write_text("hello")
    wanted = {
        (): ("private", []),
        ("--visibility", "public"): ("public", []),
        ("--groups", "staff, press"): ("shared", ["press", "staff"]),
    }
    for options, rights in wanted.items():
        [one] = (await cli("upload", "a.txt", "--json", *options)).json
        [file] = await files_of(services, one["jobId"])
        assert (file.visibility, list(file.groups)) == rights
    done = await cli("upload", "a.txt", "--visibility", "shared")
    assert (done.code, done.error) == (
        2,
        "haulage: Shared files need --groups, and files that are private or public have none.\n",
    )


@pytest.mark.usefixtures("worker")
async def test_what_is_made_of_the_files_is_an_option(cli: Cli, services: Services) -> None:
    (cli.folder / "a.txt").write_text("hello")
    default = {"avif": False, "pages": 5, "onError": "keep"}
    wanted: dict[tuple[str, ...], object] = {
        (): default,
        ("--recipe", "none"): None,
        ("--recipe", "auto", "--on-processing-error", "fail"): {**default, "onError": "fail"},
        ("--recipe", '{"avif": true, "pages": 0}'): {"avif": True, "pages": 0, "onError": "keep"},
    }
    for options, wishes in wanted.items():
        [one] = (await cli("upload", "a.txt", "--json", *options)).json
        assert (await services.uploads.read(UUID(one["jobId"]))).wishes == wishes, options
    for recipe, reason in (
        ("avif", "--recipe must be auto, none, or"),
        ("[1]", "--recipe"),
        ('{"pages": 21}', "recipe"),
    ):
        done = await cli("upload", "a.txt", "--recipe", recipe)
        assert (done.code, reason in done.error) == (2, True), done.error
    assert (await cli("upload", "a.txt", "--on-processing-error", "ignore")).code == 2


@pytest.mark.parametrize(
    ("earlier", "again"),
    [
        ((), ("--visibility", "public")),
        (("--groups=a",), ("--groups=b",)),
        (("--visibility=public",), ()),
        (("--groups=a",), ()),
        ((), ("--recipe=none",)),
        (("--on-processing-error=fail",), ("--on-processing-error=keep",)),
    ],
)
async def test_an_upload_with_other_options_is_not_continued(
    cli: Cli, store: FaultyStore, services: Services, earlier: tuple[str, ...], again: tuple[str, ...]
) -> None:
    (cli.folder / "a.bin").write_bytes(os.urandom(20 * MIB))
    async with interrupted(cli, store, 1, "a.bin", *earlier):
        async with working(services.settings):
            assert (await cli("upload", "a.bin", *again)).code == 0
        assert (len(store.puts), await uploads(services)) == (3, 2)


@pytest.mark.parametrize("changes", [{"upload_visibility": "public"}], indirect=True)
async def test_uploads_with_the_visibility_of_the_server_are_continued_by_the_same_command(
    cli: Cli, store: FaultyStore, services: Services
) -> None:
    (cli.folder / "a.bin").write_bytes(os.urandom(20 * MIB))
    async with interrupted(cli, store, 1, "a.bin"), working(services.settings):
        assert (await cli("upload", "a.bin")).code == 0
    assert await uploads(services) == 1


async def test_shared_files_are_continued_by_the_same_command(cli: Cli, store: FaultyStore, services: Services) -> None:
    (cli.folder / "a.bin").write_bytes(os.urandom(20 * MIB))
    async with interrupted(cli, store, 1, "a.bin", "--groups=a"), working(services.settings):
        assert (await cli("upload", "a.bin", "--groups=a")).code == 0
    assert await uploads(services) == 1


async def test_the_upload_of_another_command_is_not_cancelled(cli: Cli, services: Services) -> None:
    """Another device may still send it: the file of this one has changed, not that of the other."""
    other = await created(services, b"other", "a.txt")
    (cli.folder / "a.txt").write_text("hello")

    async def change(line: str) -> None:
        if line.endswith(f"{other.id}/parts") and line.startswith("POST"):
            (cli.folder / "a.txt").write_text("longer")

    async with counting(cli.environment["HAULAGE_SERVER"], change) as (url, requests):
        done = await cli("upload", "a.txt", "--server", url)
    assert (done.code, done.error.splitlines()[-1]) == (1, "haulage: a.txt changed while it was being read")
    assert [line for line in requests if line.startswith("DELETE")] == []
    assert (await services.uploads.read(other.id)).status is Status.RECEIVING


@pytest.mark.usefixtures("worker")
async def test_a_file_whose_upload_ends_before_it_is_continued_is_uploaded_anew(cli: Cli, services: Services) -> None:
    other = await created(services, b"hello", "a.txt")
    (cli.folder / "a.txt").write_text("hello")

    async def cancel(line: str) -> None:
        if line.endswith(f"{other.id}/parts"):
            await services.lifecycle.cancel(other.id)

    async with counting(cli.environment["HAULAGE_SERVER"], cancel) as (url, _):
        [one] = (await cli("upload", "a.txt", "--json", "--server", url)).json
    assert (one["status"], one["jobId"] != str(other.id)) == ("completed", True)


async def test_a_file_that_the_store_has_in_an_earlier_version_is_uploaded_anew(cli: Cli, services: Services) -> None:
    """The command ended before it could report the only part, which the store writes once."""
    (cli.folder / "a.txt").write_text("hello")
    other = await created(services, b"hello", "a.txt")
    _, [part] = await services.uploads.send(other.id, [(1, crc32(b"hello"))], [])
    assert (await put(part.put, b"hello")).status_code == 200
    (cli.folder / "a.txt").write_text("world")
    async with working(services.settings):
        [one] = (await cli("upload", "a.txt", "--json")).json
    assert (one["status"], one["crc32"]) == ("completed", f"{crc32(b'world'):08x}")


async def test_a_file_that_the_store_has_lost_is_uploaded_anew(
    cli: Cli, store: FaultyStore, services: Services
) -> None:
    data = os.urandom(40 * MIB)
    (cli.folder / "a.bin").write_bytes(data)
    async with interrupted(cli, store, 2, "a.bin"):
        [row] = await services.database.fetch("SELECT job_id FROM upload_jobs")
        lost = await services.uploads.read(row["job_id"])
        assert lost.upload_id is not None
        await services.storage.multipart.abort(lost.key, lost.upload_id)
        async with working(services.settings):
            done = await cli("upload", "a.bin", "--json")
    [one] = done.json
    assert (one["status"], one["crc32"]) == ("completed", f"{crc32(data):08x}")
    assert "The store has lost what was sent of a.bin: it is uploaded anew.\n" in done.error
    assert (await services.uploads.read(lost.id)).status is Status.CANCELLED


@pytest.mark.usefixtures("worker")
async def test_a_file_that_the_store_refuses_does_not_stop_the_others(cli: Cli, store: FaultyStore) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (cli.folder / name).write_text(name)
    store.refused = b"a.txt"
    done = await cli("upload", ".")
    assert (done.code, [line.split()[-1] for line in done.out.splitlines()[1:]]) == (7, ["b.txt", "c.txt"])
    assert "haulage: a.txt can't be sent: the store responds with status 403." in done.error.splitlines()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("changes", [{"upload_bytes_per_day": 1_000}])
async def test_files_that_fit_into_the_quota_of_a_day_are_uploaded(cli: Cli, gateway: str) -> None:
    for number, size in enumerate((300, 300, 500, 300, 600, 100, 700)):
        (cli.folder / f"{number}.bin").write_bytes(bytes(size))
    async with counting(gateway) as (url, requests):
        done = await cli("upload", ".", "--server", url)
    assert (done.code, [line.split()[-1] for line in done.out.splitlines()[1:]]) == (
        7,
        ["0.bin", "1.bin", "3.bin", "5.bin"],
    )
    errors = [line for line in done.error.splitlines() if line.startswith("haulage: ")]
    assert [error.split(": ")[1] for error in errors] == ["2.bin", "4.bin", "6.bin"]
    assert len([line for line in requests if line == "POST /v1/upload"]) < 10


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("changes", [{"max_upload_size": 10}])
async def test_refused_files_cost_few_requests(cli: Cli, gateway: str) -> None:
    for number in range(30):
        (cli.folder / f"{number}.bin").write_bytes(bytes(11))
    async with counting(gateway) as (url, requests):
        done = await cli("upload", ".", "--server", url)
    assert (done.code, done.error.count("\nhaulage: ")) == (2, 30)
    assert len([line for line in requests if line == "POST /v1/upload"]) < 40


@pytest.mark.usefixtures("worker")
async def test_failed_uploads_are_followed_by_few_requests(cli: Cli, gateway: str) -> None:
    for number in range(20):
        (cli.folder / f"{number}.jpg").write_bytes(b"\x7fELF" + bytes(100))
    async with counting(gateway) as (url, requests):
        done = await cli("upload", ".", "--json", "--server", url)
    assert [one["status"] for one in json.loads(done.out)] == ["failed"] * 20
    assert len([line for line in requests if line.startswith("GET /v1/upload/jobs")]) < 10, requests


@pytest.mark.skipif(not Path("/sys/kernel/uevent_seqnum").exists(), reason="only Linux has such files")
async def test_a_file_that_is_shorter_than_its_size_is_unreadable(cli: Cli) -> None:
    process = await cli.start("upload", "/sys/kernel/uevent_seqnum")
    try:
        _, error = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 1
    assert b"haulage: /sys/kernel/uevent_seqnum can't be read: it has fewer than 4,096 bytes\n" in error


@pytest.mark.usefixtures("worker")
async def test_many_files_are_followed_by_few_requests(cli: Cli, gateway: str) -> None:
    """Most have been checked by the time the last one is sent."""
    for number in range(300):
        (cli.folder / f"{number}.txt").write_text(f"file {number}")
    async with counting(gateway) as (url, requests):
        done = await cli("upload", ".", "--json", "--server", url)
    assert {one["status"] for one in done.json} == {"completed"}
    assert len({one["id"] for one in done.json}) == 300
    reads = [line for line in requests if line.startswith("GET ")]
    assert len(reads) < 150, reads
