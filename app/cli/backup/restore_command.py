"""`haulage restore`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from app.cli.backup.folder import DUMP, Manifest, read_backup
from app.cli.backup.programs import find_restore_program, run_program
from app.cli.backup.reconcile_command import Report, print_report, reconciled, require_done
from app.cli.environment import load_settings
from app.cli.errors import CommandFailed
from app.cli.output import print_json, print_message
from app.cli.service_runner import run_with_services
from jobs.errors import InvalidRequest
from jobs.migrate import is_known_revision, migrate
from jobs.recovery.schemas import delete_schema, make_room, put_back, replaced_name
from jobs.recovery.snapshots import inspect_target
from jobs.services import Services
from jobs.settings import Settings


def restore(
    folder: Path,
    data_dir: Path | None,
    *,
    replace: bool,
    other_bucket: bool,
    delete_orphans: bool,
    even_most: bool,
    mark_lost: bool,
    as_json: bool,
) -> None:
    """Restore a backup, migrate it to this release, and reconcile it with the store.

    Raises `InvalidRequest` and `CommandFailed` before anything was changed, if the backup or the database does not fit.
    """
    settings = load_settings(data_dir)

    async def run(services: Services) -> tuple[Manifest, Report]:
        manifest = await read_backup(folder)
        check_fits(manifest, settings, other_bucket=other_bucket)
        await _load(services, folder, manifest, replace=replace)
        print_message("The database is restored. It is compared with the store now.")
        return manifest, await reconciled(
            services, delete_orphans=delete_orphans, even_most=even_most, mark_lost=mark_lost
        )

    manifest, report = run_with_services(settings, run, schema=False)
    if as_json:
        print_json({"backup": manifest.model_dump(by_alias=True, mode="json"), **report.as_json()})
        return require_done(report)
    print(
        f"The database is as it was at {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC: {manifest.jobs:,} jobs,"
        f" {manifest.files:,} files. What ran then runs again once a worker starts."
    )
    return print_report(report)


def check_fits(manifest: Manifest, settings: Settings, *, other_bucket: bool) -> None:
    """Raise `InvalidRequest` for a backup of a later release, or one whose objects are in another bucket."""
    if not is_known_revision(manifest.revision):
        raise InvalidRequest(
            f"The backup is of a later release ({manifest.release}, schema {manifest.revision}): restore it with that one."
        )
    if manifest.bucket != settings.s3_bucket_name and not other_bucket:
        raise InvalidRequest(
            f"The objects of this backup are in the bucket {manifest.bucket!r}, and S3_BUCKET_NAME is"
            f" {settings.s3_bucket_name!r}: what is not there would be marked as lost. If they were copied, add"
            " --other-bucket."
        )


async def _load(services: Services, folder: Path, manifest: Manifest, *, replace: bool) -> None:
    """Load the dump in one transaction and migrate it. With `replace`, what was there is back if that fails."""
    target = await inspect_target(services.database, manifest.schema_name)
    if target.server < manifest.server:
        raise CommandFailed(
            f"The backup is of PostgreSQL {manifest.server}, and the server is {target.server}: use a server of version"
            f" {manifest.server} or later."
        )
    if target.tables and not replace:
        raise CommandFailed(
            f"The database is not empty ({target.tables:,} tables and sequences). Name an empty one in DATABASE_URL, or add"
            " --replace to delete what is there."
        )
    if target.tables and target.connections:
        raise CommandFailed(
            f"{target.connections:,} other connections use the database. Stop all gateways, intakes and workers first."
        )
    program = find_restore_program(manifest.dumped_by, target.server)
    keep_as = replaced_name(manifest.schema_name, datetime.now(UTC)) if target.tables else None
    await make_room(services.database, manifest.schema_name, keep_as=keep_as)
    async with _put_back_on_error(services, manifest.schema_name, keep_as):
        await run_program(
            program,
            services.settings.database_url,
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            f"--schema={manifest.schema_name}",  # not the schema itself, which exists
            "--dbname=postgresql://",  # all of the connection comes from the environment
            str(folder / DUMP),
        )
        await migrate(services.database)
    if keep_as is not None:
        await delete_schema(services.database, keep_as)


@asynccontextmanager
async def _put_back_on_error(services: Services, schema: str, kept_as: str | None) -> AsyncIterator[None]:
    """Rename the replaced schema back if the block raises or is cancelled, and print what became of it."""
    try:
        yield
    except BaseException:
        if kept_as is None:
            raise
        try:
            await put_back(services.database, schema, kept_as=kept_as)
        except BaseException:
            print_message(
                f"haulage: the restore failed. What was in the database before is in its schema {kept_as}: drop the schema"
                f" {schema}, and rename the other one to {schema}."
            )
            raise
        print_message("haulage: the restore failed, and the database is as it was before.")
        raise
