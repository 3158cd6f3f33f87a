"""The demo of `haulage up --demo`: files of many kinds in the store, and a real download of them."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from isal import isal_zlib

from app.cli.client import ApiClient
from app.cli.file_commands import fetch_catalogue
from app.cli.local_stack.demo_files import FILES, chunks
from app.cli.output import print_message
from app.cli.service_runner import run_with_services
from app.cli.sizes import size_text
from app.cli.transfer.destination import Destination
from app.cli.transfer.download_command import DownloadRequest, download, print_result
from jobs.errors import ChecksumMismatch
from jobs.files.ingest import FileIngest
from jobs.services import Services
from jobs.settings import Settings

NAME = "haulage-demo.zip"


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What the demo downloaded."""

    job_id: UUID
    file_ids: list[int]


def run_demo(settings: Settings, server: str, folder: Path) -> DemoRun:
    """Download the demo files, or the first files of a catalogue that has others, into `folder`.

    Raises `ChecksumMismatch` when the saved archive is damaged, and what `download` raises.
    """
    file_ids = run_with_services(settings, _ensure_files)
    folder.mkdir(parents=True, exist_ok=True)
    print_message(f"Downloading {len(file_ids)} files as one archive …")
    request = DownloadRequest(file_ids=file_ids, archive_name=NAME)
    path = folder / NAME
    saved = download(ApiClient(server), request, Destination(str(path), force=True))
    print_result(saved)
    _verify(path, saved.result.crc32)
    return DemoRun(saved.job_id, file_ids)


async def _ensure_files(services: Services) -> list[int]:
    """Return the ids of the first files. Adds those demo files that an empty catalogue, or an interrupted run, lacks."""
    existing = (await fetch_catalogue(services))[: len(FILES)]
    ids = [file.id for file in existing]
    if [file.name for file in existing] != [file.name for file in FILES[: len(existing)]]:
        return ids
    missing = FILES[len(existing) :]
    if missing:
        size = size_text(sum(file.size for file in missing))
        print_message(f"Adding {len(missing)} demo files ({size}) to the store …")
    ingest = FileIngest(services.database, services.storage, services.settings)
    return ids + [(await ingest.add(file.name, chunks(file))).id for file in missing]


def _verify(path: Path, crc32: str) -> None:
    """Read the archive back from disk, as a user's program would."""
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            value = isal_zlib.crc32(chunk, value)
    if f"{value:08x}" != crc32:
        raise ChecksumMismatch(f"{path} has CRC-32 {value:08x} on disk, but was received with {crc32}.")
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
        if damaged is not None:
            raise ChecksumMismatch(f"{damaged} is damaged in {path}.")
        print_message(f"Python's zipfile read all {len(archive.namelist())} entries, and every checksum is correct.")


def commands_to_try(server: str, demo: DemoRun) -> str:
    """Return three commands that work as printed."""
    body = json.dumps({"file_ids": demo.file_ids[:2], "archiveName": "two-files"})
    return f"""
Try it:
  curl -s {server}/v1/download/initiate -H 'Content-Type: application/json' -d '{body}'
  curl -s {server}/v1/download/job/{demo.job_id}
  curl -LOJ {server}/v1/download/job/{demo.job_id}/file
"""
