"""`haulage backup`."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from app.cli.backup.folder import DUMP, MANIFEST, Manifest, checksum, write_manifest
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
    """Write a backup into a new or empty folder. Raises `InvalidRequest`, `CommandFailed`, `DatabaseUnavailable`."""
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidRequest(f"{folder} exists and is not empty: name a new or empty folder.")
    settings, is_new = load_settings(data_dir), not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / DUMP).touch(mode=0o600, exist_ok=False)
    try:
        manifest = run_with_services(settings, lambda services: _backup(services, folder), schema=False)
    except BaseException:
        for name in (MANIFEST, DUMP):
            (folder / name).unlink(missing_ok=True)
        if is_new:
            folder.rmdir()
        raise
    if as_json:
        return print_json(manifest.model_dump(by_alias=True, mode="json"))
    print(
        f"{folder} has the database as it was at {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC: {manifest.jobs:,} jobs,"
        f" {manifest.files:,} files, {size_text(manifest.dump_size)}."
    )
    return print(f"Objects are not in it. They are in the bucket {manifest.bucket!r}.")


async def _backup(services: Services, folder: Path) -> Manifest:
    """Write the dump, and last the manifest, which is what makes the folder a backup."""
    dump = folder / DUMP
    async with held_snapshot(services.database) as snapshot:
        revision, schema = _existing_schema(snapshot)
        program = find_program("pg_dump", snapshot.server)
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
    write_manifest(folder, manifest)
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
