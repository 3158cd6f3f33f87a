"""Jobs that make files of an uploaded image, PDF or video"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

KINDS = "kind IN ('download', 'upload', 'image', 'pdf', 'video')"
PHASES = "phase IN ('receiving', 'queued', 'resolving', 'packing', 'assembling', 'checking', 'processing', 'ready')"
ROLES = "role IN ('original', 'thumbnail', 'web', 'page', 'text', 'poster', 'video', 'playlist')"
GONE_REASONS = "gone_reason IN ('deleted', 'retention', 'replaced')"


def upgrade() -> None:
    # Each is one statement, so that no row is ever without a CHECK.
    for table, column, condition in (
        ("jobs", "kind", KINDS),
        ("jobs", "phase", PHASES),
        ("stored_files", "role", ROLES),
        ("stored_files", "gone_reason", GONE_REASONS),
    ):
        name = f"{table}_{column}_check"
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({condition})")
    op.add_column(
        "workers",
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{download,upload}'"), nullable=False),
    )
    op.create_index(
        "stored_files_parent", "stored_files", ["parent_id"], postgresql_where=sa.text("parent_id IS NOT NULL")
    )
