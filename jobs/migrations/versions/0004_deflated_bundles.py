"""Deflated bundles"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("download_jobs", sa.Column("compression", sa.Text(), server_default="store", nullable=False))
    op.create_check_constraint(
        op.f("download_jobs_compression_check"), "download_jobs", "compression IN ('store', 'deflate')"
    )
    op.add_column("upload_parts", sa.Column("checkpoint", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
