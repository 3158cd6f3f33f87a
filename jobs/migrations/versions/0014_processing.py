"""Jobs that make files of an uploaded image, PDF or video"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

KINDS = "kind IN ('download', 'upload', 'image', 'pdf', 'video')"
PHASES = "phase IN ('receiving', 'queued', 'resolving', 'packing', 'assembling', 'checking', 'processing', 'ready')"


def upgrade() -> None:
    # Each is one statement, so that no row is ever without a CHECK.
    for name, condition in (("jobs_kind_check", KINDS), ("jobs_phase_check", PHASES)):
        op.execute(f"ALTER TABLE jobs DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({condition})")
    op.add_column(
        "workers",
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{download,upload}'"), nullable=False),
    )
