"""`haulage download`: starts a job or finds one, follows it to its end, and saves its result."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from app.cli.client import ApiClient
from app.cli.errors import Refused, job_failed
from app.cli.output import print_json, print_message
from app.cli.sizes import size_text
from app.cli.transfer.destination import STANDARD_OUTPUT, Destination
from app.cli.transfer.long_poll import follow
from app.cli.transfer.progress_bar import JobProgressBar
from app.cli.transfer.result_transfer import ResultTransfer, VerifiedResult
from app.exit_codes import ExitCode
from app.schemas import JobStatus
from jobs.bundles.downloads import Compression, OnMissing
from jobs.engine.jobs import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadRequest:
    """What to download."""

    file_ids: Sequence[int]
    archive_name: str | None = None
    on_missing: OnMissing = OnMissing.FAIL
    compression: Compression = Compression.STORE

    def body(self) -> dict[str, Any]:
        """Return the body of `POST /v1/download/initiate`."""
        name = {} if self.archive_name is None else {"archiveName": self.archive_name}
        options = {"onMissing": self.on_missing, "compression": self.compression}
        return {"file_ids": list(self.file_ids), **options, **name}


@dataclass(frozen=True, slots=True)
class SavedDownload:
    """A result that was saved and verified."""

    job_id: UUID
    path: Path | None
    """None for standard output."""
    result: VerifiedResult


def download(
    client: ApiClient, wanted: DownloadRequest | UUID, destination: Destination, *, quiet: bool = False
) -> SavedDownload:
    """Start the job, or follow the one with the id `wanted`, until its result is saved. On Ctrl-C the job keeps running.

    Raises `SystemExit(130)` on Ctrl-C, what `ApiClient`, `ResultTransfer` and `Destination` raise, and `Refused` for a job
    that ends without a result.
    """
    known_id = wanted if isinstance(wanted, UUID) else None
    completed = False
    try:
        destination.check()
        job_id = known_id = client.initiate(wanted.body()).job_id if isinstance(wanted, DownloadRequest) else wanted
        with JobProgressBar(quiet=quiet) as bar:
            for status in follow(client, job_id, JobStatus):
                bar.show_job(status)
                if status.status.ended:
                    _require_result(status)
            completed = True
            return _save(client, job_id, destination, bar)
    except KeyboardInterrupt:
        print_message(_interruption(known_id, completed=completed))
        raise SystemExit(ExitCode.INTERRUPTED) from None


def _interruption(job_id: UUID | None, *, completed: bool) -> str:
    if job_id is None:
        return "Interrupted before the server confirmed the job. `haulage jobs list` shows whether it was created."
    save = f"`haulage download --job {job_id}` saves its result"
    if completed:
        return f"Interrupted. Job {job_id} is completed: {save}."
    return f"Interrupted. The job keeps running: {save}, `haulage jobs cancel {job_id}` cancels it."


def _require_result(status: JobStatus) -> None:
    if status.status is Status.COMPLETED:
        return
    if status.error is not None and status.status is Status.FAILED:
        raise job_failed(status.job_id, status.error)
    retry = f"`haulage jobs retry {status.job_id}` runs it again."
    if status.status is Status.EXPIRED:
        raise Refused(f"The result of job {status.job_id} has expired. {retry}", "result_expired")
    raise Refused(f"Job {status.job_id} was {status.status}. {retry}", "not_ready")


def _save(client: ApiClient, job_id: UUID, destination: Destination, bar: JobProgressBar) -> SavedDownload:
    link = client.link(job_id)
    bar.show_transfer(0, link.size)
    with destination.open(link.filename) as out:
        transfer = ResultTransfer(
            client.pool, link, lambda: client.link(job_id), out, lambda done: bar.show_transfer(done, link.size)
        )
        result = transfer.run()
        out.complete()
        return SavedDownload(job_id, out.path, result)


def print_result(saved: SavedDownload, *, as_json: bool = False) -> None:
    """Print where the result was saved, its checksums, and the files that it omits.

    Goes to standard error if the result itself went to standard output.
    """
    result = saved.result
    path, out = (STANDARD_OUTPUT, sys.stderr) if saved.path is None else (str(saved.path), sys.stdout)
    if as_json:
        value = {
            "jobId": str(saved.job_id),
            "path": path,
            "size": result.size,
            "crc32": result.crc32,
            "sha256": result.sha256,
            "omitted": [file.model_dump(mode="json", by_alias=True) for file in result.link.omitted],
        }
        return print_json(value, out)
    place = "to standard output" if saved.path is None else path
    print(f"Saved {place} ({size_text(result.size)}, CRC-32 {result.crc32} verified)", file=out)
    for file in result.link.omitted:
        print_message(f"Omitted: {file.name} ({file.file_id}): {file.reason}")
    return None
