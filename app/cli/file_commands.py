"""`haulage files`: adds local files to the store, and lists its catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import typer
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from app.cli.environment import load_settings
from app.cli.errors import print_error
from app.cli.local_files import LocalFile, UnreadableFile, read, scan
from app.cli.output import error_console, print_json, print_table
from app.cli.rights import parse_rights
from app.cli.service_runner import run_with_services
from app.cli.sizes import size_text
from app.exit_codes import ExitCode
from jobs.files import catalogue
from jobs.files.catalogue import StoredFile
from jobs.files.ingest import FileIngest
from jobs.files.texts import TextMatch, search_texts
from jobs.files.visibility import Visibility
from jobs.owners import ANONYMOUS
from jobs.services import Services
from jobs.settings import Settings

_PAGE_SIZE = 500


@dataclass(frozen=True, slots=True)
class FileRights:
    """Whose the added files are, and who else may read them."""

    owner: str
    visibility: Visibility
    groups: tuple[str, ...]

    @classmethod
    def of(cls, visibility: Visibility, groups: str | None, owner: str | None) -> Self:
        """Raises `InvalidRequest` unless groups are named for `shared` files, and for no others."""
        is_default = visibility is Visibility.PUBLIC
        chosen, names = parse_rights(None if is_default else visibility, groups)
        return cls(owner or ANONYMOUS, chosen or visibility, names)


def add_files(paths: Sequence[Path], data_dir: Path | None, rights: FileRights, *, as_json: bool) -> None:
    """Add all files that can be read, and print those that were added, even if an error ends this early.

    Raises `typer.Exit` when some can't be read.
    """
    settings = load_settings(data_dir)
    found = list(scan(paths))
    added: list[StoredFile] = []
    unreadable = [one for one in found if isinstance(one, UnreadableFile)]
    try:
        _add(settings, rights, [one for one in found if isinstance(one, LocalFile)], added, unreadable)
    finally:
        if added or as_json:
            _print(added, as_json=as_json)
        for error in unreadable:
            print_error(error.message)
    if unreadable:
        raise typer.Exit(ExitCode.FAILED)


def _add(
    settings: Settings,
    rights: FileRights,
    files: Sequence[LocalFile],
    added: list[StoredFile],
    unreadable: list[UnreadableFile],
) -> None:
    """Add one file after the other, so that ids are in the order of the files."""
    console = error_console()
    columns = (BarColumn(), _AmountColumn(), TimeRemainingColumn())
    bar = Progress(TextColumn("Adding"), *columns, console=console, disable=not console.is_terminal, transient=True)
    task = bar.add_task("", total=sum(file.size for file in files))

    async def counted(file: LocalFile) -> AsyncIterator[bytes]:
        async for chunk in read(file):
            yield chunk
            bar.advance(task, len(chunk))

    async def work(services: Services) -> None:
        ingest = FileIngest(services.database, services.storage, services.settings)
        for file in files:
            try:
                added.append(
                    await ingest.add(
                        file.name,
                        counted(file),
                        owner=rights.owner,
                        visibility=rights.visibility,
                        groups=rights.groups,
                        modified_at=file.modified_at,
                    )
                )
            except UnreadableFile as error:
                unreadable.append(error)

    with bar:
        run_with_services(settings, work)


class _AmountColumn(ProgressColumn):
    """Bytes so far, in total, and a second."""

    def render(self, task: Task) -> Text:
        speed = f" {size_text(task.speed)}/s" if task.speed else ""
        return Text(f"{size_text(task.completed)} of {size_text(task.total or 0)}{speed}")


def list_files(search: str | None, words: str | None, data_dir: Path | None, *, as_json: bool) -> None:
    """Print the files whose name contains `search`, and whose text has the words."""
    settings = load_settings(data_dir)
    if not words:
        found = run_with_services(settings, lambda services: fetch_catalogue(services, search))
        return _print(found, as_json=as_json)
    matches = run_with_services(settings, lambda services: _fetch_matches(services, words, search))
    if as_json:
        return print_json([_json_of(one.file) | {"snippet": one.snippet} for one in matches])
    rows = [(str(one.file.id), size_text(one.file.size), one.file.name, one.snippet or "") for one in matches]
    return print_table(("ID", "SIZE", "NAME", "TEXT"), rows)


async def _fetch_matches(services: Services, words: str, search: str | None) -> list[TextMatch]:
    """Return the files whose text has the words, by id."""
    found: list[TextMatch] = []
    while True:
        last = found[-1].file.id if found else 0
        page = await search_texts(services.database, None, words, search, last, _PAGE_SIZE)
        found += page
        if len(page) < _PAGE_SIZE:
            return found


async def fetch_catalogue(services: Services, search: str | None = None) -> list[StoredFile]:
    """Return the files whose name contains `search`, by id."""
    found: list[StoredFile] = []
    while True:
        last = found[-1].id if found else 0
        page = await catalogue.list_files(services.database, None, search, last, _PAGE_SIZE)
        found += page
        if len(page) < _PAGE_SIZE:
            return found


def _print(files: Sequence[StoredFile], *, as_json: bool) -> None:
    if not as_json:
        return print_table(("ID", "SIZE", "NAME"), [(str(file.id), size_text(file.size), file.name) for file in files])
    return print_json([_json_of(file) for file in files])


def _json_of(file: StoredFile) -> dict[str, object]:
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "crc32": None if file.crc32 is None else f"{file.crc32:08x}",
        "sha256": file.sha256,
    }
