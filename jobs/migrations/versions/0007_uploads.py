"""Uploads, and what the catalogue knows of its files"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

KINDS = "kind IN ('download', 'upload')"
PHASES = "phase IN ('receiving', 'queued', 'resolving', 'packing', 'assembling', 'checking', 'ready')"


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    # Each is one statement, so that no row is ever without a CHECK.
    for name, condition in (("jobs_kind_check", KINDS), ("jobs_phase_check", PHASES)):
        op.execute(f"ALTER TABLE jobs DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({condition})")
    op.create_table(
        "upload_jobs",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("batch", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("modified_at", time, nullable=True),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("groups", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("part_size", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("upload_id", sa.Text(), nullable=True),
        sa.Column("detected_type", sa.Text(), nullable=True),
        sa.Column("crc32", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("removed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("part_size > 0", name=op.f("upload_jobs_part_size_check")),
        sa.CheckConstraint("size >= 0", name=op.f("upload_jobs_size_check")),
        sa.CheckConstraint("visibility IN ('public', 'shared', 'private')", name=op.f("upload_jobs_visibility_check")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("upload_jobs_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("upload_jobs_pkey")),
    )
    op.create_index("upload_jobs_batch", "upload_jobs", ["batch", "position"])
    op.create_table(
        "signed_parts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("sent", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("signed_parts_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("signed_parts_pkey")),
    )
    for column in (
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.Text(), server_default="original", nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("scan", sa.Text(), server_default="none", nullable=False),
        sa.Column("available", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("gone_at", time, nullable=True),
        sa.Column("gone_reason", sa.Text(), nullable=True),
        sa.Column("object_removed_at", time, nullable=True),
    ):
        op.add_column("stored_files", column)
    for name, condition in (
        ("role", "role IN ('original')"),
        ("scan", "scan IN ('none', 'clean', 'infected', 'unscannable')"),
        ("gone_reason", "gone_reason IN ('deleted')"),
        ("gone", "(gone_at IS NULL) = (gone_reason IS NULL) AND NOT (available AND gone_at IS NOT NULL)"),
    ):
        op.create_check_constraint(op.f(f"stored_files_{name}_check"), "stored_files", condition)
    op.create_index(
        "stored_files_gone",
        "stored_files",
        ["gone_at"],
        postgresql_where=sa.text("gone_at IS NOT NULL AND object_removed_at IS NULL"),
    )
