"""`haulage backup`."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from app.cli.backup.folder import DUMP, Manifest, checksum, write_manifest
from app.cli.backup.programs import find_program, run_program
from app.cli.environment import load_settings
from app.cli.errors import CommandFailed
from app.cli.output import print_json
from app.cli.service_runner import run_with_services
from app.cli.sizes import size_text
from jobs.errors import InvalidRequest
from jobs.recovery.snapshots import Snapshot, held_snapshot
from jobs.services import Services


def backup(folder: Path, data_dir: Path | None, *, as_json: bool) -> None:
    """Write a backup into a new folder. Raises `InvalidRequest`, `CommandFailed`, `DatabaseUnavailable`."""
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidRequest(f"{folder} exists and is not empty: name a new folder.")
    manifest = run_with_services(load_settings(data_dir), lambda services: _backup(services, folder), schema=False)
    if as_json:
        return print_json(manifest.model_dump(by_alias=True, mode="json"))
    print(
        f"{folder} has the database as it was at {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC: {manifest.jobs:,} jobs,"
        f" {manifest.files:,} files, {size_text(manifest.dump_size)}."
    )
    return print(f"Objects are not in it. They are in the bucket {manifest.bucket!r}.")


async def _backup(services: Services, folder: Path) -> Manifest:
    """The folder appears when all of it is written, under a name of its own until then."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700, parents=True)
    try:
        async with held_snapshot(services.database) as snapshot:
            revision, schema = _existing_schema(snapshot)
            program = find_program("pg_dump", snapshot.server)
            dump = part / DUMP
            dump.touch(mode=0o600)
            await run_program(
                program,
                services.settings.database_url,
                "--format=custom",
                f"--snapshot={snapshot.id}",
                f"--schema={_exact_pattern(schema)}",
                "--no-owner",
                "--no-privileges",
                f"--file={dump}",
            )
        manifest = Manifest(
            created_at=snapshot.at,
            release=version("haulage"),
            revision=revision,
            schema_name=schema,
            server=snapshot.server,
            dumped_by=program.version,
            bucket=services.settings.s3_bucket_name,
            jobs=snapshot.jobs,
            files=snapshot.files,
            database_size=snapshot.size,
            dump_size=dump.stat().st_size,
            dump_sha256=await checksum(dump),
        )
        write_manifest(part, manifest)
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return manifest


def _existing_schema(snapshot: Snapshot) -> tuple[str, str]:
    """The revision and the name of the schema. Raises `CommandFailed` if there is none."""
    if snapshot.revision is None or snapshot.schema is None:
        raise CommandFailed("The database has no schema of Haulage, so there is nothing to back up.")
    return snapshot.revision, snapshot.schema


def _exact_pattern(name: str) -> str:
    """The pattern of `pg_dump` that matches this name alone."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
