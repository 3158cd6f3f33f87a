"""Access control: users and their credentials, the visibility of files, as whom a download reads them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    texts = postgresql.ARRAY(sa.Text())
    time = sa.DateTime(timezone=True)
    now = sa.text("now()")
    op.create_table(
        "access_users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), server_default="user", nullable=False),
        sa.Column("groups", texts, server_default="{}", nullable=False),
        sa.Column("created_at", time, server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("access_users_pkey")),
    )
    op.create_table(
        "access_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", texts, nullable=False),
        sa.Column("created_at", time, server_default=now, nullable=False),
        sa.Column("expires_at", time, nullable=True),
        sa.Column("revoked_at", time, nullable=True),
        sa.Column("used_at", time, nullable=True),
        sa.ForeignKeyConstraint(
            ["owner"], ["access_users.name"], name=op.f("access_keys_owner_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("access_keys_pkey")),
        sa.UniqueConstraint("hash", name=op.f("access_keys_hash_key")),
    )
    op.create_index("access_keys_owner", "access_keys", ["owner"])
    op.create_table(
        "access_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("created_at", time, server_default=now, nullable=False),
        sa.Column("seen_at", time, server_default=now, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("revoked_at", time, nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["owner"], ["access_users.name"], name=op.f("access_sessions_owner_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("access_sessions_pkey")),
        sa.UniqueConstraint("hash", name=op.f("access_sessions_hash_key")),
    )
    op.create_index("access_sessions_owner", "access_sessions", ["owner"])
    op.create_index("access_sessions_expiry", "access_sessions", ["expires_at"])
    op.create_table(
        "access_sign_in_links",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.ForeignKeyConstraint(
            ["owner"], ["access_users.name"], name=op.f("access_sign_in_links_owner_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("access_sign_in_links_pkey")),
    )
    op.create_index("access_sign_in_links_expiry", "access_sign_in_links", ["expires_at"])
    op.create_table(
        "access_tickets",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("principal", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("access_tickets_pkey")),
    )
    op.create_index("access_tickets_expiry", "access_tickets", ["expires_at"])
    op.create_table(
        "access_revocations",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revoked", sa.Text(), nullable=False),
        sa.Column("at", time, server_default=now, nullable=False),
        sa.Column("until", time, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("access_revocations_pkey")),
    )
    op.create_index("access_revocations_until", "access_revocations", ["until"])
    op.create_table(
        "access_audit",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", time, server_default=now, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("access_audit_pkey")),
    )
    op.create_index("access_audit_actor", "access_audit", ["actor", sa.literal_column("number DESC")])
    op.add_column("stored_files", sa.Column("visibility", sa.Text(), server_default="public", nullable=False))
    op.add_column("stored_files", sa.Column("groups", texts, server_default="{}", nullable=False))
    op.create_check_constraint(
        op.f("stored_files_visibility_check"),
        "stored_files",
        "visibility IN ('public', 'shared', 'private')",
        postgresql_not_valid=True,  # `migrate` validates it when this transaction does not lock the table any more
    )
    op.add_column("download_jobs", sa.Column("reader", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("download_jobs", sa.Column("result_public", sa.Boolean(), server_default=sa.false(), nullable=False))
