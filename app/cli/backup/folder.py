"""The folder of a backup: the dump of the database, and a manifest that says what it is."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from jobs.errors import InvalidRequest

DUMP, MANIFEST = "database.dump", "manifest.json"


class Manifest(BaseModel):
    """What a backup has. Times are UTC, sizes bytes."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    format: Literal[1] = 1
    created_at: datetime
    """The state of the database that it has."""
    release: str
    revision: str
    """Of the schema."""
    schema_name: str = "public"
    """The schema of the database in which the tables are. Backups of before 2026-12 do not have it."""
    server: int
    """The major version of PostgreSQL, of which, or later, the server must be into which it is restored."""
    dumped_by: int
    """The major version of `pg_dump`, of which, or later, `pg_restore` must be."""
    bucket: str
    """The bucket of the objects, which are not in it."""
    jobs: int
    files: int
    database_size: int
    dump_size: int
    dump_sha256: str


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, all of it or nothing. It comes last, so that a folder without one is no backup."""
    part = folder / f"{MANIFEST}.part"
    try:
        part.touch(mode=0o600)
        part.write_text(manifest.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")
        part.rename(folder / MANIFEST)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


async def read_backup(folder: Path) -> Manifest:
    """Return the manifest, after the dump was compared with it. Raises `InvalidRequest` for what is no whole backup."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise InvalidRequest(f"{folder} is no backup: it has no {MANIFEST}.") from None
    except ValidationError as error:
        raise InvalidRequest(
            f"{folder / MANIFEST} is not a manifest of this release: {error.errors()[0]['msg']}."
        ) from None
    dump = folder / DUMP
    if not dump.is_file() or dump.stat().st_size != manifest.dump_size:
        raise InvalidRequest(f"{dump} is not complete: it should have {manifest.dump_size:,} bytes.")
    if await checksum(dump) != manifest.dump_sha256:
        raise InvalidRequest(f"{dump} is damaged: its SHA-256 is not that of the manifest.")
    return manifest


async def checksum(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""

    def read() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return await asyncio.to_thread(read)
