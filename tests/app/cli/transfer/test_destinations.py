"""Where `haulage download` saves: special files stay what they are; what can't be written is known before a job exists."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import socket
import stat
import sys
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.cli.errors import CommandFailed
from app.cli.transfer.destination import Destination
from tests.app.cli.processes import Cli, line_with
from tests.app.cli.store_proxy import Proxy
from tests.helpers.catalogue import Catalogue
from tests.helpers.gates import gate
from tests.helpers.listening import listening
from tests.helpers.running import working

DATA = os.urandom(40_000)
"""Less than a pipe holds, so that a test can read it when the command has ended."""


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A terminal of the test's own that passes bytes on unchanged: the descriptor to read it from, and its path."""
    leader, follower = pty.openpty()
    tty.setraw(follower)
    yield leader, os.ttyname(follower)
    os.close(leader)
    os.close(follower)


def read_all(descriptor: int, size: int) -> bytes:
    """What can be read from a pipe or terminal, up to `size` bytes."""
    data = b""
    while len(data) < size and (piece := os.read(descriptor, size - len(data))):
        data += piece
    return data


def device_of(path: str) -> tuple[int, int]:
    """The inode and the number of a character device."""
    found = Path(path).stat()
    assert stat.S_ISCHR(found.st_mode)
    return found.st_ino, found.st_rdev


@contextmanager
def listening_in(folder: Path) -> Iterator[None]:
    """A socket in the folder. The path of one can have 107 bytes, so a relative one is used."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket"))
        yield


@pytest.mark.usefixtures("worker")
class TestSpecialFiles:
    @pytest.mark.parametrize("options", [["--force"], []])
    async def test_a_fifo_is_written_through(self, cli: Cli, catalogue: Catalogue, options: list[str]) -> None:
        fifo = cli.folder / "p"
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        done = await cli("download", await catalogue.add(DATA, "a.bin"), "-o", "p", *options)
        assert done.code == 0, done.error
        assert fifo.is_fifo()
        assert read_all(reader, len(DATA) + 1) == DATA
        os.close(reader)
        assert done.out.startswith("Saved p (40.0 kB, CRC-32 ")
        assert list(cli.folder.iterdir()) == [fifo]

    async def test_a_transfer_into_a_fifo_is_resumed(self, cli: Cli, catalogue: Catalogue, store: Proxy) -> None:
        store.plans = [20_000]
        os.mkfifo(cli.folder / "p")
        reader = os.open(cli.folder / "p", os.O_RDONLY | os.O_NONBLOCK)
        done = await cli("download", await catalogue.add(DATA, "a.bin"), "-o", "p")
        assert done.code == 0, done.error
        assert "\r\nRange: bytes=" in store.requests[1]
        assert read_all(reader, len(DATA) + 1) == DATA
        os.close(reader)

    async def test_what_was_written_through_is_not_started_over(
        self, cli: Cli, catalogue: Catalogue, store: Proxy
    ) -> None:
        other = b'HTTP/1.1 206 Partial\r\nContent-Range: bytes 2-4/5\r\nETag: "2"\r\nContent-Length: 3\r\n\r\nxxx'
        store.plans = [b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "1"\r\nConnection: close\r\n\r\nhe', other]
        done = await cli("download", await catalogue.add(b"hello", "a.txt"), "-o", "-")
        assert (done.code, done.out) == (1, "he")
        assert "haulage: Standard output has received the start of a result" in done.error

    @pytest.mark.parametrize("options", [["--force"], []])
    @pytest.mark.parametrize("linked", [False, True])
    async def test_a_terminal_is_written_through(
        self, cli: Cli, catalogue: Catalogue, terminal: tuple[int, str], options: list[str], linked: bool
    ) -> None:
        leader, path = terminal
        before = device_of(path)
        if linked:
            (cli.folder / "link").symlink_to(path)
        file_id = await catalogue.add(DATA[:1000], "a.bin")
        done = await cli("download", file_id, "-o", "link" if linked else path, *options)
        assert done.code == 0, done.error
        assert device_of(path) == before
        assert [(file.name, file.is_symlink()) for file in cli.folder.iterdir()] == [("link", True)] * linked
        assert read_all(leader, 1000) == DATA[:1000]

    async def test_the_target_of_a_link_is_overwritten_and_keeps_its_mode(self, cli: Cli, catalogue: Catalogue) -> None:
        target, link = cli.folder / "real" / "a.bin", cli.folder / "link"
        target.parent.mkdir()
        target.write_text("mine")
        target.chmod(0o600)
        link.symlink_to("real/a.bin")
        file_id = await catalogue.add(DATA, "a.bin")
        refused = await cli("download", file_id, "-o", "link")
        assert (refused.code, refused.error) == (1, "haulage: link exists; use --force to overwrite it.\n")
        assert target.read_text() == "mine"
        done = await cli("download", file_id, "-o", "link", "--force")
        assert done.code == 0, done.error
        assert link.readlink() == Path("real/a.bin")
        assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (DATA, 0o600)
        assert list(target.parent.iterdir()) == [target]

    async def test_a_link_to_nothing_yet_leads_to_the_new_file(self, cli: Cli, catalogue: Catalogue) -> None:
        (cli.folder / "real").mkdir()
        (cli.folder / "link").symlink_to("real/a.bin")
        done = await cli("download", await catalogue.add(DATA, "a.bin"), "-o", "link")
        assert done.code == 0, done.error
        assert (cli.folder / "link").is_symlink()
        assert (cli.folder / "real" / "a.bin").read_bytes() == DATA

    async def test_in_a_folder_a_special_file_is_only_written_with_force(self, cli: Cli, catalogue: Catalogue) -> None:
        target = cli.folder / "target"
        target.write_text("mine")
        (cli.folder / "a.bin").symlink_to("target")
        file_id = await catalogue.add(DATA, "a.bin")
        assert (await cli("download", file_id)).code == 0
        assert target.read_text() == "mine"
        assert (cli.folder / "a (2).bin").read_bytes() == DATA
        assert (await cli("download", file_id, "--force")).code == 0
        assert (cli.folder / "a.bin").is_symlink()
        assert target.read_bytes() == DATA


@pytest.mark.usefixtures("worker")
class TestStandardOutput:
    async def test_the_result_is_all_that_is_on_it(self, cli: Cli, catalogue: Catalogue) -> None:
        done = await cli("download", await catalogue.add(b"hello\n", "a.txt"), "-o", "-")
        assert (done.code, done.out) == (0, "hello\n"), done.error
        assert done.error.splitlines()[-3:-1] == ["completed", "saving 6 B"]
        assert done.error.splitlines()[-1].startswith("Saved to standard output (6 B, CRC-32 ")
        assert list(cli.folder.iterdir()) == []

    async def test_with_json_the_description_goes_to_standard_error(self, cli: Cli, catalogue: Catalogue) -> None:
        done = await cli("download", await catalogue.add(b"hello\n", "a.txt"), "-o", "-", "--json")
        assert (done.code, done.out) == (0, "hello\n"), done.error
        described = json.loads(done.error)
        assert (described["path"], described["size"]) == ("-", 6)

    async def test_a_file_that_it_is_appended_to_keeps_what_it_has(self, cli: Cli, catalogue: Catalogue) -> None:
        path = cli.folder / "log"
        path.write_text("before\n")
        with path.open("ab") as file:
            process = await cli.start("download", await catalogue.add(b"hello\n", "a.txt"), "-o", "-", out=file)
            assert await process.wait() == 0
        assert path.read_text() == "before\nhello\n"

    async def test_a_pipe_that_does_not_block_is_written_as_fast_as_it_is_read(
        self, cli: Cli, catalogue: Catalogue
    ) -> None:
        data = os.urandom(1_000_000)
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        process = await cli.start("download", await catalogue.add(data, "a.bin"), "-o", "-", out=writer)
        os.close(writer)
        assert await asyncio.to_thread(read_all, reader, len(data) + 1) == data
        assert await process.wait() == 0
        os.close(reader)

    async def test_a_reader_that_leaves_is_an_error(self, cli: Cli, catalogue: Catalogue) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        process = await cli.start("download", await catalogue.add(DATA, "a.bin"), "-o", "-", out=writer)
        os.close(writer)
        _, error = await process.communicate()
        assert process.returncode == 1
        assert error.decode().splitlines()[-1] == "haulage: Standard output can't be written: Broken pipe"


@pytest.mark.usefixtures("worker")
class TestLongNames:
    @pytest.mark.parametrize("name", ["n" * 247, "n" * 255, "ü" * 300, "😀" * 100])
    async def test_they_are_shortened_and_keep_their_extension(self, cli: Cli, catalogue: Catalogue, name: str) -> None:
        file_id = await catalogue.add(DATA, "a.bin")
        for _ in range(3):
            done = await cli("download", file_id, "--name", name)
            assert done.code == 0, done.error
        saved = sorted(path.name for path in cli.folder.iterdir())
        assert len(saved) == 3
        assert all(len(os.fsencode(one)) <= 255 for one in saved)
        stems = {one.removesuffix(".zip").removesuffix(" (2)").removesuffix(" (3)") for one in saved}
        assert all(name.startswith(stem) for stem in stems)
        assert sum(one.endswith(" (2).zip") for one in saved) == sum(one.endswith(" (3).zip") for one in saved) == 1

    @pytest.mark.parametrize("name", ["n" * 255, "n" * 251 + ".zip"])
    async def test_a_name_as_long_as_the_file_system_allows_is_kept(
        self, cli: Cli, catalogue: Catalogue, name: str
    ) -> None:
        done = await cli("download", await catalogue.add(DATA, "a.bin"), "-o", name)
        assert done.code == 0, done.error
        assert [path.name for path in cli.folder.iterdir()] == [name]


class TestAnotherFileSystem:
    """One whose names have at most 143 bytes, such as eCryptfs."""

    @pytest.fixture(autouse=True)
    def _names_are_short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "pathconf", lambda _, name: {"PC_NAME_MAX": 143}[name])

    def test_every_name_fits(self, tmp_path: Path) -> None:
        for _ in range(12):
            with Destination(str(tmp_path)).open("ü" * 200 + ".tar") as out:
                [partial] = tmp_path.glob("*.part")
                assert len(os.fsencode(partial.name)) <= 143
                out.write(b"x")
                out.complete()
        saved = [path.name for path in tmp_path.iterdir()]
        assert len(saved) == 12
        assert all(len(os.fsencode(name)) <= 143 and name.endswith(".tar") for name in saved)
        assert "ü" * 69 + ".tar" in saved
        assert "ü" * 67 + " (12).tar" in saved

    def test_two_downloads_at_once_have_a_partial_file_each(self, tmp_path: Path) -> None:
        destination = Destination(str(tmp_path))
        with destination.open("n" * 300) as first, destination.open("n" * 300) as second:
            assert len(list(tmp_path.glob("*.part"))) == 2
            first.write(b"1")
            second.write(b"2")
            first.complete()
            second.complete()
        assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"1", b"2"]


def test_a_name_that_is_no_utf8_can_be_long_and_taken(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff" + b"n" * 250)
    with Destination(str(path)).open("a.zip") as out:
        path.touch()
        out.complete()
    assert sorted(os.fsencode(one.name)[-4:] for one in tmp_path.iterdir()) == [b" (2)", b"nnnn"]


@pytest.mark.usefixtures("worker")  # which ends a job that should not exist
@pytest.mark.parametrize(
    ("output", "code", "message"),
    [
        ("nowhere/a.zip", 1, "The folder nowhere does not exist."),
        ("nowhere/", 1, "The folder nowhere does not exist."),
        ("nowhere/.", 1, "The folder nowhere does not exist."),
        ("file/", 1, "The folder file does not exist."),
        ("file/x", 1, "The folder file does not exist."),
        ("/proc/x.zip", 1, "/proc/x.zip can't be written: No such file or directory"),
        ("/proc", 1, "/proc can't be written: No such file or directory"),
        ("n" * 256, 1, f"{'n' * 256} can't be written: File name too long"),
        ("loop", 1, "loop can't be written: Too many levels of symbolic links"),
        ("socket", 1, "socket is a socket."),
        ("", 2, "The name of the output is empty. Use . for the working folder."),
    ],
)
async def test_what_can_not_be_written_is_refused_before_a_job_exists(
    cli: Cli, api: httpx.AsyncClient, output: str, code: int, message: str
) -> None:
    (cli.folder / "file").touch()
    (cli.folder / "loop").symlink_to("loop")
    with listening_in(cli.folder):
        done = await cli("download", 10000, "-o", output, "--force")
    assert (done.code, done.error) == (code, f"haulage: {message}\n")
    assert (await api.get("/v1/download/jobs")).json()["jobs"] == []
    assert sorted(path.name for path in cli.folder.iterdir()) == ["file", "loop", "socket"]


def test_the_check_leaves_no_file_behind(tmp_path: Path) -> None:
    Destination(str(tmp_path)).check()
    Destination(str(tmp_path / "a.zip")).check()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_the_name_of_the_result_is_no_file_to_overwrite(tmp_path: Path) -> None:
    (tmp_path / "a.zip").mkdir()
    with pytest.raises(CommandFailed, match=r"a\.zip is a folder"):
        Destination(str(tmp_path), force=True).open("a.zip")


async def test_a_standard_output_that_is_closed_is_an_error(bare_cli: Cli) -> None:
    """Otherwise a connection could get its descriptor, and be written to."""
    closing = ["sh", "-c", 'exec "$0" -m app.cli download 10000 -o - >&-', sys.executable]
    process = await asyncio.create_subprocess_exec(*closing, cwd=bare_cli.folder, stderr=asyncio.subprocess.PIPE)
    _, error = await process.communicate()
    assert (process.returncode, error) == (1, b"haulage: standard output is closed\n")


class TestCtrlC:
    async def test_before_the_job_exists_it_says_where_to_look(self, bare_cli: Cli) -> None:
        requested = asyncio.Event()

        async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            requested.set()
            await asyncio.Event().wait()

        async with listening(hang) as url:
            for command, message in [
                (["download", "10000"], "Interrupted before the server confirmed the job. `haulage jobs list` shows"),
                (["jobs", "list"], "haulage: interrupted"),
            ]:
                requested.clear()
                process = await bare_cli.start(*command, "--server", url)
                await requested.wait()
                process.send_signal(signal.SIGINT)
                _, error = await process.communicate()
                assert process.returncode == 130
                assert error.decode().startswith(message)

    async def test_while_the_result_is_saved_it_says_that_it_can_be_saved_again(
        self, cli: Cli, catalogue: Catalogue, store: Proxy, settings: Any, environment: dict[str, str]
    ) -> None:
        file_id = await catalogue.add(os.urandom(3_000_000), "a.bin")
        async with gate(environment["S3_ENDPOINT"], 1_000_000) as held, working(settings):
            store.target = held.url
            process = await cli.start("download", file_id)
            await line_with(process, "saving")
            await held.held.wait()
            process.send_signal(signal.SIGINT)
            _, error = await process.communicate()
        assert process.returncode == 130
        assert "is completed: `haulage download --job" in error.decode()
        assert list(cli.folder.iterdir()) == []
