"""`haulage upload`: sends local files, or what an earlier command has left of them, and follows them into the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import typer

from app.cli.client import ApiClient
from app.cli.errors import CommandFailed, Refused, exit_code, explain, print_error, upload_failed
from app.cli.local_files import LocalFile, UnreadableFile, scan
from app.cli.output import print_json, print_message, print_table
from app.cli.sizes import size_text
from app.cli.transfer.long_poll import follow
from app.cli.uploading.journal import Journal, identity
from app.cli.uploading.progress import UploadProgressBar, file_count
from app.cli.uploading.resumption import match_uploads
from app.cli.uploading.uploader import Sent, Uploader, changed_message
from app.exit_codes import ExitCode
from app.schemas import UploadStatus
from jobs.engine.jobs import Status
from jobs.errors import HaulageError


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What has become of a file: `status` is the last one of its upload, `error` why it is not in the catalogue."""

    file: LocalFile
    job_id: UUID | None
    status: UploadStatus | None = None
    error: HaulageError | None = None


def upload(client: ApiClient, paths: Sequence[Path], *, as_json: bool) -> None:
    """Upload all files that can be read, and print what has become of them.

    Raises `typer.Exit` when some could not be uploaded, `SystemExit(130)` on Ctrl-C, and what `ApiClient` raises. What was
    sent until then is found by the same command.
    """
    scanned = list(scan(paths))
    unreadable = [one for one in scanned if isinstance(one, UnreadableFile)]
    files = list(dict.fromkeys(one for one in scanned if isinstance(one, LocalFile)))
    if not scanned:
        raise CommandFailed(f"There is no file in {', '.join(map(str, paths))}.")
    results = _upload(client, paths, files, quiet=as_json) if files else []
    if results or as_json:
        _print(results, as_json=as_json)
    errors = [*unreadable, *(result.error for result in results if result.error is not None)]
    for error in errors:
        print_error(explain(error))
    if errors:
        raise typer.Exit(exit_code(errors[0]))


def _upload(client: ApiClient, paths: Sequence[Path], files: Sequence[LocalFile], *, quiet: bool) -> list[Uploaded]:
    journal = Journal(client.server, paths)
    sent = {file: Sent(file, job_id) for file, job_id in _sent_before(client, files, journal).items()}
    try:
        to_send = [file for file in files if file not in sent]
        resumed, changed = match_uploads(to_send, client.receiving_uploads() if to_send else [])
        for file, item in changed:
            print_message(changed_message(file, item.job_id))
        if sent or resumed:
            print_message(f"Continuing: {file_count(len(sent))} sent before, {file_count(len(resumed))} begun.")
        with UploadProgressBar(len(files), sum(file.size for file in files), quiet=quiet) as bar:
            bar.show_start()
            for file in sent:
                bar.add_found(file.size)
                bar.add_sent()
            with Uploader(client, to_send, resumed, journal, bar) as uploader:
                sent |= {one.file: one for one in uploader.finished()}
            results = []
            for file in files:
                results.append(_check(client, sent[file]))
                bar.add_checked()
    except KeyboardInterrupt:
        print_message(_interruption(are_all_sent=len(sent) == len(files)))
        raise SystemExit(ExitCode.INTERRUPTED) from None
    journal.remove()
    return results


def _sent_before(client: ApiClient, files: Sequence[LocalFile], journal: Journal) -> dict[LocalFile, UUID]:
    """Return the uploads that an earlier command has completed, unless they have failed."""
    known = journal.read()
    found: dict[LocalFile, UUID] = {}
    for file in files:
        job_id = known.get(identity(file))
        if job_id is None:
            continue
        try:
            status = client.upload(job_id).status
        except Refused as error:
            if exit_code(error) is not ExitCode.NOT_FOUND:
                raise
        else:
            if status not in {Status.FAILED, Status.CANCELLED, Status.RECEIVING}:
                found[file] = job_id
    return found


def _check(client: ApiClient, sent: Sent) -> Uploaded:
    """Follow an upload to its end."""
    if sent.error is not None or sent.job_id is None:
        return Uploaded(sent.file, sent.job_id, error=sent.error)
    try:
        *_, status = follow(client, sent.job_id, UploadStatus)
    except Refused as error:
        if exit_code(error) in {ExitCode.UNAVAILABLE, ExitCode.NOT_ALLOWED}:
            raise
        return Uploaded(sent.file, sent.job_id, error=error)
    if status.status is Status.COMPLETED:
        return Uploaded(sent.file, sent.job_id, status)
    if status.error is not None and status.status is Status.FAILED:
        return Uploaded(sent.file, sent.job_id, status, upload_failed(str(sent.file.path), sent.job_id, status.error))
    message = f"{sent.file.path} was not uploaded: job {sent.job_id} was {status.status}."
    return Uploaded(sent.file, sent.job_id, status, Refused(message, "not_ready"))


def _interruption(*, are_all_sent: bool) -> str:
    if are_all_sent:
        return "Interrupted. The server goes on checking the files. Run the same command again to see the result."
    return (
        "Interrupted. Run the same command again to send the rest. What was sent is kept for it, for 24 hours unless the"
        " server says otherwise."
    )


def _print(results: Sequence[Uploaded], *, as_json: bool) -> None:
    if as_json:
        return print_json([_json(result) for result in results])
    rows = [
        (str(view.file_id), size_text(view.size), view.name)
        for result in results
        if result.error is None and result.status is not None
        for view in [result.status.upload]
    ]
    return print_table(("ID", "SIZE", "NAME"), rows) if rows else None


def _json(result: Uploaded) -> dict[str, object]:
    view = result.status.upload if result.status else None
    return {
        "path": str(result.file.path),
        "name": view.name if view else result.file.name,
        "jobId": str(result.job_id) if result.job_id else None,
        "status": str(result.status.status) if result.status else None,
        "id": view.file_id if view else None,
        "size": result.file.size,
        "crc32": view.crc32 if view else None,
        "sha256": view.sha256 if view else None,
        "error": result.error.message if result.error else None,
    }
