"""What operators see: indexes for the jobs of all owners, what workers run, gateways, and who was throttled"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"

SEARCHED = {
    "download_jobs_search": ("download_jobs", "name", None),
    "upload_jobs_search": ("upload_jobs", "name", None),
    "processing_jobs_search": ("processing_jobs", "name", None),
    "jobs_errors": ("jobs", "error_message", "error_message IS NOT NULL"),
}


def upgrade() -> None:
    op.create_index(
        "jobs_of_all",
        "jobs",
        ["kind", "status", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "jobs_finished",
        "jobs",
        ["finished_at", "status", "kind"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index(
        "file_records_files", "file_records", ["file_id", "job_id"], postgresql_where=sa.text("file_id > 0")
    )
    for name, (table, column, where) in SEARCHED.items():
        op.create_index(
            name,
            table,
            [sa.func.file_name_pieces(sa.column(column))],
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 256},
            postgresql_where=None if where is None else sa.text(where),
        )
    op.add_column("workers", sa.Column("started_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workers", sa.Column("slots", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_table(
        "gateways",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("gateways_pkey")),
    )
    op.create_table(
        "access_refusals",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("limit", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner", "limit", name=op.f("access_refusals_pkey")),
    )
    op.create_index("access_refusals_last", "access_refusals", ["last_at"])
