"""What a client of tus has said of its file, as it has said it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("upload_jobs", sa.Column("tus_metadata", sa.Text(), nullable=True))
