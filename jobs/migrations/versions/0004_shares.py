"""Share links, and who uses them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "access_shares",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", time, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("password_hash", sa.LargeBinary(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_at", time, nullable=True),
        sa.Column("revoked_at", time, nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("access_shares_job_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("access_shares_pkey")),
        sa.UniqueConstraint("hash", name=op.f("access_shares_hash_key")),
    )
    op.create_index("access_shares_job", "access_shares", ["job_id"])
    op.create_index("access_shares_expiry", "access_shares", ["expires_at"])
    op.create_table(
        "access_share_uses",
        sa.Column("share_id", sa.Text(), nullable=False),
        sa.Column("client", sa.LargeBinary(), nullable=False),
        sa.Column("until", time, nullable=False),
        sa.ForeignKeyConstraint(
            ["share_id"], ["access_shares.id"], name=op.f("access_share_uses_share_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("share_id", "client", name=op.f("access_share_uses_pkey")),
    )
