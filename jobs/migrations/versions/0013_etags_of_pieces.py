"""The ETags of pieces of tails, so that they are read without a call that finds them out"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("tail_pieces", sa.Column("etag", sa.Text(), nullable=True))
