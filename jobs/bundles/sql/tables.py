"""What only a download has. Its job, files, events and parts are rows of the engine's tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from jobs.bundles.downloads import Compression, OnMissing, ResultKind
from jobs.schema import TimestampTz, metadata, one_of, search_index

download_jobs = Table(
    "download_jobs",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("archive_name", Text),
    Column("name", Text, nullable=False),  # the archive name, or the name of the first file
    Column("on_missing", Text, nullable=False),
    Column("compression", Text, nullable=False),
    Column("reader", JSONB),  # as whom its files are read (`FileReader`); NULL: as one who may read every file
    Column("result_kind", Text),  # the result counts while the job is completed or expired
    Column("result_key", Text),
    Column("result_size", BigInteger),  # bytes
    Column("result_etag", Text),
    Column("result_crc32", BigInteger),
    Column("result_sha256", Text),
    Column("result_filename", Text),
    Column("result_content_type", Text),
    Column("result_omitted", JSONB),  # [[file_id, name, reason], …]
    Column("result_content_hash", Text),  # of the content of a bundle: equal bundles are built once
    Column("result_public", Boolean, nullable=False, server_default=false()),  # all its files: others may share it
    Column("result_expires_at", TimestampTz),  # as of completion: orders equal bundles in the index
    Column("upload_id", Text),  # the multipart upload that the current or the next attempt continues
    Column("upload_key", Text),
    Column("upload_fingerprint", Text),  # of the plan that the upload is for
    one_of("on_missing", OnMissing),
    one_of("compression", Compression),
    one_of("result_kind", ResultKind),
    CheckConstraint(
        "num_nonnulls(result_kind, result_key, result_size, result_etag, result_filename, result_content_type)"
        " IN (0, 6)",
        name="result",
    ),
    CheckConstraint("num_nonnulls(upload_id, upload_key, upload_fingerprint) IN (0, 3)", name="upload"),
)
search_index("download_jobs_search", download_jobs.c.name)
Index(
    "download_jobs_reusable",
    download_jobs.c.result_content_hash,
    download_jobs.c.result_expires_at.desc(),
    postgresql_where=download_jobs.c.result_content_hash.is_not(None),
)
Index("download_jobs_bundles", download_jobs.c.result_key, postgresql_where=text("result_kind = 'bundle'"))
Index("download_jobs_objects", download_jobs.c.result_key, postgresql_where=text("result_kind = 'object'"))

download_sources = Table(
    "download_sources",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("index", Integer, primary_key=True, autoincrement=False),  # of the file in the request
    Column("url", Text, nullable=False),  # its query may have secrets
    Column("wanted_sha256", Text),
    Column("restarts", Integer, nullable=False, server_default="0"),  # since the file had changed while it was fetched
    Column("key", Text),  # of the object into which it is fetched, or was
    Column("upload_id", Text),  # while it is fetched in parts
    Column("size", BigInteger),  # bytes; NULL until it is known
    Column("validator", Text),  # for `If-Range`
    Column("modified_at", TimestampTz),
    Column("etag", Text),  # of the object that has all of it, as the columns below
    Column("crc32", BigInteger),
    Column("sha256", Text),
    CheckConstraint("(key IS NULL) = (num_nonnulls(upload_id, etag) = 0)", name="key"),
    CheckConstraint("etag IS NULL OR (upload_id IS NULL AND num_nulls(size, modified_at, crc32) = 0)", name="fetched"),
)
"""The files of downloads that are URLs."""

download_source_parts = Table(
    "download_source_parts",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),  # in the multipart upload of the source, from 1
    Column("etag", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("crc32", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ["job_id", "index"], ["download_sources.job_id", "download_sources.index"], ondelete="CASCADE"
    ),
)
