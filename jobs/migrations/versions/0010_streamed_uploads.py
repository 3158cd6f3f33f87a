"""Uploads that are streamed: who writes, the tail, and a size that is known at the end"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for column in (
        sa.Column("size_known", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("writer", sa.Uuid(), nullable=True),
        sa.Column("writer_until", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("upload_jobs", column)
    op.add_column("signed_parts", sa.Column("etag", sa.Text(), nullable=True))
    op.create_table(
        "tail_pieces",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("tail_pieces_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "start", name=op.f("tail_pieces_pkey")),
    )
