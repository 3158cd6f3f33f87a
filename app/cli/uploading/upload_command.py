"""`haulage upload`: sends local files, or what an earlier command has left of them, and follows them into the catalogue."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import typer

from app.cli.client import ApiClient
from app.cli.errors import CommandFailed, exit_code, explain, print_error
from app.cli.local_files import LocalFile, UnreadableFile, scan
from app.cli.output import print_json, print_message, print_table
from app.cli.rights import parse_rights
from app.cli.sizes import size_text
from app.cli.uploading.checking import Uploaded, check
from app.cli.uploading.journal import Journal, identity
from app.cli.uploading.progress import UploadProgressBar, file_count
from app.cli.uploading.resumption import find_uploads, match_uploads
from app.cli.uploading.transfer import Sent
from app.cli.uploading.uploader import Uploader, changed_message
from app.exit_codes import ExitCode
from app.schemas import UploadItem
from jobs.engine.jobs import Status
from jobs.errors import InvalidRequest
from jobs.files.visibility import Visibility
from jobs.processing.recipes import OnError


def options(
    visibility: Visibility | None, groups: str | None, recipe: str | None, on_error: OnError | None
) -> dict[str, Any]:
    """Return who may read files, and what is made of them, as `POST /v1/upload` has it; what is not chosen is left out.

    `recipe`: `auto`, `none`, or an object in JSON. Raises `InvalidRequest`.
    """
    chosen, names = parse_rights(visibility, groups)
    rights: dict[str, Any] = {} if chosen is None else {"visibility": str(chosen), "groups": list(names)}
    processing = {"recipe": _recipe(recipe) if recipe else None, "onProcessingError": on_error and str(on_error)}
    return rights | {name: value for name, value in processing.items() if value is not None}


def _recipe(text: str) -> object:
    if text in {"auto", "none"}:
        return text
    with suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    example = '{"avif": true, "pages": 10}'
    raise InvalidRequest(f"--recipe must be auto, none, or what else to make in JSON, as '{example}'. It is {text!r}.")


def upload(client: ApiClient, paths: Sequence[Path], options: Mapping[str, Any], *, as_json: bool) -> None:
    """Upload all files that can be read, with these `options`, and print what has become of them.

    Raises `typer.Exit` when some could not be uploaded, `SystemExit(130)` on Ctrl-C, and what `ApiClient` raises. What was
    sent until then is found by the same command.
    """
    scanned = list(scan(paths))
    unreadable = [one for one in scanned if isinstance(one, UnreadableFile)]
    files = list(dict.fromkeys(one for one in scanned if isinstance(one, LocalFile)))
    if not scanned:
        raise CommandFailed(f"There is no file in {', '.join(map(str, paths))}.")
    journal = Journal(client.server, paths, options)
    results = _upload(client, journal, files, options, quiet=as_json) if files else []
    if as_json:
        print_json([*map(_json, results), *map(_unreadable_json, unreadable)])
    else:
        _print_table(results)
    errors = [*unreadable, *(result.error for result in results if result.error is not None)]
    if not errors:
        return journal.remove()
    for error in errors:
        print_error(explain(error))
    total = len(unreadable) + len(files)
    if len(errors) < total:
        uploaded = f"{total - len(errors):,} of {total:,} files uploaded."
        print_message(f"{uploaded} Run the same command again to send only the rest.")
    raise typer.Exit(exit_code(errors[0]))


def _upload(
    client: ApiClient, journal: Journal, files: Sequence[LocalFile], options: Mapping[str, Any], *, quiet: bool
) -> list[Uploaded]:
    sent: dict[LocalFile, Sent] = {}
    try:
        known = journal.read()
        sent = _sent_before(client, files, known)
        to_send = [file for file in files if file not in sent]
        resumed, changed = match_uploads(to_send, _open_uploads(client, options, known.values()) if to_send else ())
        for file, item in changed:
            print_message(changed_message(file, item.job_id))
        if sent or resumed:
            print_message(f"Continuing: {file_count(len(sent))} sent before, {file_count(len(resumed))} begun.")
        with UploadProgressBar(len(files), sum(file.size for file in files), quiet=quiet) as bar:
            bar.show_start()
            for file in sent:
                bar.add_found(file.size)
                bar.add_sent()
            with Uploader(client, to_send, resumed, set(known.values()), options, journal, bar) as uploader:
                sent |= {one.file: one for one in uploader.finished()}
            results = check(client, [sent[file] for file in files], bar.add_checked)
    except KeyboardInterrupt:
        print_message(_interruption(are_all_sent=len(sent) == len(files)))
        raise SystemExit(ExitCode.INTERRUPTED) from None
    return results


def _sent_before(client: ApiClient, files: Sequence[LocalFile], known: Mapping[str, UUID]) -> dict[LocalFile, Sent]:
    """Return the uploads that an earlier command has sent completely, unless they have failed."""
    journalled = {job_id: file for file in files if (job_id := known.get(identity(file))) is not None}
    unsuccessful = {Status.FAILED, Status.CANCELLED, Status.RECEIVING}
    return {
        journalled[item.job_id]: Sent(journalled[item.job_id], item.job_id)
        for item in find_uploads(client, journalled)
        if item.status not in unsuccessful
    }


def _open_uploads(client: ApiClient, options: Mapping[str, Any], known: Collection[UUID]) -> Iterator[UploadItem]:
    """Yield open uploads, newest first: those that this command began (`known`), and others with the same visibility.

    The list does not say with which groups a file is shared, so shared uploads are continued only if this command began
    them. So are those that are not private if no visibility was chosen: an upload keeps the one that it was created with.
    Nor does the list say what is made of a file, so with a choice of that no others are continued.
    """
    wanted = options.get("visibility", Visibility.PRIVATE)
    is_plain = wanted != Visibility.SHARED and not {"recipe", "onProcessingError"} & set(options)
    for item in chain.from_iterable(client.uploads(Status.RECEIVING)):
        if item.job_id in known or (is_plain and wanted == item.upload.visibility):
            yield item


def _interruption(*, are_all_sent: bool) -> str:
    if are_all_sent:
        return "Interrupted. The server goes on checking the files. Run the same command again to see the result."
    return (
        "Interrupted. Run the same command again to send the rest. What was sent is kept for 24 hours, unless the server is"
        " configured otherwise."
    )


def _print_table(results: Sequence[Uploaded]) -> None:
    rows = [
        (str(result.view.file_id), size_text(result.view.size), result.view.name)
        for result in results
        if result.error is None and result.view is not None
    ]
    if rows:
        print_table(("ID", "SIZE", "NAME"), rows)


def _json(result: Uploaded) -> dict[str, object]:
    view = result.view
    return {
        "path": str(result.file.path),
        "name": view.name if view else result.file.name,
        "jobId": str(result.job_id) if result.job_id else None,
        "status": str(result.status) if result.status else None,
        "id": view.file_id if view else None,
        "size": result.file.size,
        "crc32": view.crc32 if view else None,
        "sha256": view.sha256 if view else None,
        "error": result.error.message if result.error else None,
    }


def _unreadable_json(error: UnreadableFile) -> dict[str, object]:
    unknown = dict.fromkeys(("name", "jobId", "status", "id", "size", "crc32", "sha256"))
    return {"path": str(error.path), **unknown, "error": error.message}
