"""`haulage jobs`: jobs of a server, printed as tables or as the server's JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from app.cli.client import ApiClient, parse
from app.cli.errors import failure_text
from app.cli.output import print_json, print_table, time_text
from app.cli.sizes import size_text
from app.schemas import BaseStatus, JobItem, JobPage, JobStatus
from jobs.engine.events import ErrorView, FileView
from jobs.engine.jobs import Status
from jobs.kinds import Kind


class JobCommands:
    """Each method prints its result. Raises what `ApiClient` raises."""

    def __init__(self, client: ApiClient, as_json: bool) -> None:
        self._client = client
        self._as_json = as_json

    def list(self, status: str | None, limit: int) -> None:
        """Print the newest jobs, at most `limit`."""
        body = self._client.jobs(status, limit)
        if self._as_json:
            return print_response(body)
        rows = [_row(job) for job in parse(JobPage, body).jobs]
        return print_table(("JOB", "STATUS", "DONE", "FILES", "SIZE", "CREATED", "NAME"), rows)

    def show(self, job_id: UUID) -> None:
        """Print a job and its files."""
        body = self._client.status(job_id, since=0)
        if self._as_json:
            return print_response(body)
        status = parse_status(body)
        print_facts(status)
        print()
        return print_table(("FILE", "STATUS", "SIZE", "NAME", "ERROR"), [_file_row(file) for file in status.files])

    def retry(self, job_id: UUID) -> None:
        """Queue a job again."""
        body = self._client.retry(job_id)
        return print_response(body) if self._as_json else print(f"Job {job_id} was queued again.")

    def cancel(self, job_id: UUID) -> None:
        """Cancel a job."""
        body = self._client.cancel(job_id)
        return print_response(body) if self._as_json else print(f"Job {job_id} was cancelled.")


def _row(job: JobItem) -> Sequence[str]:
    return (
        str(job.job_id),
        job.status,
        "" if job.percent is None else f"{job.percent:.0f}%",
        str(job.files_total),
        _size_text(job.size),
        time_text(job.created_at),
        job.title,
    )


def _file_row(file: FileView) -> Sequence[str]:
    return (
        str(file.file_id),
        file.status,
        _size_text(file.size),
        file.name or "",
        file.error.message if file.error else "",
    )


def parse_status(body: bytes) -> BaseStatus:
    """Return the status of a job: that of a download with what only a download has."""
    status = parse(BaseStatus, body)
    return parse(JobStatus, body) if status.kind is Kind.DOWNLOAD else status


def print_facts(status: BaseStatus) -> None:
    """Print what is known about a job, one fact a line."""
    progress, result = status.progress, status.result if isinstance(status, JobStatus) else None
    percent = "" if progress.percent is None else f" {progress.percent:.1f}%"
    made = ""
    if result is not None:
        made = f"{result.filename}, {_size_text(result.size)}, until {time_text(result.bundle_expires_at)}"
    facts = {
        "Job": str(status.job_id),
        "Name": status.title,
        "Status": f"{status.status}{percent}, attempt {status.attempt} of {status.max_attempts}",
        "Kind": status.kind,
        "Files": f"{progress.files_done} of {progress.files_total} done, {progress.files_omitted} omitted",
        "Created": time_text(status.created_at),
        "Finished": time_text(status.finished_at),
        "Next try": time_text(status.next_attempt_at),
        "Result": made,
        "Error": _job_error_text(status),
        "Class": status.error.error_class if status.error else "",
    }
    for title, text in facts.items():
        if text:
            print(f"{title:<9} {text}")


def _size_text(size: int | None) -> str:
    return "" if size is None else size_text(size)


def _job_error_text(status: BaseStatus) -> str:
    """Return why the job failed, and what to do; or why it is retried."""
    if status.error is None:
        return ""
    return failure_text(status.job_id, status.error) if status.status is Status.FAILED else status.error.message


def error_text(error: ErrorView | None) -> str:
    """Return class and message of an error; empty for None."""
    return "" if error is None else f"{error.error_class}: {error.message}"


def print_response(body: bytes) -> None:
    """Print the server's JSON, indented."""
    print_json(json.loads(body))
