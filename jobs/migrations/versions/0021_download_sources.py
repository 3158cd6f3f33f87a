"""Files of downloads that are URLs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

PHASES = (
    "phase IN ('receiving', 'queued', 'resolving', 'fetching', 'packing', 'assembling', 'checking', 'processing',"
    " 'ready')"
)


def upgrade() -> None:
    # One statement, so that no row is ever without a CHECK.
    op.execute(f"ALTER TABLE jobs DROP CONSTRAINT jobs_phase_check, ADD CONSTRAINT jobs_phase_check CHECK ({PHASES})")
    op.create_table(
        "download_sources",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("wanted_sha256", sa.Text(), nullable=True),
        sa.Column("restarts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("upload_id", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("validator", sa.Text(), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("crc32", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(key IS NULL) = (num_nonnulls(upload_id, etag) = 0)", name=op.f("download_sources_key_check")
        ),
        sa.CheckConstraint(
            "etag IS NULL OR (upload_id IS NULL AND num_nulls(size, modified_at, crc32) = 0)",
            name=op.f("download_sources_fetched_check"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("download_sources_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "index", name=op.f("download_sources_pkey")),
    )
    op.create_table(
        "download_source_parts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id", "index"],
            ["download_sources.job_id", "download_sources.index"],
            name=op.f("download_source_parts_job_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "index", "number", name=op.f("download_source_parts_pkey")),
    )
