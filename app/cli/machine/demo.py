"""The demonstration: files of many kinds in the store, and a real download of them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from isal import isal_zlib

from app.cli.client import Api
from app.cli.fetching.downloads import Downloaded, Order, run, tell
from app.cli.fetching.targets import Target
from app.cli.files import all_files
from app.cli.machine.demo_files import FILES, DemoFile, chunks
from app.cli.output import note, size_text
from app.cli.services import run_with_services
from jobs.errors import ChecksumMismatch
from jobs.files.ingest import FileIngest
from jobs.services import Services
from jobs.settings import Settings

NAME = "haulage-demo.zip"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration has done, to be told of."""

    job_id: UUID
    file_ids: list[int]


def show(settings: Settings, server: str, folder: Path) -> Shown:
    """Download the demo files, or what else the catalogue begins with, into `folder`.

    Raises `ChecksumMismatch` when the saved archive is not whole, and whatever keeps it from being saved.
    """
    file_ids = run_with_services(settings, _ensure_files)
    folder.mkdir(parents=True, exist_ok=True)
    note(f"Downloading {len(file_ids)} files as one archive …")
    found = run(Api(server), Order(file_ids=file_ids, archive_name=NAME), Target(folder / NAME, force=True))
    tell(found)
    _verify(found)
    return Shown(found.job_id, file_ids)


async def _ensure_files(services: Services) -> list[int]:
    """The ids of the first files. Where there is none, or a start before got only so far, the demo files are added."""
    there = (await all_files(services))[: len(FILES)]
    expected = [file.name for file in FILES]
    if [file.name for file in there] != expected[: len(there)]:
        return [file.id for file in there]
    lacking = FILES[len(there) :]
    if lacking:
        note(f"Putting {len(lacking)} demo files ({size_text(sum(file.size for file in lacking))}) into the store …")
    return [file.id for file in there] + await _add(services, lacking)


async def _add(services: Services, files: Sequence[DemoFile]) -> list[int]:
    ingest = FileIngest(services.database, services.storage, services.settings)
    return [(await ingest.add(file.name, chunks(file))).id for file in files]


def _verify(found: Downloaded) -> None:
    """Read the archive again from the disk, as whoever opens it will."""
    value = 0
    with found.path.open("rb") as file:
        while chunk := file.read(1 << 20):
            value = isal_zlib.crc32(chunk, value)
    if f"{value:08x}" != found.saved.crc32:
        raise ChecksumMismatch(f"{found.path} has CRC-32 {value:08x} on the disk, but came with {found.saved.crc32}.")
    with zipfile.ZipFile(found.path) as archive:
        broken = archive.testzip()
        if broken is not None:
            raise ChecksumMismatch(f"{broken} is damaged in {found.path}.")
        note(f"Python's zipfile has read all {len(archive.namelist())} entries of it and found every checksum right.")


def lines_to_try(server: str, shown: Shown) -> str:
    """Three commands that work as they are printed."""
    body = json.dumps({"file_ids": shown.file_ids[:2], "archiveName": "two-files"})
    return f"""
Try it:
  curl -s {server}/v1/download/initiate -H 'Content-Type: application/json' -d '{body}'
  curl -s {server}/v1/download/job/{shown.job_id}
  curl -LOJ {server}/v1/download/job/{shown.job_id}/file
"""
