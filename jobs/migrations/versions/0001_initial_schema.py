"""Initial schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

# How names are searched is told in jobs/files/tables.py. Pieces side by side are enough to find a name: each more costs
# time, and what the index finds is compared with the whole term anyway. So no term needs more than its first 60 letters,
# nor its extension, which too many names have. The text of a `tsvector` quotes its only piece as a `tsquery` needs it.
_FILE_NAME_PIECES = """
    CREATE FUNCTION file_name_pieces(name text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_to_tsvector(array_agg(substr(folded, i, 3)))
        FROM (SELECT lower(name) AS folded) AS it, generate_series(1, length(folded)) AS i
    $$
"""
_FILE_NAME_QUERY = """
    CREATE FUNCTION file_name_query(term text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT CAST(string_agg(piece || CASE WHEN length(folded) < 3 THEN ':*' ELSE '' END, ' & ') AS tsquery)
        FROM regexp_replace(lower(term), '^(.{3,})\\.[^.]{1,5}$', '\\1') AS folded,
            LATERAL (SELECT least(greatest(length(folded) - 2, 1), 60) AS last) AS piece_starts,
            generate_series(1, last + 2, 3) AS i,
            CAST(array_to_tsvector(ARRAY[substr(folded, least(i, last), 3)]) AS text) AS piece
    $$
"""


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("files_total", sa.Integer(), nullable=False),
        sa.Column("files_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("files_omitted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bytes_total", sa.BigInteger(), nullable=True),
        sa.Column("bytes_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grace_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleanup_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("request_digest", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'processing') = (lease_until IS NOT NULL)", name=op.f("jobs_lease_check")),
        sa.CheckConstraint("(status IN ('completed', 'expired')) = (phase = 'ready')", name=op.f("jobs_ready_check")),
        sa.CheckConstraint(
            "error_class IN ('network', 'timeout', 'storage', 'worker_lost', 'internal', 'validation')",
            name=op.f("jobs_error_class_check"),
        ),
        sa.CheckConstraint("kind IN ('download')", name=op.f("jobs_kind_check")),
        sa.CheckConstraint(
            "phase IN ('receiving', 'queued', 'resolving', 'packing', 'ready')", name=op.f("jobs_phase_check")
        ),
        sa.CheckConstraint(
            "status IN ('receiving', 'queued', 'processing', 'retrying', 'completed', 'failed', 'cancelled', 'expired')",
            name=op.f("jobs_status_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("jobs_pkey")),
    )
    op.create_index(
        "jobs_cleanup", "jobs", ["cleanup_at"], unique=False, postgresql_where=sa.text("cleanup_at IS NOT NULL")
    )
    op.create_index(
        "jobs_dead",
        "jobs",
        ["owner", "kind", sa.literal_column("finished_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text(
            "status = 'failed' AND error_class IN ('network', 'timeout', 'storage', 'worker_lost', 'internal')"
            " AND deleted_at IS NULL"
        ),
    )
    op.create_index(
        "jobs_deleted", "jobs", ["deleted_at"], unique=False, postgresql_where=sa.text("deleted_at IS NOT NULL")
    )
    op.create_index(
        "jobs_expiring", "jobs", ["expires_at"], unique=False, postgresql_where=sa.text("status = 'completed'")
    )
    op.create_index(
        "jobs_removable",
        "jobs",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text(
            "cleanup_at IS NULL"
            " AND (status IN ('failed', 'cancelled', 'expired') OR status = 'completed' AND expires_at IS NULL)"
        ),
    )
    op.create_index(
        "jobs_idempotency_key",
        "jobs",
        ["owner", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index(
        "jobs_leases", "jobs", ["lease_until"], unique=False, postgresql_where=sa.text("status = 'processing'")
    )
    op.create_index(
        "jobs_listing",
        "jobs",
        ["owner", "kind", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "jobs_listing_by_status",
        "jobs",
        ["owner", "kind", "status", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "jobs_queue", "jobs", ["kind", "queued_at", "id"], unique=False, postgresql_where=sa.text("status = 'queued'")
    )
    op.create_index(
        "jobs_receiving", "jobs", ["due_at"], unique=False, postgresql_where=sa.text("status = 'receiving'")
    )
    op.create_index(
        "jobs_waiting",
        "jobs",
        ["kind", "due_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('queued', 'retrying')"),
    )
    op.create_table(
        "stored_files",
        sa.Column(
            "id",
            sa.BigInteger(),
            sa.Identity(always=False, start=10000, minvalue=10000, maxvalue=100000000),
            nullable=False,
        ),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("crc32", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("content_type", sa.Text(), server_default="application/octet-stream", nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id BETWEEN 10000 AND 100000000", name=op.f("stored_files_id_check")),
        sa.CheckConstraint("size >= 0", name=op.f("stored_files_size_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("stored_files_pkey")),
        sa.UniqueConstraint("key", name=op.f("stored_files_key_key")),
    )
    op.execute(_FILE_NAME_PIECES)
    op.execute(_FILE_NAME_QUERY)
    op.create_index(
        "stored_files_search",
        "stored_files",
        [sa.func.file_name_pieces(sa.column("name")), sa.literal_column("(ARRAY[id >> 14])")],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("workers_pkey")),
    )
    op.create_table(
        "download_jobs",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("archive_name", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("on_missing", sa.Text(), nullable=False),
        sa.Column("compression", sa.Text(), nullable=False),
        sa.Column("result_kind", sa.Text(), nullable=True),
        sa.Column("result_key", sa.Text(), nullable=True),
        sa.Column("result_size", sa.BigInteger(), nullable=True),
        sa.Column("result_etag", sa.Text(), nullable=True),
        sa.Column("result_crc32", sa.BigInteger(), nullable=True),
        sa.Column("result_sha256", sa.Text(), nullable=True),
        sa.Column("result_filename", sa.Text(), nullable=True),
        sa.Column("result_content_type", sa.Text(), nullable=True),
        sa.Column("result_omitted", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("result_content_hash", sa.Text(), nullable=True),
        sa.Column("result_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("upload_id", sa.Text(), nullable=True),
        sa.Column("upload_key", sa.Text(), nullable=True),
        sa.Column("upload_fingerprint", sa.Text(), nullable=True),
        sa.CheckConstraint("compression IN ('store', 'deflate')", name=op.f("download_jobs_compression_check")),
        sa.CheckConstraint("on_missing IN ('fail', 'skip')", name=op.f("download_jobs_on_missing_check")),
        sa.CheckConstraint("result_kind IN ('bundle', 'object')", name=op.f("download_jobs_result_kind_check")),
        sa.CheckConstraint(
            "num_nonnulls(result_kind, result_key, result_size, result_etag, result_filename, result_content_type)"
            " IN (0, 6)",
            name=op.f("download_jobs_result_check"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(upload_id, upload_key, upload_fingerprint) IN (0, 3)", name=op.f("download_jobs_upload_check")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("download_jobs_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("download_jobs_pkey")),
    )
    op.create_index(
        "download_jobs_bundles",
        "download_jobs",
        ["result_key"],
        unique=False,
        postgresql_where=sa.text("result_kind = 'bundle'"),
    )
    op.create_index(
        "download_jobs_reusable",
        "download_jobs",
        ["result_content_hash", sa.literal_column("result_expires_at DESC")],
        unique=False,
        postgresql_where=sa.text("result_content_hash IS NOT NULL"),
    )
    op.create_table(
        "file_records",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("entry_name", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("crc32", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("bytes_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "error_class IN ('network', 'timeout', 'storage', 'worker_lost', 'internal', 'validation')",
            name=op.f("file_records_error_class_check"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'active', 'done', 'omitted', 'failed')", name=op.f("file_records_state_check")
        ),
        sa.PrimaryKeyConstraint("job_id", "index", name=op.f("file_records_pkey")),
        postgresql_partition_by="RANGE (job_id)",
    )
    op.create_index("file_records_changes", "file_records", ["job_id", "seq"], unique=False)
    op.execute("CREATE TABLE file_records_default PARTITION OF file_records DEFAULT")
    op.create_table(
        "job_events",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "seq", name=op.f("job_events_pkey")),
        postgresql_partition_by="RANGE (job_id)",
    )
    op.execute("CREATE TABLE job_events_default PARTITION OF job_events DEFAULT")
    op.create_table(
        "upload_parts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("upload_parts_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("upload_parts_pkey")),
    )
