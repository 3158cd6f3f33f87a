"""Jobs that make files of an uploaded image, PDF or video"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

KINDS = "kind IN ('download', 'upload', 'image', 'pdf', 'video')"
PHASES = "phase IN ('receiving', 'queued', 'resolving', 'packing', 'assembling', 'checking', 'processing', 'ready')"
ROLES = "role IN ('original', 'thumbnail', 'web', 'page', 'text', 'poster', 'video', 'playlist')"
GONE_REASONS = "gone_reason IN ('deleted', 'retention', 'replaced')"


def upgrade() -> None:
    # Each is one statement, so that no row is ever without a CHECK.
    for table, column, condition in (
        ("jobs", "kind", KINDS),
        ("jobs", "phase", PHASES),
        ("stored_files", "role", ROLES),
        ("stored_files", "gone_reason", GONE_REASONS),
    ):
        name = f"{table}_{column}_check"
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({condition})")
    op.add_column(
        "workers",
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{download,upload}'"), nullable=False),
    )
    json = postgresql.JSONB(none_as_null=True)
    op.add_column("upload_jobs", sa.Column("wishes", json, server_default=sa.text("'{}'"), nullable=True))
    op.create_index(
        "stored_files_parent", "stored_files", ["parent_id"], postgresql_where=sa.text("parent_id IS NOT NULL")
    )
    op.create_table(
        "processing_jobs",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("wishes", json, nullable=False),
        sa.Column("probe", json, nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("processing_jobs_job_id_fkey"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["stored_files.id"], name=op.f("processing_jobs_parent_id_fkey")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("processing_jobs_pkey")),
    )
    op.create_index("processing_jobs_parent", "processing_jobs", ["parent_id"])
    op.create_index(
        "processing_jobs_fingerprint",
        "processing_jobs",
        ["fingerprint"],
        postgresql_where=sa.text("fingerprint IS NOT NULL"),
    )
    op.create_table(
        "derived_files",
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("width", sa.BigInteger(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["stored_files.id"], name=op.f("derived_files_file_id_fkey")),
        sa.PrimaryKeyConstraint("file_id", name=op.f("derived_files_pkey")),
        sa.UniqueConstraint("job_id", "output", name=op.f("derived_files_job_id_output_key")),
    )
