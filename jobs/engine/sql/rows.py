"""Between rows and values: how a job, a file and a part are spread over columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from jobs.engine.jobs import Failure, FileRecord, FileState, Job, Progress, Status, UploadPart
from jobs.errors import ErrorClass
from jobs.kinds import Kind, Phase

Row = Mapping[str, Any] | RowMapping


def job_of(row: Row) -> Job:
    return Job(**job_fields(row))


def job_fields(row: Row) -> dict[str, Any]:
    """The fields of `Job`, for a kind that adds its own."""
    return {
        "id": row["id"],
        "kind": Kind(row["kind"]),
        "owner": row["owner"],
        "status": Status(row["status"]),
        "phase": Phase(row["phase"]),
        "fence": row["fence"],
        "attempt": row["attempt"],
        "seq": row["seq"],
        "losses": row["losses"],
        "max_attempts": row["max_attempts"],
        "created_at": row["created_at"],
        "queued_at": row["queued_at"],
        "due_at": row["due_at"],
        "progress": Progress(
            files_total=row["files_total"],
            files_done=row["files_done"],
            files_omitted=row["files_omitted"],
            bytes_total=row["bytes_total"],
            bytes_done=row["bytes_done"],
        ),
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
        "worker": row["worker"],
        "lease_until": row["lease_until"],
        "failure": failure_of(row),
        "expires_at": row["expires_at"],
        "grace_until": row["grace_until"],
        "cleanup_at": row["cleanup_at"],
        "deleted_at": row["deleted_at"],
        "traceparent": row["traceparent"],
    }


def job_columns(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "owner": job.owner,
        "status": job.status,
        "phase": job.phase,
        "fence": job.fence,
        "attempt": job.attempt,
        "seq": job.seq,
        "losses": job.losses,
        "max_attempts": job.max_attempts,
        "created_at": job.created_at,
        "queued_at": job.queued_at,
        "due_at": job.due_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "worker": job.worker,
        "lease_until": job.lease_until,
        "expires_at": job.expires_at,
        "grace_until": job.grace_until,
        "cleanup_at": job.cleanup_at,
        "deleted_at": job.deleted_at,
        "traceparent": job.traceparent,
        **failure_columns(job.failure),
        **progress_columns(job.progress),
    }


def progress_columns(progress: Progress) -> dict[str, Any]:
    return {
        "files_total": progress.files_total,
        "files_done": progress.files_done,
        "files_omitted": progress.files_omitted,
        "bytes_total": progress.bytes_total,
        "bytes_done": progress.bytes_done,
    }


def failure_of(row: Row) -> Failure | None:
    if row["error_class"] is None:
        return None
    return Failure(error_class=ErrorClass(row["error_class"]), message=row["error_message"])


def failure_columns(failure: Failure | None) -> dict[str, Any]:
    return {
        "error_class": failure and failure.error_class,
        "error_message": failure and failure.message,
    }


def record_of(row: Row) -> FileRecord:
    return FileRecord(
        index=row["index"],
        file_id=row["file_id"],
        name=row["name"],
        entry_name=row["entry_name"],
        state=FileState(row["state"]),
        key=row["key"],
        size=row["size"],
        etag=row["etag"],
        crc32=row["crc32"],
        sha256=row["sha256"],
        bytes_done=row["bytes_done"],
        failure=failure_of(row),
        seq=row["seq"],
    )


def json_of(value: Any) -> Any:
    """JSON of a column, which the driver returns as text, and SQLAlchemy as its value. It is never a text itself."""
    return json.loads(value) if isinstance(value, str) else value


def part_of(row: Row) -> UploadPart:
    return UploadPart(number=row["number"], etag=row["etag"], detail=row["detail"])
