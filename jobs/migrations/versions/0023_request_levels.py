"""Levels of requests that gateways exchange without Redis"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "request_levels",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("request_levels_pkey")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "level_gateways",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("level_gateways_pkey")),
        prefixes=["UNLOGGED"],
    )
