"""When deliveries were replayed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    # The previous release ignores the column: what it replays is given up at the first failure, as before.
    op.add_column("webhook_deliveries", sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=True))
