"""Plans of users and keys"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("access_users", sa.Column("plan", sa.Text(), nullable=True))
    op.add_column("access_keys", sa.Column("plan", sa.Text(), nullable=True))
