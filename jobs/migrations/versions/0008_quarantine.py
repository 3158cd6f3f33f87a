"""Infected uploads in quarantine"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("upload_jobs", sa.Column("infected_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("upload_jobs", sa.Column("finding", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("upload_jobs_infected_check"), "upload_jobs", "(infected_at IS NULL) = (finding IS NULL)"
    )
