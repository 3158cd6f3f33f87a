"""Paused queues, draining workers, and bulk actions of operators"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"

KINDS = "kind IN ('download', 'upload', 'image', 'pdf', 'video')"
NOTICES = (
    "kind IN ('dead', 'infected', 'unscannable', 'no_worker', 'scanner_away', 'no_sandbox', 'disk', 'queue_paused')"
)


def upgrade() -> None:
    op.create_table(
        "paused_queues",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(KINDS, name=op.f("paused_queues_kind_check")),
        sa.PrimaryKeyConstraint("kind", name=op.f("paused_queues_pkey")),
    )
    op.add_column("workers", sa.Column("draining", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    for table in ("notices", "notice_reports"):  # one statement each, so that no row is ever without a CHECK
        name = f"{table}_kind_check"
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({NOTICES})")
    op.create_table(
        "operator_actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("filter", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reasons", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("command IN ('retry', 'cancel', 'delete')", name=op.f("operator_actions_command_check")),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'completed', 'cancelled')", name=op.f("operator_actions_state_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("operator_actions_pkey")),
    )
    op.create_index(
        "operator_actions_open",
        "operator_actions",
        ["starts_at"],
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_index(
        "operator_actions_finished",
        "operator_actions",
        ["finished_at"],
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_table(
        "operator_action_batches",
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("job_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"],
            ["operator_actions.id"],
            name=op.f("operator_action_batches_action_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("action_id", "number", name=op.f("operator_action_batches_pkey")),
    )
