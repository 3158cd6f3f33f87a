"""The trace of a job"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    # The previous release writes no trace, and reads none: it ignores columns that it does not know.
    op.add_column("jobs", sa.Column("traceparent", sa.Text(), nullable=True))
