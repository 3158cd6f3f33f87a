"""The tables, as the newest migration leaves them (a test compares the two)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from jobs.engine.jobs import FILE_ID_MAX, FILE_ID_MIN, Compression, FileState, OnMissing, ResultKind, Status
from jobs.errors import ErrorClass

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
    }
)

TimestampTz = DateTime(timezone=True)


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({_quoted(values)})", name=column)


def _quoted(values: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{value}'" for value in values)


KEPT = "deleted_at IS NULL"
"""What people can see. A dropped job is there only until its litter in the store is gone."""

DEAD = f"status = 'failed' AND error_class IN ({_quoted(c for c in ErrorClass if c.retryable)}) AND {KEPT}"
"""`Job.dead`, of those that people can see."""

download_jobs = Table(
    "download_jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),  # +1 a transition: the compare-and-set token
    Column("attempt", Integer, nullable=False),  # charged attempts since the last retry by a person
    Column("seq", BigInteger, nullable=False),  # the order of events
    Column("losses", Integer, nullable=False),  # lost workers since the last retry by a person
    Column("max_attempts", Integer, nullable=False),
    Column("archive_name", Text),
    Column("on_missing", Text, nullable=False),
    Column("compression", Text, nullable=False, server_default=Compression.STORE.value),
    Column("created_at", TimestampTz, nullable=False),
    Column("queued_at", TimestampTz, nullable=False),  # its place in the queue
    Column("due_at", TimestampTz, nullable=False),  # not claimed before
    Column("started_at", TimestampTz),
    Column("finished_at", TimestampTz),
    Column("worker", Text),  # who holds the lease
    Column("lease_until", TimestampTz),
    Column("error_class", Text),
    Column("error_message", Text),
    Column("files_total", Integer, nullable=False),
    Column("files_done", Integer, nullable=False, server_default="0"),
    Column("files_omitted", Integer, nullable=False, server_default="0"),
    Column("bytes_total", BigInteger),  # NULL until the files are resolved
    Column("bytes_done", BigInteger, nullable=False, server_default="0"),
    Column("result_kind", Text),
    Column("result_key", Text),
    Column("result_size", BigInteger),  # bytes
    Column("result_etag", Text),
    Column("result_crc32", BigInteger),
    Column("result_sha256", Text),
    Column("result_filename", Text),
    Column("result_content_type", Text),
    Column("result_omitted", JSONB),  # [[file_id, name, reason], …]
    Column("result_fingerprint", Text),  # of what is in a bundle: equal ones are made once
    Column("expires_at", TimestampTz),  # when the result expires
    Column("grace_until", TimestampTz),  # until when the object of an expired result stays
    Column("cleanup_at", TimestampTz),  # when its litter in the store is to be removed
    Column("upload_id", Text),  # the multipart upload that the running or the next attempt goes on with
    Column("upload_key", Text),
    Column("upload_fingerprint", Text),  # of the plan that the upload is of
    Column("idempotency_key", Text),
    Column("request_digest", Text),  # SHA-256 of the request that came with the key
    Column("deleted_at", TimestampTz),  # when a person gave it up
    _one_of("status", Status),
    _one_of("on_missing", OnMissing),
    _one_of("compression", Compression),
    _one_of("error_class", ErrorClass),
    _one_of("result_kind", ResultKind),
    CheckConstraint("(status = 'processing') = (lease_until IS NOT NULL)", name="lease"),
    CheckConstraint("status <> 'completed' OR result_key IS NOT NULL", name="result"),
)

Index(
    "download_jobs_idempotency_key",
    download_jobs.c.owner,
    download_jobs.c.idempotency_key,
    unique=True,
    postgresql_where=download_jobs.c.idempotency_key.is_not(None),
)
Index(
    "download_jobs_waiting",
    download_jobs.c.due_at,
    postgresql_where=download_jobs.c.status.in_(["queued", "retrying"]),
)
Index(
    "download_jobs_queue",
    download_jobs.c.queued_at,
    download_jobs.c.id,
    postgresql_where=download_jobs.c.status == "queued",
)
Index(
    "download_jobs_leases",
    download_jobs.c.lease_until,
    postgresql_where=download_jobs.c.status == "processing",
)
Index(
    "download_jobs_expiring",
    download_jobs.c.expires_at,
    postgresql_where=download_jobs.c.status == "completed",
)
Index(
    "download_jobs_reusable",
    download_jobs.c.result_fingerprint,
    download_jobs.c.expires_at.desc(),
    postgresql_where=text("status = 'completed' AND result_fingerprint IS NOT NULL"),
)
Index("download_jobs_bundles", download_jobs.c.result_key, postgresql_where=text("result_kind = 'bundle'"))
Index(
    "download_jobs_cleanup",
    download_jobs.c.cleanup_at,
    postgresql_where=download_jobs.c.cleanup_at.is_not(None),
)
Index("download_jobs_finished", download_jobs.c.finished_at, postgresql_where=download_jobs.c.finished_at.is_not(None))
Index("download_jobs_listing", download_jobs.c.owner, download_jobs.c.created_at.desc(), download_jobs.c.id.desc())
Index(
    "download_jobs_listing_by_status",
    download_jobs.c.owner,
    download_jobs.c.status,
    download_jobs.c.created_at.desc(),
    download_jobs.c.id.desc(),
)
Index(
    "download_jobs_dead",
    download_jobs.c.owner,
    download_jobs.c.finished_at.desc(),
    download_jobs.c.id.desc(),
    postgresql_where=text(DEAD),
)
Index("download_jobs_deleted", download_jobs.c.deleted_at, postgresql_where=download_jobs.c.deleted_at.is_not(None))

file_records = Table(
    "file_records",
    metadata,
    Column("job_id", Uuid, ForeignKey("download_jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("index", Integer, primary_key=True),  # its place in the request
    Column("file_id", BigInteger, nullable=False),
    Column("name", Text),  # as asked for
    Column("entry_name", Text),  # in the archive
    Column("state", Text, nullable=False),
    Column("key", Text),
    Column("size", BigInteger),  # bytes
    Column("etag", Text),  # pins the object for this attempt
    Column("crc32", BigInteger),
    Column("sha256", Text),
    Column("bytes_done", BigInteger, nullable=False, server_default="0"),
    Column("error_class", Text),
    Column("error_message", Text),
    Column("seq", BigInteger, nullable=False),  # the job's seq at its last change
    _one_of("state", FileState),
    _one_of("error_class", ErrorClass),
)
Index("file_records_changes", file_records.c.job_id, file_records.c.seq)

upload_parts = Table(
    "upload_parts",
    metadata,
    Column("job_id", Uuid, ForeignKey("download_jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # in the job's upload, from 1
    Column("etag", Text, nullable=False),
    Column("crcs", JSONB, nullable=False),  # {place among its pieces: CRC-32 of that range of a source}
    Column("checkpoint", JSONB),  # where the next part of a deflated bundle goes on
)

job_events = Table(
    "job_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("job_id", Uuid, ForeignKey("download_jobs.id", ondelete="CASCADE"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("command", Text, nullable=False),
    Column("source", Text),  # the state before; NULL for the first event
    Column("target", Text, nullable=False),
    Column("at", TimestampTz, nullable=False),
    Column("worker", Text),
    Column("error_class", Text),
    Column("error_message", Text),
)
Index("job_events_job", job_events.c.job_id, job_events.c.seq)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", TimestampTz, nullable=False),  # when it last said that it takes jobs
)

stored_files = Table(
    "stored_files",
    metadata,
    Column(
        "id",
        BigInteger,
        Identity(start=FILE_ID_MIN, minvalue=FILE_ID_MIN, maxvalue=FILE_ID_MAX),
        primary_key=True,
    ),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("etag", Text),  # at ingest
    Column("crc32", BigInteger),
    Column("sha256", Text),  # lower-case hex
    Column("content_type", Text, nullable=False, server_default="application/octet-stream"),
    Column("owner", Text, nullable=False),
    Column("created_at", TimestampTz, nullable=False, server_default=func.now()),
    CheckConstraint(text(f"id BETWEEN {FILE_ID_MIN} AND {FILE_ID_MAX}"), name="id"),
    CheckConstraint("size >= 0", name="size"),
)
