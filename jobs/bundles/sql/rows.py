"""Between rows of `jobs` joined with `download_jobs` and values."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from jobs.bundles.downloads import Compression, Download, Omission, OnMissing, Result, ResultKind
from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.engine.jobs import Job, Status
from jobs.engine.sql.rows import Row, job_fields
from jobs.files.visibility import FileReader


def download_of(row: Row) -> Download:
    return _download(job_fields(row), row)


def download_of_job(job: Job, row: Row) -> Download:
    """The download of a job that is known, with its row of `download_jobs`."""
    return _download({field.name: getattr(job, field.name) for field in fields(Job)}, row)


def _download(job: dict[str, Any], row: Row) -> Download:
    """A retried download keeps the columns of its earlier result, for downloads in progress; it is not its result."""
    has_result = job["status"] in (Status.COMPLETED, Status.EXPIRED)
    return Download(
        **job,
        archive_name=row["archive_name"],
        name=row["name"],
        on_missing=OnMissing(row["on_missing"]),
        compression=Compression(row["compression"]),
        reader=reader_of(row["reader"]),
        result=result_of(row) if has_result else None,
        upload=_upload_of(row),
    )


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
        content_hash=row["result_content_hash"],
        is_public=row["result_public"],
    )


def result_columns(result: Result) -> dict[str, Any]:
    return {
        "result_kind": result.kind,
        "result_key": result.key,
        "result_size": result.size,
        "result_etag": result.etag,
        "result_crc32": result.crc32,
        "result_sha256": result.sha256,
        "result_filename": result.filename,
        "result_content_type": result.content_type,
        "result_omitted": [[one.file_id, one.name, one.reason] for one in result.omitted],
        "result_content_hash": result.content_hash,
        "result_public": result.is_public,
    }


def reader_of(value: str | dict[str, Any] | None) -> FileReader | None:
    """The reader in a JSONB column, which the driver returns as text."""
    found = json.loads(value) if isinstance(value, str) else value
    if found is None:
        return None
    return FileReader(owner=found["owner"], groups=frozenset(found["groups"]), template_files=found["templateFiles"])


def reader_column(reader: FileReader | None) -> str | None:
    """The same as JSON. A reader of everything is stored as NULL."""
    if reader is None or reader.everything:
        return None
    value = {"owner": reader.owner, "groups": sorted(reader.groups), "templateFiles": reader.template_files}
    return json.dumps(value)


def _upload_of(row: Row) -> MultipartUpload | None:
    if row["upload_id"] is None:
        return None
    return MultipartUpload(key=row["upload_key"], id=row["upload_id"], fingerprint=row["upload_fingerprint"])


def upload_columns(upload: MultipartUpload | None) -> dict[str, Any]:
    return {
        "upload_key": upload and upload.key,
        "upload_id": upload and upload.id,
        "upload_fingerprint": upload and upload.fingerprint,
    }
