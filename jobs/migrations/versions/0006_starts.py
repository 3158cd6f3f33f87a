"""Starts of jobs, which are counted, and places in the queue by owner"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "job_starts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "at", name=op.f("job_starts_pkey")),
    )
    op.create_index("job_starts_owner", "job_starts", ["owner", "at"])
    waiting = "status IN ('queued', 'retrying')"
    op.drop_index("jobs_queue", "jobs")
    op.create_index("jobs_queue", "jobs", ["kind", "queued_at", "id"], postgresql_where=sa.text(waiting))
    op.create_index(
        "jobs_queue_of_owner",
        "jobs",
        ["kind", "owner", "queued_at"],
        postgresql_where=sa.text(f"{waiting} AND owner <> 'anonymous'"),
    )
