"""Follows many uploads until the server has checked them: it waits for one of them, and then asks for all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.cli.client import ApiClient
from app.cli.errors import Refused, exit_code, upload_failed
from app.cli.local_files import LocalFile
from app.cli.transfer.long_poll import follow
from app.cli.uploading.resumption import find_uploads
from app.cli.uploading.transfer import Sent
from app.exit_codes import ExitCode
from app.schemas import UploadStatus, UploadView
from jobs.engine.jobs import Status
from jobs.errors import HaulageError


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What has become of a file: `view` is what is known of its upload, `error` why it is not in the catalogue."""

    file: LocalFile
    job_id: UUID | None
    status: Status | None = None
    view: UploadView | None = None
    error: HaulageError | None = None


def check(client: ApiClient, sent: Sequence[Sent], on_checked: Callable[[], None]) -> list[Uploaded]:
    """Return what has become of files that were sent, in their order. `on_checked` is called for each.

    Of ten thousand files most have been checked by the time the last one is sent, so few requests are made. Raises what
    `ApiClient` raises, unless it is about a single upload.
    """
    results: dict[LocalFile, Uploaded] = {}

    def add(result: Uploaded) -> None:
        results[result.file] = result
        on_checked()

    pending: dict[UUID, Sent] = {}
    for one in sent:
        if one.error is None and one.job_id is not None:
            pending[one.job_id] = one
        else:
            add(Uploaded(one.file, one.job_id, error=one.error))
    while pending:
        for item in find_uploads(client, pending) if len(pending) > 1 else ():
            if item.status.ended:
                one = pending.pop(item.job_id)
                is_complete = item.status is Status.COMPLETED
                add(Uploaded(one.file, one.job_id, item.status, item.upload) if is_complete else _follow(client, one))
        if pending:  # half of them are checked by then, if workers start them in the order in which they were sent
            chosen = list(pending)[len(pending) // 2]
            add(_follow(client, pending.pop(chosen)))
    return [results[one.file] for one in sent]


def _follow(client: ApiClient, sent: Sent) -> Uploaded:
    """Follow an upload to its end."""
    assert sent.job_id is not None
    try:
        *_, status = follow(client, sent.job_id, UploadStatus)
    except Refused as error:
        if exit_code(error) in {ExitCode.UNAVAILABLE, ExitCode.NOT_ALLOWED}:
            raise
        return Uploaded(sent.file, sent.job_id, error=error)
    problem: HaulageError | None = None
    if status.error is not None and status.status is Status.FAILED:
        problem = upload_failed(str(sent.file.path), sent.job_id, status.error)
    elif status.status is not Status.COMPLETED:
        message = f"{sent.file.path} was not uploaded: job {sent.job_id} was {status.status}."
        problem = Refused(message, "not_ready")
    return Uploaded(sent.file, sent.job_id, status.status, status.upload, problem)
