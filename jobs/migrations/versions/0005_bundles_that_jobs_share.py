"""Bundles that jobs share"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("download_jobs", sa.Column("result_fingerprint", sa.Text(), nullable=True))
    op.add_column("download_jobs", sa.Column("grace_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "download_jobs_reusable",
        "download_jobs",
        ["result_fingerprint", sa.literal_column("expires_at DESC")],
        unique=False,
        postgresql_where=sa.text("status = 'completed' AND result_fingerprint IS NOT NULL"),
    )
    op.create_index(
        "download_jobs_bundles",
        "download_jobs",
        ["result_key"],
        unique=False,
        postgresql_where=sa.text("result_kind = 'bundle'"),
    )
