"""Mail to operators, and files that are lost"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

NOTICES = (
    "kind IN ('dead', 'infected', 'unscannable', 'no_worker', 'scanner_away', 'no_sandbox', 'disk', 'queue_paused',"
    " 'mail_failed')"
)
GONE_REASONS = "gone_reason IN ('deleted', 'retention', 'replaced', 'lost')"


def upgrade() -> None:
    name = "stored_files_gone_reason_check"
    op.execute(f"ALTER TABLE stored_files DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({GONE_REASONS})")
    for table in ("notices", "notice_reports"):  # one statement each, so that no row is ever without a CHECK
        name = f"{table}_kind_check"
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({NOTICES})")
    op.add_column("notices", sa.Column("mailed_count", sa.Integer(), server_default="0", nullable=False))
    op.create_index("notices_unmailed", "notices", ["id"], postgresql_where=sa.text("mailed_count < count"))
    time = sa.DateTime(timezone=True)
    op.create_table(
        "notice_mail",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("started_at", time, nullable=True),
        sa.Column("not_before", time, nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("lease_until", time, nullable=True),
        sa.Column("sent_at", time, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("notice_mail_pkey")),
    )
    op.execute("INSERT INTO notice_mail (id, not_before) VALUES (1, now())")
