"""Jobs of a server, as tables or in the server's own JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from app.cli.client import Api
from app.cli.output import print_json, print_table, size_text, time_text
from app.schemas import JobItem, JobPage, JobStatus
from jobs.engine.events import ErrorView, FileView


class Jobs:
    """What `haulage jobs` does, each printed. Raises what `Api` raises."""

    def __init__(self, api: Api, as_json: bool) -> None:
        self._api = api
        self._as_json = as_json

    def list(self, status: str | None, limit: int) -> None:
        """The newest jobs, at most `limit`."""
        body = self._api.jobs(status, limit)
        if self._as_json:
            return print_raw(body)
        rows = [_row(job) for job in JobPage.model_validate_json(body).jobs]
        return print_table(("JOB", "STATUS", "DONE", "FILES", "SIZE", "CREATED", "NAME"), rows)

    def show(self, job_id: UUID) -> None:
        """A job and its files."""
        body = self._api.status(job_id, since=0)
        if self._as_json:
            return print_raw(body)
        status = JobStatus.model_validate_json(body)
        print_facts(status)
        print()
        return print_table(("FILE", "STATUS", "SIZE", "NAME", "ERROR"), [_file_row(file) for file in status.files])

    def retry(self, job_id: UUID) -> None:
        """Queue it again."""
        body = self._api.retry(job_id)
        return print_raw(body) if self._as_json else print(f"Job {job_id} is queued again.")

    def cancel(self, job_id: UUID) -> None:
        """Cancel it."""
        body = self._api.cancel(job_id)
        return print_raw(body) if self._as_json else print(f"Job {job_id} is cancelled.")


def _row(job: JobItem) -> Sequence[str]:
    percent = "" if job.percent is None else f"{job.percent:.0f}%"
    created = time_text(job.created_at)
    return (
        str(job.job_id),
        job.status,
        percent,
        str(job.files_total),
        _size(job.size),
        created,
        job.archive_name or "",
    )


def _file_row(file: FileView) -> Sequence[str]:
    return (str(file.file_id), file.status, _size(file.size), file.name or "", error_text(file.error))


def print_facts(status: JobStatus) -> None:
    """What there is to say of a job, a line each."""
    for title, text in _facts(status):
        print(f"{title:<9} {text}")


def _facts(status: JobStatus) -> Sequence[tuple[str, str]]:
    progress, result = status.progress, status.result
    percent = "" if progress.percent is None else f" {progress.percent:.1f}%"
    files = f"{progress.files_done} of {progress.files_total} done, {progress.files_omitted} left out"
    made = (
        ""
        if result is None
        else f"{result.filename}, {_size(result.size)}, until {time_text(result.bundle_expires_at)}"
    )
    facts = (
        ("Job", str(status.job_id)),
        ("Status", f"{status.status}{percent}, attempt {status.attempt} of {status.max_attempts}"),
        ("Files", files),
        ("Created", time_text(status.created_at)),
        ("Finished", time_text(status.finished_at)),
        ("Next try", time_text(status.next_attempt_at)),
        ("Result", made),
        ("Error", error_text(status.error)),
    )
    return [(title, text) for title, text in facts if text]


def _size(size: int | None) -> str:
    return "" if size is None else size_text(size)


def error_text(error: ErrorView | None) -> str:
    """Its class and message; empty for none."""
    return "" if error is None else f"{error.error_class}: {error.message}"


def print_raw(body: bytes) -> None:
    """The server's own words, indented."""
    print_json(json.loads(body))
