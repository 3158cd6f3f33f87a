"""Files of this machine into the store, and what the catalogue has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from app.cli.environment import load_settings
from app.cli.errors import GENERAL, complain
from app.cli.output import error_console, print_json, size_text
from app.cli.services import run_with_services
from app.cli.sources import Source, Unreadable, find, read
from jobs.files import catalogue
from jobs.files.catalogue import StoredFile
from jobs.files.ingest import FileIngest
from jobs.owners import ANONYMOUS
from jobs.services import Services
from jobs.settings import Settings

_PAGE = 500


def add_files(paths: Sequence[Path], data_dir: Path | None, *, as_json: bool) -> None:
    """Add all that can be read, and print what was added, also when it ends early. Raises `typer.Exit` for the rest."""
    settings = load_settings(data_dir)
    found = list(find(paths))
    added: list[StoredFile] = []
    unreadable = [one for one in found if isinstance(one, Unreadable)]
    try:
        _add(settings, [one for one in found if isinstance(one, Source)], added, unreadable)
    finally:
        _print(added, as_json=as_json)
        for error in unreadable:
            complain(error.message)
    if unreadable:
        raise typer.Exit(GENERAL)


def _add(settings: Settings, sources: Sequence[Source], added: list[StoredFile], unreadable: list[Unreadable]) -> None:
    """Add one after the other, so that the ids are in the order of the files."""
    with _bar(sum(source.size for source in sources)) as bar:

        async def counted(source: Source) -> AsyncIterator[bytes]:
            async for chunk in read(source):
                yield chunk
                bar.advance(bar.task_ids[0], len(chunk))

        async def work(services: Services) -> None:
            ingest = FileIngest(services.database, services.storage, services.settings)
            for source in sources:
                try:
                    added.append(await ingest.add(source.name, counted(source)))
                except Unreadable as error:
                    unreadable.append(error)

        run_with_services(settings, work)


def _bar(total: int) -> Progress:
    console = error_console()
    columns = (BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Progress(TextColumn("Adding"), *columns, console=console, disable=not console.is_terminal, transient=True)
    bar.add_task("", total=total)
    return bar


def list_files(search: str | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Print the files whose name contains `search`."""
    found = run_with_services(load_settings(data_dir), lambda services: all_files(services, search))
    _print(found, as_json=as_json)


async def all_files(services: Services, search: str | None = None) -> list[StoredFile]:
    """The files whose name contains `search`, by id."""
    found: list[StoredFile] = []
    while True:
        async with services.database.reading() as connection:
            last = found[-1].id if found else 0
            page = await catalogue.list_files(connection, ANONYMOUS, search, last, _PAGE)
        found += page
        if len(page) < _PAGE:
            return found


def _print(files: Sequence[StoredFile], *, as_json: bool) -> None:
    if as_json:
        print_json([_json(file) for file in files])
        return
    for file in files:
        print(f"{file.id}  {file.name}  {size_text(file.size)}")


def _json(file: StoredFile) -> dict[str, Any]:
    crc32 = None if file.crc32 is None else f"{file.crc32:08x}"
    return {"id": file.id, "name": file.name, "size": file.size, "crc32": crc32, "sha256": file.sha256}
