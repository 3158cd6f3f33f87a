"""`haulage check` and `haulage migrate`, and settings that are missing."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from app.cli.dependency_checks import describe_version
from app.exit_codes import ExitCode
from jobs.access.users import list_users
from jobs.migrate import head_revision
from jobs.processing.sandbox import choose_sandbox
from jobs.services import Services
from jobs.settings import ProcessingSettings, Settings
from jobs.uploads.scanning import ScannerVersion
from tests.app.cli.processes import Cli, variables
from tests.helpers.clamd import ClamdServer, running_clamd
from tests.helpers.refusing_redis import REFUSALS
from tests.helpers.sandboxes import skip_without
from tests.helpers.settings import with_changes

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.usefixtures("worker")
async def test_every_dependency_works(server_cli: Cli) -> None:
    done = await server_cli("check")
    assert done.code == 0, done.out
    lines = [line.split(maxsplit=2) for line in done.out.splitlines()]
    assert lines == [
        ["database", "ok"],
        ["schema", "ok", head_revision()],
        ["storage", "ok"],
        ["redis", "ok"],
        ["queue", "ok"],
        ["encrypted", "ok", "AES256, and what was written could be read"],
        ["cold", "ok", "off: uploaded files stay in the storage class that they are sent to"],
        ["sandbox", "ok", f"{choose_sandbox(ProcessingSettings()).name}, and a child could not leave it"],
    ]


@pytest.mark.usefixtures("services")
async def test_without_a_worker_the_queue_is_an_error(server_cli: Cli) -> None:
    done = await server_cli("check", "--json")
    assert done.code == 7
    assert '"detail": "No worker is running: queued jobs wait until one starts."' in done.out


async def test_each_unavailable_dependency_has_its_line(tmp_path: Path, settings: Settings) -> None:
    unavailable = variables(settings) | {
        "DATABASE_URL": "postgresql://a:hidden@127.0.0.1:9/a",
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "S3_ENDPOINT": "http://127.0.0.1:9",
    }
    done = await Cli(tmp_path, unavailable)("check")
    assert done.code == 7
    assert [line.split()[1] for line in done.out.splitlines()] == ["error"] * 7 + ["ok"]
    assert "hidden" not in done.out + done.error
    assert "Traceback" not in done.error


@pytest.mark.usefixtures("worker")
async def test_the_sandbox_that_a_worker_would_use_has_a_line(tmp_path: Path, settings: Settings) -> None:
    skip_without("landlock")
    for changes, code, line in [
        ({"SANDBOX": "landlock"}, 0, "sandbox   ok     landlock, and a child could not leave it"),
        ({"SANDBOX": "off"}, 0, "sandbox   ok     off: nothing confines decoders"),
        ({"SCRATCH_DIR": "/proc"}, 7, "sandbox   error  Files cannot be processed: SCRATCH_DIR, or else the system's"),
    ]:
        done = await Cli(tmp_path, variables(settings) | changes)("check")
        assert done.code == code
        assert [found.startswith(line) for found in done.out.splitlines() if found.startswith("sandbox")] == [True]
        assert ("open: SANDBOX is off" in done.error) == (changes == {"SANDBOX": "off"})


@pytest.mark.parametrize("command", ["check", "migrate"])
async def test_the_words_of_the_database_are_shown(tmp_path: Path, settings: Settings, command: str) -> None:
    wrong = make_url(settings.database_url).set(password="wr0ng").render_as_string(hide_password=False)
    for url, said in [
        (wrong, "password authentication failed for user"),
        (f"{settings.database_url}_not", '_not" does not exist'),
        (f"{settings.database_url}?sslmode=require", "rejected SSL upgrade"),
        ("postgresql://a:b@127.0.0.1:9/a", "127.0.0.1:9: "),
    ]:
        done = await Cli(tmp_path, variables(settings) | {"DATABASE_URL": url})(command)
        assert done.code == 7
        assert said in done.out + done.error
        assert "wr0ng" not in done.out + done.error
        assert "Traceback" not in done.error


async def test_a_database_that_refuses_is_reported_once_in_a_sentence(tmp_path: Path, settings: Settings) -> None:
    url = make_url(settings.database_url)
    wrong = url.set(password="wr0ng").render_as_string(hide_password=False)
    sentence = (
        f"The database refuses this server: {url.host}:{url.port}: password authentication failed for user "
        f'"{url.username}".'
    )
    cli = Cli(tmp_path, variables(settings) | {"DATABASE_URL": wrong})
    checked = await cli("check")
    lines = dict(line.split(maxsplit=1) for line in checked.out.splitlines())
    assert checked.error == ""
    assert lines["database"] == f"error  {sentence}"
    assert lines["schema"] == lines["queue"] == "error  Not checked: the database does not work."
    migrated = await cli("migrate")
    assert (migrated.code, migrated.out, migrated.error) == (7, "", f"haulage: {sentence}\n")


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "check"])
async def test_an_unsupported_parameter_of_the_database_is_refused_by_name(
    tmp_path: Path, settings: Settings, command: str
) -> None:
    url = f"{settings.database_url}?hostaddr=127.0.0.1"
    done = await Cli(tmp_path, variables(settings) | {"DATABASE_URL": url})(command)
    assert done.code == 2
    assert "DATABASE_URL: the parameter 'hostaddr' is not supported: remove it" in done.error


@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize(
    ("public_url", "root_path", "reason"),
    [
        ("", "/v1", "ROOT_PATH must not start with /v1, as addresses of the gateway itself do."),
        (
            "https://site.example/jobs/a",
            "",
            "ROOT_PATH must not start with /jobs, as addresses of the gateway itself do.",
        ),
        ("https://site.example/a", "/b", "ROOT_PATH: is /b, but PUBLIC_URL has the path /a: leave out ROOT_PATH"),
    ],
)
async def test_the_check_refuses_the_addresses_that_a_gateway_refuses(
    tmp_path: Path, settings: Settings, command: str, public_url: str, root_path: str, reason: str
) -> None:
    changes = {name: value for name, value in {"PUBLIC_URL": public_url, "ROOT_PATH": root_path}.items() if value}
    done = await Cli(tmp_path, variables(settings) | changes)(command)
    assert done.code == 2
    assert done.out == ""
    assert reason in done.error


async def test_a_redis_that_refuses_to_work_says_why(
    tmp_path: Path, settings: Settings, environment: dict[str, str], services: Services
) -> None:
    del services
    refusing, words = REFUSALS["out of memory"]
    async with refusing(environment["REDIS_URL"]):
        done = await Cli(tmp_path, variables(settings))("check")
    assert done.code == 7
    [line] = [line for line in done.out.splitlines() if line.startswith("redis")]
    assert line.split()[1] == "error"
    assert words in line


async def test_an_empty_database_is_migrated_once(server_cli: Cli, services: Services) -> None:
    async with services.database.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    (server_cli.folder / "a.txt").touch()
    refused = await server_cli("files", "add", "a.txt")
    assert refused.code == 7
    assert "run `haulage migrate`" in refused.error
    assert "run `haulage migrate`" in (await server_cli("check")).out
    assert (await server_cli("migrate", "--json")).json == {"before": None, "after": head_revision()}
    assert (await server_cli("migrate")).out == f"The schema is already at version {head_revision()}.\n"
    assert (await server_cli("files", "add", "a.txt")).code == 0


async def test_a_schema_of_a_later_release_is_left_as_it_is(server_cli: Cli, services: Services) -> None:
    """As after a rollback, when a pod of the earlier release migrates before it starts."""
    tables = text(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    partitions = text(
        "SELECT max(relname) FROM pg_class WHERE relispartition AND relkind = 'r' AND relname !~ 'default'"
    )
    async with services.database.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
        partition = (await connection.execute(partitions)).scalar_one()
        await connection.execute(text(f'DROP TABLE "{partition}"'))
        before = (await connection.execute(tables)).scalars().all()
    done = await server_cli("migrate", "--create-admin", "olga")
    assert (done.code, done.error) == (0, "")
    assert done.out == "The schema is of a later release (version later): nothing was changed.\n"
    assert (await server_cli("migrate", "--json")).json == {"before": "later", "after": "later"}
    async with services.database.begin() as connection:
        assert (await connection.execute(tables)).scalars().all() == before
    assert "olga" not in {user.name for user in await list_users(services.database)}
    refused = await server_cli("users", "list")
    assert refused.code == 7
    assert "version later, which is of a later release" in refused.error


async def test_the_bucket_is_created_on_request(settings: Settings, tmp_path: Path) -> None:
    bucket = f"new-{uuid4().hex}"
    cli = Cli(tmp_path, variables(with_changes(settings, s3_bucket_name=bucket)))
    assert (await cli("migrate")).code == 0
    assert f"The bucket '{bucket}' does not exist" in (await cli("check")).out
    for _ in range(2):
        assert (await cli("migrate", "--create-bucket")).code == 0
    [line] = [line for line in (await cli("check")).out.splitlines() if line.startswith("storage")]
    assert line.split() == ["storage", "ok"]


@pytest.mark.usefixtures("worker")
async def test_a_store_that_does_not_move_files_is_an_error_only_if_it_should(server_cli: Cli) -> None:
    cold = server_cli.environment | {"COLD_STORAGE_CLASS": "STANDARD_IA"}
    assert (await Cli(server_cli.folder, cold)("migrate", "--create-bucket")).code == 0  # the store refuses the rule
    done = await Cli(server_cli.folder, cold)("check")
    assert done.code == 7
    [line] = [line for line in done.out.splitlines() if line.startswith("cold")]
    assert line.startswith("cold      error  The bucket has no rule that moves uploaded files to STANDARD_IA.")
    assert line.endswith("SeaweedFS and MinIO refuse such rules: unset COLD_STORAGE_CLASS there.")
    frozen = await Cli(server_cli.folder, cold | {"COLD_STORAGE_CLASS": "DEEP_ARCHIVE"})("check")
    assert frozen.code == 2
    assert "COLD_STORAGE_CLASS: objects of this class have to be restored before they can be read" in frozen.error


@pytest.mark.usefixtures("worker")
async def test_a_bucket_that_is_not_encrypted_is_no_error(server_cli: Cli, services: Services) -> None:
    client, bucket = services.storage.bucket._botocore_client, services.storage.bucket.name  # noqa: SLF001
    client.delete_bucket_encryption(Bucket=bucket)
    done = await server_cli("check")
    assert done.code == 0
    [line] = [line for line in done.out.splitlines() if line.startswith("encrypted")]
    assert line.startswith("encrypted ok     off: files are stored as they are.")


@pytest.mark.parametrize("command", [["serve"], ["worker"], ["migrate"], ["check"], ["files", "list"]])
async def test_every_missing_setting_is_named(bare_cli: Cli, command: list[str]) -> None:
    done = await bare_cli(*command)
    assert done.code == 2
    assert len(done.error.splitlines()) == 1
    for name in ("DATABASE_URL", "REDIS_URL", "S3_ENDPOINT", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"):
        assert name in done.error
    assert "haulage up" in done.error


@pytest.mark.servers
async def test_a_wrong_setting_is_named_without_its_value(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"DATABASE_URL": "mysql://a:hidden@127.0.0.1/a", "S3_ENDPOINT": "ftp://x"}
    done = await Cli(tmp_path, wrong)("serve")
    assert done.code == 2
    assert "DATABASE_URL: " in done.error
    assert "S3_ENDPOINT: " in done.error
    assert "hidden" not in done.error


async def test_a_folder_without_a_stack_is_an_error(server_cli: Cli) -> None:
    done = await server_cli("files", "list", "--data-dir", "nowhere")
    assert done.code == 8
    assert "no stack is running" in done.error


async def test_help_lists_the_exit_codes(bare_cli: Cli) -> None:
    done = await bare_cli("--help")
    assert done.code == 0
    words = " ".join(done.out.split())
    assert [code for code in ExitCode if f"{code:d} {code.meaning.replace('`', '')}" not in words] == []
    assert (await bare_cli("--version")).out == "haulage 0.1.0\n"


async def test_a_gateway_whose_port_is_in_use_exits_with_3(server_cli: Cli, services: Services) -> None:
    del services
    with socket.create_server(("127.0.0.1", 0)) as taken:
        cli = Cli(server_cli.folder, {**server_cli.environment, "PORT": str(taken.getsockname()[1])})
        done = await cli("serve")
    assert done.code == ExitCode.NOT_STARTED
    assert "Address already in use" in done.error


def scanner_line(out: str) -> str:
    [line] = [line for line in out.splitlines() if line.startswith("scanner")]
    return line


@pytest.mark.usefixtures("worker")
async def test_the_scanner_is_tested_if_there_is_one(server_cli: Cli, clamd: ClamdServer) -> None:
    done = await Cli(server_cli.folder, server_cli.environment | {"CLAMD_URL": clamd.tcp_url})("check")
    assert done.code == 0, done.out
    assert re.fullmatch(
        r"scanner   ok     ClamAV 1\.[0-9.]+, signatures of its own without a date", scanner_line(done.out)
    )


@pytest.mark.usefixtures("worker")
async def test_a_scanner_that_must_not_be_relied_on_is_an_error(
    server_cli: Cli, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def checked(url: str) -> str:
        done = await Cli(server_cli.folder, server_cli.environment | {"CLAMD_URL": url})("check")
        assert done.code == 7
        return scanner_line(done.out)

    with running_clamd(tmp_path_factory.mktemp("clamd"), AlertExceedsMax="no") as server:
        assert await checked(server.url) == (
            "scanner   error  The virus scanner is not set up correctly: it calls files clean that exceed its limits and "
            "were not scanned: set AlertExceedsMax to yes in clamd.conf and restart clamd."
        )
    assert await checked(server.url) == (
        f"scanner   error  The virus scanner is unavailable: {server.url}: No such file or directory: start clamd, or "
        "correct CLAMD_URL (LocalSocket in clamd.conf)."
    )
    with running_clamd(tmp_path_factory.mktemp("clamd"), b"something else") as server:
        assert await checked(server.url) == (
            "scanner   error  The virus scanner is not set up correctly: it does not find the EICAR test file: check that "
            "freshclam has loaded the signatures."
        )


@pytest.mark.parametrize(
    ("version", "detail"),
    [
        (
            ScannerVersion("ClamAV 1.4.3", 27_500, NOW - timedelta(days=6)),
            "ClamAV 1.4.3, signatures 27500 of 2026-11-23",
        ),
        (
            ScannerVersion("ClamAV 1.4.3", 27_500, NOW - timedelta(days=8)),
            "ClamAV 1.4.3, signatures 27500 of 2026-11-21: they are 8 days old, check that freshclam runs",
        ),
        (ScannerVersion("ClamAV 1.4.3", None, None), "ClamAV 1.4.3, signatures of its own without a date"),
    ],
)
def test_old_signatures_are_reported(version: ScannerVersion, detail: str) -> None:
    assert describe_version(version, NOW) == detail
