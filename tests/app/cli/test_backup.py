"""`haulage backup`, `restore` and `reconcile`: a database that goes back in time beside a store that does not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from sqlalchemy import Connection

from app.cli.backup.folder import DUMP, MANIFEST
from app.cli.backup.programs import connection_variables, find_program, find_restore_program
from app.cli.errors import CommandFailed
from jobs.bundles.downloads import Download
from jobs.bundles.keys import bundle_key
from jobs.database import Database
from jobs.engine.jobs import Status
from jobs.files.states import GoneReason
from jobs.migrate import _config, head_revision
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.app.cli.processes import Cli, variables
from tests.helpers.catalogue import Catalogue
from tests.helpers.databases import database_url, execute, fresh_database
from tests.helpers.jobs import create, read, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"lease_ttl": 5, "heartbeat_interval": 1, "heartbeat_timeout": 1}


@pytest.fixture
async def empty_database(template: str) -> AsyncIterator[str]:
    """The URL of a database without anything in it."""
    name = f"test_{uuid4().hex}"
    await execute(template, f"CREATE DATABASE {name}")
    yield database_url(template, name)
    await execute(template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def restored(settings: Settings, empty_database: str) -> Settings:
    """The same installation with the empty database."""
    return with_changes(settings, database_url=empty_database)


@pytest.fixture
def restored_cli(tmp_path: Path, restored: Settings) -> Cli:
    return Cli(tmp_path, variables(restored))


@dataclass(frozen=True, kw_only=True)
class Before:
    """What there was at the time of the backup."""

    completed: Download
    lost: Download
    queued: Download
    running: Download
    file_id: int
    lost_file: int


@pytest.fixture
async def before(services: Services, settings: Settings, catalogue: Catalogue, server_cli: Cli) -> Before:
    """Completed, queued and running downloads, which a backup has; afterwards a bundle and a file are lost in the store."""
    file_id, lost_file = await catalogue.add(b"a" * 1_000, "a.txt"), await catalogue.add(b"b" * 1_000, "b.txt")
    async with working(settings):
        completed = await until_ended(services, await create(services, file_id))
        lost = await until_ended(services, await create(services, lost_file))
    assert completed.result is not None
    assert lost.result is not None
    queued, running = await create(services, file_id, file_id), await create(services, file_id, archive_name="b.zip")
    assert await services.lifecycle.claim(running.id, running.fence, "worker-1") is not None
    done = await server_cli("backup", "kept")
    assert (done.code, done.error) == (0, "")
    await services.storage.objects.delete([lost.result.key])
    await catalogue.remove(lost_file)
    return Before(
        completed=completed,
        lost=lost,
        queued=await read(services, queued.id),
        running=await read(services, running.id),
        file_id=file_id,
        lost_file=lost_file,
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Services]:
    async with open_services(settings) as services:
        yield services


async def test_a_backup_has_a_manifest_and_belongs_to_its_owner_alone(
    before: Before, tmp_path: Path, settings: Settings
) -> None:
    manifest = json.loads((tmp_path / "kept" / MANIFEST).read_text())
    assert (manifest["revision"], manifest["jobs"], manifest["files"]) == (head_revision(), 4, 2)
    assert manifest["bucket"] == settings.s3_bucket_name
    assert manifest["dumpSize"] == (tmp_path / "kept" / DUMP).stat().st_size
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "kept").iterdir()} == {
        DUMP: 0o600,
        MANIFEST: 0o600,
    }
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700
    assert before.completed.status is Status.COMPLETED


async def test_after_a_restore_jobs_run_again_and_what_the_store_has_lost_is_marked(
    before: Before, services: Services, settings: Settings, catalogue: Catalogue, restored: Settings, restored_cli: Cli
) -> None:
    later_file = await catalogue.add(b"later", "later.txt")
    async with working(settings):
        later = await until_ended(services, await create(services, later_file))
    assert later.result is not None
    done = await restored_cli("restore", "kept", "--json")
    report = done.json
    assert report["lostResults"] == [str(before.lost.id)]
    assert report["lostFiles"] == [before.lost_file]
    assert [one["key"] for one in report["orphans"]] == [later.result.key]
    assert [one["key"] for one in report["unknownFiles"]] == [f"files/{later_file}"]
    assert (report["marked"], report["orphansDeleted"]) == (True, 0)
    assert await services.storage.objects.head(later.result.key)
    async with opened(restored) as again, working(restored):
        assert (await read(again, before.completed.id)).status is Status.COMPLETED
        assert (await read(again, before.lost.id)).status is Status.EXPIRED
        lost = await Catalogue(again).said(before.lost_file)
        assert (lost.gone_reason, lost.available) == (GoneReason.LOST, False)
        for job in (before.queued, before.running):
            assert (await until_ended(again, job)).status is Status.COMPLETED
        new = await Catalogue(again).add(b"new", "new.txt")
        assert new > later_file, "nobody gets another file by an id of before"


async def test_ids_of_files_that_left_no_trace_are_not_given_again(
    catalogue: Catalogue, server_cli: Cli, restored: Settings, restored_cli: Cli
) -> None:
    """A file that was added after the backup and is gone from the store."""
    await catalogue.add(b"x")
    assert (await server_cli("backup", "kept")).code == 0
    later_file = await catalogue.add(b"later")
    await catalogue.remove(later_file)
    assert (await restored_cli("restore", "kept", "--json")).json["marked"]
    async with opened(restored) as again:
        assert await Catalogue(again).add(b"new") > later_file


async def test_orphans_are_deleted_on_request_and_added_files_stay(
    before: Before, services: Services, settings: Settings, catalogue: Catalogue, restored_cli: Cli
) -> None:
    later_file = await catalogue.add(b"later", "later.txt")
    async with working(settings):
        later = await until_ended(services, await create(services, later_file))
    assert before.completed.result is not None
    assert later.result is not None
    done = await restored_cli("restore", "kept", "--delete-orphans")
    assert done.code == 0, done.error
    assert f"1 objects without a row, {later.result.size} B, deleted:\n  {later.result.key}\n" in done.out
    keys = {info.key async for info in services.storage.objects.list("")}
    assert later.result.key not in keys
    assert {f"files/{later_file}", before.completed.result.key} <= keys
    again = await restored_cli("reconcile", "--json")
    assert (again.json["orphans"], again.json["lostResults"], again.json["lostFiles"]) == ([], [], [])


async def test_a_database_that_is_not_empty_is_kept_unless_it_is_to_be_replaced(
    before: Before, services: Services, server_cli: Cli, settings: Settings
) -> None:
    await services.database.fetch("UPDATE jobs SET error_message = 'changed since'")
    refused = await server_cli("restore", "kept")
    assert refused.code == 1
    assert "The database is not empty" in refused.error
    assert "--replace" in refused.error
    used = await server_cli("restore", "kept", "--replace")
    assert used.code == 1
    assert "Stop all gateways, intakes and workers first" in used.error
    [row] = await services.database.fetch("SELECT count(*) FROM jobs WHERE error_message = 'changed since'")
    assert row["count"] == 4
    await services.database.close()
    done = await server_cli("restore", "kept", "--replace")
    assert done.code == 0, done.error
    async with opened(settings) as again:
        [row] = await again.database.fetch("SELECT count(*) FROM jobs WHERE error_message = 'changed since'")
        assert row["count"] == 0
        assert (await read(again, before.completed.id)).status is Status.COMPLETED


def make_unloadable(folder: Path) -> None:
    """Cuts the dump in the middle, with a manifest that fits, so that only `pg_restore` notices."""
    dump, manifest = (folder / DUMP).read_bytes(), json.loads((folder / MANIFEST).read_text())
    dump = dump[: len(dump) // 2]
    manifest |= {"dumpSize": len(dump), "dumpSha256": hashlib.sha256(dump).hexdigest()}
    (folder / DUMP).write_bytes(dump)
    (folder / MANIFEST).write_text(json.dumps(manifest))


async def test_what_was_to_be_replaced_is_kept_if_the_dump_cannot_be_loaded(
    before: Before, services: Services, server_cli: Cli, settings: Settings
) -> None:
    await services.database.fetch("UPDATE jobs SET error_message = 'changed since'")
    await services.database.close()
    make_unloadable(server_cli.folder / "kept")
    failed = await server_cli("restore", "kept", "--replace")
    assert failed.code == 1
    assert "pg_restore ended with exit code 1: " in failed.error
    assert "the database is as it was before" in failed.error
    async with opened(settings) as again:
        [row] = await again.database.fetch("SELECT count(*) FROM jobs WHERE error_message = 'changed since'")
        assert row["count"] == 4
        assert (await read(again, before.completed.id)).status is Status.COMPLETED
        assert await schemas(settings.database_url) == ["public"]


@pytest.mark.usefixtures("services")
async def test_a_schema_of_another_name_is_backed_up_alone_restored_and_replaced(
    settings: Settings, empty_database: str, template: str, tmp_path: Path
) -> None:
    in_own = "?options=-c%20search_path%3Down_schema"
    await execute(empty_database, "CREATE SCHEMA own_schema")
    await execute(empty_database, "CREATE TABLE public.of_somebody_else ()")
    source = Cli(tmp_path, variables(with_changes(settings, database_url=empty_database + in_own)))
    assert (await source("migrate")).code == 0
    assert (await source("backup", "own", "--json")).json["schemaName"] == "own_schema"
    name = f"test_{uuid4().hex}"
    await execute(template, f"CREATE DATABASE {name}")
    try:
        target = database_url(template, name)
        other = await Cli(tmp_path, variables(with_changes(settings, database_url=target)))("restore", "own")
        assert other.code == 2
        assert "are in the schema 'own_schema', and DATABASE_URL leads to 'public'" in other.error
        cli = Cli(tmp_path, variables(with_changes(settings, database_url=target + in_own)))
        for options in ((), ("--replace",)):
            done = await cli("restore", "own", *options)
            assert done.code == 0, done.error
            assert await schemas(target) == ["own_schema", "public"]
        connection = await asyncpg.connect(target)
        assert await connection.fetchval("SELECT version_num FROM own_schema.alembic_version") == head_revision()
        assert await connection.fetchval("SELECT to_regclass('public.of_somebody_else')") is None
        await connection.close()
    finally:
        await execute(template, f"DROP DATABASE {name} WITH (FORCE)")


async def schemas(url: str) -> list[str]:
    """The names of the schemas that are not PostgreSQL's own."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname"
        )
        return [row["nspname"] for row in rows]
    finally:
        await connection.close()


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize(
    ("damage", "code", "reason"),
    [
        ("no manifest", 2, "is no backup: it has no manifest.json"),
        ("cut", 2, "is not complete: it should have "),
        ("flipped", 2, "is damaged: its SHA-256 is not that of the manifest"),
        ("later", 2, "The backup is of a later release (9.9, schema 9999)"),
        ("format", 2, "is not a manifest of this release"),
        ("bucket", 2, "--other-bucket"),
        ("server", 1, "use a server of version 99 or later"),
        ("program", 1, "pg_restore of PostgreSQL 99 or later is needed"),
        ("broken", 1, "pg_restore ended with exit code 1: "),
    ],
)
async def test_what_does_not_fit_is_refused_and_changes_nothing(  # noqa: C901 - one case each
    tmp_path: Path, restored: Settings, restored_cli: Cli, damage: str, code: int, reason: str
) -> None:
    folder = tmp_path / "kept"
    manifest = json.loads((folder / MANIFEST).read_text())
    dump = bytearray((folder / DUMP).read_bytes())
    match damage:
        case "no manifest":
            (folder / MANIFEST).unlink()
        case "cut":
            del dump[-1:]
        case "flipped":
            dump[len(dump) // 2] ^= 1
        case "later":
            manifest |= {"revision": "9999", "release": "9.9"}
        case "format":
            manifest |= {"format": 2}
        case "bucket":
            manifest |= {"bucket": "another"}
        case "server":
            manifest |= {"server": 99}
        case "program":
            manifest |= {"dumpedBy": 99}
    (folder / DUMP).write_bytes(dump)
    if damage == "broken":
        make_unloadable(folder)
    elif damage != "no manifest":
        (folder / MANIFEST).write_text(json.dumps(manifest))
    done = await restored_cli("restore", "kept")
    assert (done.code, done.out) == (code, "")
    assert reason in done.error
    connection = await asyncpg.connect(restored.database_url)
    assert await connection.fetchval("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
    await connection.close()


async def test_a_store_in_which_most_is_missing_changes_nothing_unless_that_is_meant(
    catalogue: Catalogue, server_cli: Cli
) -> None:
    ids = [await catalogue.add(b"x", f"{one}.txt") for one in range(12)]
    for file_id in ids[1:]:
        await catalogue.remove(file_id)
    refused = await server_cli("reconcile")
    assert refused.code == 1
    assert "11 files without object, not changed:" in refused.out
    assert "Check S3_ENDPOINT and S3_BUCKET_NAME" in refused.error
    assert (await catalogue.said(ids[1])).available
    done = await server_cli("reconcile", "--mark-lost", "--json")
    assert done.json["lostFiles"] == ids[1:]
    assert [(await catalogue.said(one)).available for one in ids] == [True] + [False] * 11
    assert (await server_cli("reconcile", "--json")).json["checked"] == 1


async def test_orphans_that_are_more_than_half_of_all_objects_are_kept_unless_that_is_meant(
    services: Services, settings: Settings, template: str, tmp_path: Path
) -> None:
    """A database that was just created knows none of the objects of another one."""
    key = bundle_key(uuid4(), 1)
    await services.storage.objects.put(key, b"x", "application/zip")
    async with fresh_database(template) as other:
        cli = Cli(tmp_path, variables(with_changes(settings, database_url=other)))
        refused = await cli("reconcile", "--delete-orphans")
        assert refused.code == 1
        assert "1 of 1 objects have no row. That is more than half, so none was deleted" in refused.error
        assert (await cli("reconcile", "--delete-orphans", "--json")).code == 1
        assert await services.storage.objects.head(key)
        meant = await cli("reconcile", "--delete-orphans", "--even-most", "--json")
        assert meant.json["orphansDeleted"] == 1


async def test_a_restore_beside_a_store_in_which_most_is_missing_fails_and_says_that_nothing_was_marked(
    catalogue: Catalogue, server_cli: Cli, restored: Settings, restored_cli: Cli
) -> None:
    ids = [await catalogue.add(b"x", f"{one}.txt") for one in range(10)]
    assert (await server_cli("backup", "kept")).code == 0
    for file_id in ids:
        await catalogue.remove(file_id)
    done = await restored_cli("restore", "kept", "--json")
    assert done.code == 1
    assert "so nothing was marked" in done.error
    assert json.loads(done.out)["marked"] is False
    async with opened(restored) as again:
        assert (await Catalogue(again).said(ids[0])).available


@pytest.mark.usefixtures("services")
async def test_a_backup_of_an_earlier_schema_is_migrated(
    template: str, empty_database: str, tmp_path: Path, settings: Settings
) -> None:
    earlier = Database.open(empty_database, pool_size=2, timeout=10)

    def upgrade(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0018")

    async with earlier.begin() as connection:
        await connection.run_sync(upgrade)
    await earlier.close()
    old = Cli(tmp_path, variables(with_changes(settings, database_url=empty_database)))
    assert (await old("backup", "old", "--json")).json["revision"] == "0018"
    name = f"test_{uuid4().hex}"
    await execute(template, f"CREATE DATABASE {name}")
    try:
        new = with_changes(settings, database_url=database_url(template, name))
        done = await Cli(tmp_path, variables(new))("restore", "old")
        assert done.code == 0, done.error
        async with opened(new) as services_of_new:
            [row] = await services_of_new.database.fetch("SELECT version_num FROM alembic_version")
            assert row["version_num"] == head_revision()
    finally:
        await execute(template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.usefixtures("services")
async def test_a_folder_that_has_something_in_it_is_not_written_to(server_cli: Cli) -> None:
    (server_cli.folder / "full").mkdir()
    (server_cli.folder / "full" / "a").touch()
    done = await server_cli("backup", "full")
    assert done.code == 2
    assert "exists and is not empty" in done.error


@pytest.mark.usefixtures("services")
async def test_an_empty_folder_is_written_to_itself_and_nothing_beside_it_changes(server_cli: Cli) -> None:
    """It may be where a volume is mounted: no other folder can be renamed to it, and what is beside it is another's."""
    for name in ("mounted", "mounted.part"):
        (server_cli.folder / name).mkdir()
    (server_cli.folder / "mounted.part" / "a").touch()
    before = (server_cli.folder / "mounted").stat().st_ino
    done = await server_cli("backup", "mounted")
    assert done.code == 0, done.error
    assert (server_cli.folder / "mounted").stat().st_ino == before
    assert {path.name for path in (server_cli.folder / "mounted").iterdir()} == {DUMP, MANIFEST}
    assert (server_cli.folder / "mounted.part" / "a").exists()


async def test_an_empty_database_has_nothing_to_back_up(restored_cli: Cli) -> None:
    (restored_cli.folder / "empty").mkdir()
    for name in ("nothing", "empty"):
        done = await restored_cli("backup", name)
        assert done.code == 1
        assert "no schema of Haulage" in done.error
    assert list(restored_cli.folder.rglob("*")) == [restored_cli.folder / "empty"], "nothing is left of it"


def test_a_program_that_is_too_old_is_named_with_what_to_install() -> None:
    with pytest.raises(CommandFailed, match=r"pg_dump of PostgreSQL 99 .* Install the package postgresql-client-99"):
        find_program("pg_dump", 99)


def test_a_dump_that_the_server_cannot_load_is_refused_with_what_can() -> None:
    """`pg_restore` sets `transaction_timeout` from version 17 on, which earlier servers do not know."""
    with pytest.raises(
        CommandFailed, match=r"pg_dump of PostgreSQL 18, and the server is 16: .* PostgreSQL 17 or later"
    ):
        find_restore_program(18, 16)
    with pytest.raises(CommandFailed, match=r"pg_restore of PostgreSQL 16 to 16 .* Install .* postgresql-client-16"):
        find_restore_program(16, 16)
    assert find_restore_program(18, 18).version >= 18


def test_the_connection_of_the_programs_is_that_of_haulage_without_arguments() -> None:
    url = (
        "postgresql+asyncpg://user:p%40ss@one.example:1,two.example:2/name?sslmode=require&connect_timeout=1"
        "&options=-c%20search_path%3Dhaulage&target_session_attrs=read-write"
    )
    found = connection_variables(url)
    assert {name: found[name] for name in ("PGUSER", "PGPASSWORD", "PGDATABASE", "PGHOST", "PGPORT")} == {
        "PGUSER": "user",
        "PGPASSWORD": "p@ss",
        "PGDATABASE": "name",
        "PGHOST": "one.example,two.example",
        "PGPORT": "1,2",
    }
    assert (found["PGSSLMODE"], found["PGOPTIONS"]) == ("require", "-c search_path=haulage")
    assert (found["PGCONNECT_TIMEOUT"], found["PGTARGETSESSIONATTRS"]) == ("2", "read-write")
