"""`haulage files`."""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.cli.local_files import LocalFile, UnreadableFile, read, scan
from jobs.files.catalogue import find_files, insert_file
from jobs.files.states import Role
from jobs.files.texts import insert_text
from jobs.services import Services
from tests.app.cli.processes import Cli, unpadded
from tests.helpers.catalogue import next_id

pytestmark = pytest.mark.usefixtures("services")


async def test_a_file_gets_an_id_and_its_checksums(server_cli: Cli) -> None:
    data = os.urandom(9_000_001)
    (server_cli.folder / "größe.bin").write_bytes(data)
    [added] = (await server_cli("files", "add", "größe.bin", "--json")).json
    assert added == {
        "id": 10000,
        "name": "größe.bin",
        "size": len(data),
        "crc32": f"{zlib.crc32(data):08x}",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    assert (await server_cli("files", "list", "--json")).json == [added]


async def test_a_line_says_id_name_and_size(server_cli: Cli) -> None:
    (server_cli.folder / "a.txt").write_text("hello")
    done = await server_cli("files", "add", "a.txt")
    assert (done.code, done.out, done.error) == (0, "ID     SIZE  NAME\n10000  5 B   a.txt\n", "")


async def test_a_folder_is_added_with_all_that_is_in_it(server_cli: Cli) -> None:
    folder = server_cli.folder / "photos"
    (folder / "sea").mkdir(parents=True)
    for name in ("b.jpg", "a.jpg", "sea/c.jpg"):
        (folder / name).write_text(name)
    added = (await server_cli("files", "add", "photos", "--json")).json
    assert [(file["id"], file["name"]) for file in added] == [
        (10000, "photos/a.jpg"),
        (10001, "photos/b.jpg"),
        (10002, "photos/sea/c.jpg"),
    ]


async def test_what_cannot_be_read_is_named_and_the_rest_is_added(server_cli: Cli) -> None:
    (server_cli.folder / "a.txt").write_text("a")
    os.mkfifo(server_cli.folder / "pipe")
    done = await server_cli("files", "add", "gone.txt", "pipe", "a.txt")
    assert (done.code, done.out) == (1, "ID     SIZE  NAME\n10000  1 B   a.txt\n")
    assert done.error.splitlines() == [
        "haulage: gone.txt can't be read: No such file or directory",
        "haulage: pipe is not a file",
    ]
    nothing = await server_cli("files", "add", "gone.txt")
    assert (nothing.code, nothing.out) == (1, "")


async def test_the_list_can_be_searched(server_cli: Cli) -> None:
    for name in ("one.txt", "two.txt"):
        (server_cli.folder / name).write_text(name)
    await server_cli("files", "add", "one.txt", "two.txt")
    done = await server_cli("files", "list", "-q", "TWO")
    assert unpadded(done) == ["ID     SIZE  NAME", "10001  7 B   two.txt"]
    assert (await server_cli("files", "list", "-q", "three")).out == "ID  SIZE  NAME\n"


async def test_the_list_can_be_searched_for_the_words_of_texts(server_cli: Cli, services: Services) -> None:
    (server_cli.folder / "lease.pdf").write_text("x")
    [added] = (await server_cli("files", "add", "lease.pdf", "--json")).json
    async with services.database.begin() as connection:
        parent = (await find_files(connection, [added["id"]]))[added["id"]]
        text = replace(parent, id=await next_id(connection), role=Role.TEXT, parent_id=parent.id)
        await insert_file(connection, text)
        await insert_text(connection, text, b"The notice period is a month.")
    done = await server_cli("files", "list", "--text", '"notice period"')
    assert unpadded(done) == [
        "ID     SIZE  NAME       TEXT",
        "10000  1 B   lease.pdf  notice period is a month",
    ]
    [found] = (await server_cli("files", "list", "--text", "notice", "-q", "lease", "--json")).json
    assert found == {**added, "snippet": "notice period is a month"}
    assert (await server_cli("files", "list", "--text", "notice", "-q", "other", "--json")).json == []


async def test_an_object_that_is_added_is_the_one_that_the_catalogue_has(server_cli: Cli, services: Services) -> None:
    (server_cli.folder / "a.txt").write_text("hello")
    await server_cli("files", "add", "a.txt")
    async with services.database.reading() as connection:
        file = (await find_files(connection, [10000]))[10000]
    info = await services.storage.objects.head("files/10000")
    assert (file.key, file.etag, file.content_type) == ("files/10000", info.etag, "text/plain")


@pytest.mark.parametrize("seconds", [-600_000_000, 0, 1_000_000_000, 5_000_000_000])
async def test_the_catalogue_has_the_time_of_the_file(server_cli: Cli, services: Services, seconds: int) -> None:
    (server_cli.folder / "a.txt").touch()
    os.utime(server_cli.folder / "a.txt", (seconds, seconds))
    await server_cli("files", "add", "a.txt")
    async with services.database.reading() as connection:
        file = (await find_files(connection, [10000]))[10000]
    assert file.modified_at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def test_a_time_that_is_no_date_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File systems with 64-bit times can store it; this machine's may not."""
    (tmp_path / "a.txt").touch()

    class Stat:
        st_mode, st_size, st_mtime_ns = 0o100644, 0, 10**21  # the year 33,658

    monkeypatch.setattr(Path, "stat", lambda *_, **__: Stat)
    [file] = scan([tmp_path / "a.txt"])
    assert isinstance(file, LocalFile)
    assert file.modified_at is None


async def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(bytes(3_000_000))
    chunks = read(LocalFile(path, "a.log", 3_000_000, None))
    await anext(chunks)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(UnreadableFile, match=r"a\.log changed while it was being read"):
        [chunk async for chunk in chunks]


def test_the_working_folder_gives_its_files_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert [(file.path, file.name) for file in scan([Path()]) if isinstance(file, LocalFile)] == [
        (Path("a.txt"), "a.txt")
    ]
