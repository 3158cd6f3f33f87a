"""Which uploads are sent to the intake. All others are sent to the store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("upload_jobs", sa.Column("streamed", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.execute("UPDATE upload_jobs SET streamed = true WHERE part_size = 5242880")  # only of these are parts so small
