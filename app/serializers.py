"""Converts domain objects to the models of HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.schemas import (
    BaseStatus,
    CatalogueFile,
    Checksum,
    DeadJob,
    DerivativeItem,
    FileDetail,
    JobItem,
    JobStatus,
    Links,
    NewUploadItem,
    NoticeItem,
    OmittedFile,
    ProcessingJob,
    ProcessingLinks,
    ProcessingStatus,
    ProcessingSummary,
    ProcessingView,
    ResultView,
    Transition,
    UploadItem,
    UploadLinks,
    UploadStatus,
    UploadView,
)
from jobs.bundles.downloads import Download, Result
from jobs.engine.events import ErrorView, Event, EventType, FileView, ProgressView, type_of
from jobs.engine.jobs import FileRecord, Status
from jobs.engine.order import queue_tick
from jobs.engine.sql.rows import Row, failure_of
from jobs.engine.sql.snapshots import Snapshot
from jobs.files.catalogue import StoredFile
from jobs.files.states import Role
from jobs.files.texts import Searchable
from jobs.notices import RaisedNotice
from jobs.processing.processing import Derivative, Processing, Summary
from jobs.processing.recipes import Probe
from jobs.uploads.uploads import Upload

BASE = "/v1/download/job"
UPLOADS = "/v1/upload"
CACHE_CONTROL = "private, no-cache"
"""For what belongs to one user and changes."""


def links_of(job_id: UUID, root: str) -> Links:
    """`root`: the root path of the gateway."""
    job = f"{root}{BASE}/{job_id}"
    return Links(
        self_=job,
        retry=f"{job}/retry",
        cancel=job,
        download_url=f"{job}/download-url",
        file=f"{job}/file",
        bundle=f"{job}/bundle",
    )


def upload_links_of(job_id: UUID, file_id: int | None, root: str) -> UploadLinks:
    """`root`: the root path of the gateway."""
    upload, job = f"{root}{UPLOADS}/{job_id}", f"{root}{BASE}/{job_id}"
    return UploadLinks(
        self_=f"{root}{UPLOADS}/job/{job_id}",
        parts=f"{upload}/parts",
        complete=f"{upload}/complete",
        retry=f"{job}/retry",
        cancel=job,
        file=None if file_id is None else f"{root}/v1/files/{file_id}",
    )


def upload_view_of(upload: Upload) -> UploadView:
    return UploadView(
        name=upload.name,
        size=upload.size,
        content_type=upload.content_type,
        detected_type=upload.detected_type,
        last_modified=upload.modified_at,
        part_size=upload.part_size,
        parts=upload.part_count,
        streamed=upload.streamed,
        visibility=upload.visibility,
        crc32=None if upload.crc32 is None else f"{upload.crc32:08x}",
        sha256=upload.sha256,
        file_id=upload.file_id,
        expires_at=upload.due_at if upload.status is Status.RECEIVING else None,
    )


def new_upload_of(upload: Upload, root: str) -> NewUploadItem:
    return NewUploadItem(
        job_id=upload.id,
        status=upload.status,
        upload=upload_view_of(upload),
        links=upload_links_of(upload.id, upload.file_id, root),
    )


def processing_summary_of(summary: Summary | None) -> ProcessingSummary | None:
    if summary is None:
        return None
    return ProcessingSummary(
        job_id=summary.job_id, kind=summary.kind, status=summary.status, error=ErrorView.of(summary.error)
    )


def processing_view_of(job: Processing) -> ProcessingView:
    probe, wishes = job.probe or Probe(), job.wishes
    return ProcessingView(
        parent_id=job.parent_id,
        name=job.name,
        content_type=job.type,
        avif=wishes.avif,
        pages=wishes.pages,
        on_processing_error=wishes.on_error,
        width=probe.width,
        height=probe.height,
        pages_total=probe.pages,
        duration=probe.duration,
    )


def processing_links_of(job: Processing, root: str) -> ProcessingLinks:
    """`root`: the root path of the gateway."""
    path = f"{root}{BASE}/{job.id}"
    return ProcessingLinks(self_=path, retry=f"{path}/retry", cancel=path, file=f"{root}/v1/files/{job.parent_id}")


def upload_item_of(
    upload: Upload, processing: Summary | None, thumbnail_id: int | None, root: str, *, findings: bool
) -> UploadItem:
    """`findings`: whether the caller may see what the virus scanner has found."""
    return UploadItem(
        job_id=upload.id,
        status=upload.status,
        upload=upload_view_of(upload),
        links=upload_links_of(upload.id, upload.file_id, root),
        percent=upload.percent,
        processing=processing_summary_of(processing),
        thumbnail_id=thumbnail_id,
        created_at=upload.created_at,
        finished_at=upload.finished_at,
        finding=upload.finding if findings else None,
    )


def status_of(
    snapshot: Snapshot[Download] | Snapshot[Upload] | Snapshot[Processing],
    live: Event | None,
    *,
    since: int | None,
    records: Sequence[FileRecord],
    degraded: bool,
    root: str,
    processing: ProcessingJob | None = None,
) -> BaseStatus:
    """The job as PostgreSQL has it, with the newer live progress of the running attempt, if there is any.

    `records`: the files that changed after `since`; none without `since`, whose changes are then not included. `root`: the
    root path of the gateway. `processing`: of an upload, the job that was created with its file.
    """
    job = snapshot.job
    if live is not None and (live.seq != job.seq or live.status is not job.status):
        live = None
    files = {record.index: FileView.of(record) for record in records}
    if live is not None and since is not None:
        files |= {view.index: view for view in live.files}
    progress = live.progress if live else ProgressView.of(job)
    if snapshot.position is not None:
        progress = progress.model_copy(
            update={
                "queue_position": snapshot.position,
                "starts_in_seconds": None if snapshot.starts_in is None else round(snapshot.starts_in),
            }
        )
    common: dict[str, Any] = {
        "type": type_of(job.status) if job.status.ended else EventType.SNAPSHOT,
        "job_id": job.id,
        "since": job.seq if since is None else since,
        "seq": job.seq,
        "tick": live.tick if live else queue_tick(snapshot.position),
        "ts": snapshot.at,
        "status": job.status,
        "attempt": job.attempt,
        "progress": progress,
        "files": [files[index] for index in sorted(files)],
        "error": ErrorView.of(job.failure),
        "degraded": degraded,
        "title": job.title,
        "max_attempts": job.max_attempts,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "next_attempt_at": job.due_at if job.status is Status.RETRYING else None,
    }
    if isinstance(job, Upload):
        return UploadStatus(
            **common,
            upload=upload_view_of(job),
            processing=processing,
            links=upload_links_of(job.id, job.file_id, root),
        )
    if isinstance(job, Processing):
        return ProcessingStatus(
            **common,
            kind=job.kind,
            processing=processing_view_of(job),
            links=processing_links_of(job, root),
        )
    return JobStatus(
        **common,
        archive_name=job.archive_name,
        on_missing=job.on_missing,
        compression=job.compression,
        result=None if job.result is None else result_of(job, job.result),
        links=links_of(job.id, root),
    )


def etag_of(status: BaseStatus) -> str:
    """Weak, since the same status may be serialized differently."""
    return f'W/"{status.seq}.{status.tick}.{status.progress.queue_position or 0}"'


def etag_matches(header: str, etag: str) -> bool:
    """Whether `If-None-Match` contains the tag, by weak comparison (RFC 9110, section 13.1.2)."""
    if header == etag:  # nearly always
        return True
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


def result_of(job: Download, result: Result) -> ResultView:
    return ResultView(
        kind=result.kind,
        size=result.size,
        checksum=Checksum.of(result.crc32),
        sha256=result.sha256,
        filename=result.filename,
        bundle_expires_at=job.expires_at,
        omitted=omitted_of(result),
    )


def omitted_of(result: Result) -> list[OmittedFile]:
    return [OmittedFile(file_id=one.file_id, name=one.name, reason=one.reason) for one in result.omitted]


def item_of(job: Download, root: str) -> JobItem:
    return JobItem(
        job_id=job.id,
        status=job.status,
        title=job.title,
        archive_name=job.archive_name,
        percent=job.percent,
        files_total=job.progress.files_total,
        files_omitted=job.progress.files_omitted,
        size=job.result.size if job.result else None,
        created_at=job.created_at,
        finished_at=job.finished_at,
        bundle_expires_at=job.expires_at,
        links=links_of(job.id, root),
    )


def dead_of(job: Download | Upload | Processing, root: str) -> DeadJob:
    error = ErrorView.of(job.failure)
    assert error is not None
    assert job.finished_at is not None
    return DeadJob(
        job_id=job.id,
        kind=job.kind,
        title=job.title,
        archive_name=job.archive_name if isinstance(job, Download) else None,
        files_total=job.progress.files_total,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        error=error,
        created_at=job.created_at,
        finished_at=job.finished_at,
        links=_links_of_any(job, root),
    )


def _links_of_any(job: Download | Upload | Processing, root: str) -> Links | UploadLinks | ProcessingLinks:
    match job:
        case Download():
            return links_of(job.id, root)
        case Upload():
            return upload_links_of(job.id, job.file_id, root)
        case Processing():
            return processing_links_of(job, root)


def transition_of(event: Row) -> Transition:
    """Without the worker, whose name contains a host name."""
    return Transition(
        seq=event["seq"],
        at=event["at"],
        command=event["command"],
        source=event["source"],
        target=event["target"],
        attempt=event["attempt"],
        error=ErrorView.of(failure_of(event)),
    )


def notice_of(notice: RaisedNotice) -> NoticeItem:
    return NoticeItem(**{name: getattr(notice, name) for name in NoticeItem.model_fields})


def file_of(file: StoredFile, thumbnail_id: int | None, snippet: str | None = None) -> CatalogueFile:
    return CatalogueFile(**_file_fields(file, thumbnail_id), snippet=snippet)


def file_detail_of(
    file: StoredFile, derivatives: Sequence[Derivative], processing: Summary | None, searchable: Searchable | None
) -> FileDetail:
    items = [_derivative_of(one) for one in derivatives]
    by_role = {item.role: item.file_id for item in items}
    return FileDetail(
        **_file_fields(file, by_role.get(Role.THUMBNAIL, by_role.get(Role.POSTER))),
        visibility=file.visibility,
        job_id=file.job_id,
        scan=file.scan,
        modified_at=file.modified_at,
        derivatives=items,
        searchable=searchable,
        processing=processing_summary_of(processing),
    )


def _derivative_of(one: Derivative) -> DerivativeItem:
    return DerivativeItem(
        file_id=one.file.id,
        role=one.file.role,
        name=one.file.name,
        content_type=one.file.content_type,
        size=one.file.size,
        page=one.page,
        width=one.width,
        height=one.height,
    )


def _file_fields(file: StoredFile, thumbnail_id: int | None) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "crc32": None if file.crc32 is None else f"{file.crc32:08x}",
        "sha256": file.sha256,
        "content_type": file.content_type,
        "created_at": file.created_at,
        "role": file.role,
        "parent_id": file.parent_id,
        "thumbnail_id": thumbnail_id,
    }
