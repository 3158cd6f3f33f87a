"""Between rows and values: the only place that knows how a job is spread over columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping

from jobs.bundles.format.checkpoints import Checkpoint, DonePart, PackedEntry, Upload
from jobs.bundles.format.zip_records import Method
from jobs.engine.jobs import (
    Compression,
    Failure,
    FileRecord,
    FileState,
    Job,
    Omission,
    OnMissing,
    Progress,
    Result,
    ResultKind,
    Status,
)
from jobs.errors import ErrorClass

Row = Mapping[str, Any] | RowMapping


def job_of(row: Row) -> Job:
    return Job(
        id=row["id"],
        owner=row["owner"],
        status=Status(row["status"]),
        fence=row["fence"],
        attempt=row["attempt"],
        seq=row["seq"],
        losses=row["losses"],
        max_attempts=row["max_attempts"],
        archive_name=row["archive_name"],
        on_missing=OnMissing(row["on_missing"]),
        compression=Compression(row["compression"]),
        created_at=row["created_at"],
        queued_at=row["queued_at"],
        due_at=row["due_at"],
        progress=Progress(
            files_total=row["files_total"],
            files_done=row["files_done"],
            files_omitted=row["files_omitted"],
            bytes_total=row["bytes_total"],
            bytes_done=row["bytes_done"],
        ),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        worker=row["worker"],
        lease_until=row["lease_until"],
        failure=failure_of(row),
        result=result_of(row),
        expires_at=row["expires_at"],
        grace_until=row["grace_until"],
        cleanup_at=row["cleanup_at"],
        upload=_upload_of(row),
        deleted_at=row["deleted_at"],
    )


def job_columns(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "owner": job.owner,
        "status": job.status,
        "fence": job.fence,
        "attempt": job.attempt,
        "seq": job.seq,
        "losses": job.losses,
        "max_attempts": job.max_attempts,
        "archive_name": job.archive_name,
        "on_missing": job.on_missing,
        "compression": job.compression,
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
        **failure_columns(job.failure),
        **progress_columns(job.progress),
        **_result_columns(job.result),
        **upload_columns(job.upload),
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


def result_of(row: Row) -> Result | None:
    if row["result_kind"] is None:
        return None
    return Result(
        kind=ResultKind(row["result_kind"]),
        key=row["result_key"],
        size=row["result_size"],
        etag=row["result_etag"],
        crc32=row["result_crc32"],
        sha256=row["result_sha256"],
        filename=row["result_filename"],
        content_type=row["result_content_type"],
        omitted=tuple(
            Omission(file_id=file_id, name=name, reason=reason) for file_id, name, reason in row["result_omitted"] or ()
        ),
        fingerprint=row["result_fingerprint"],
    )


def _result_columns(result: Result | None) -> dict[str, Any]:
    return {
        "result_kind": result and result.kind,
        "result_key": result and result.key,
        "result_size": result and result.size,
        "result_etag": result and result.etag,
        "result_crc32": result and result.crc32,
        "result_sha256": result and result.sha256,
        "result_filename": result and result.filename,
        "result_content_type": result and result.content_type,
        "result_omitted": [[o.file_id, o.name, o.reason] for o in result.omitted] if result else None,
        "result_fingerprint": result and result.fingerprint,
    }


def _upload_of(row: Row) -> Upload | None:
    if row["upload_id"] is None or row["upload_key"] is None:
        return None
    return Upload(key=row["upload_key"], id=row["upload_id"], fingerprint=row["upload_fingerprint"])


def upload_columns(upload: Upload | None) -> dict[str, Any]:
    return {
        "upload_key": upload and upload.key,
        "upload_id": upload and upload.id,
        "upload_fingerprint": upload and upload.fingerprint,
    }


def part_of(row: Row) -> DonePart:
    crcs = {int(place): crc for place, crc in row["crcs"].items()}
    checkpoint = None if row["checkpoint"] is None else _checkpoint_of(row["checkpoint"])
    return DonePart(number=row["number"], etag=row["etag"], crcs=crcs, checkpoint=checkpoint)


def _checkpoint_of(said: Row) -> Checkpoint:
    return Checkpoint(
        size=said["size"],
        crc32=said["crc32"],
        entry=said["entry"],
        offset=said["offset"],
        begun=None if said["begun"] is None else _packed_of(said["begun"]),
        ended=tuple(map(_packed_of, said["ended"])),
    )


def _packed_of(said: Sequence[int]) -> PackedEntry:
    offset, method, crc32, size = said
    return PackedEntry(offset=offset, method=Method(method), crc32=crc32, size=size)


def checkpoint_json(checkpoint: Checkpoint | None) -> str | None:
    """A checkpoint as its column has it."""
    if checkpoint is None:
        return None
    begun = checkpoint.begun
    return json.dumps(
        {
            "size": checkpoint.size,
            "crc32": checkpoint.crc32,
            "entry": checkpoint.entry,
            "offset": checkpoint.offset,
            "begun": None if begun is None else _packed_json(begun),
            "ended": [_packed_json(one) for one in checkpoint.ended],
        }
    )


def _packed_json(packed: PackedEntry) -> list[int]:
    return [packed.offset, packed.method, packed.crc32, packed.size]


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
