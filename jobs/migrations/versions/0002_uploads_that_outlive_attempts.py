"""Uploads that outlive attempts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("download_jobs", sa.Column("upload_key", sa.Text()))
    op.add_column("download_jobs", sa.Column("upload_fingerprint", sa.Text()))
    op.create_table(
        "upload_parts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("crcs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["download_jobs.id"], name=op.f("upload_parts_job_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("upload_parts_pkey")),
    )


def downgrade() -> None:
    op.drop_table("upload_parts")
    op.drop_column("download_jobs", "upload_fingerprint")
    op.drop_column("download_jobs", "upload_key")
