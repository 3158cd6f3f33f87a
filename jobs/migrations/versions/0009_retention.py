"""Retention of uploaded files, and objects that several files share"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

GONE_REASONS = "gone_reason IN ('deleted', 'retention')"
UPLOADED = "job_id IS NOT NULL AND available"


def upgrade() -> None:
    name = "stored_files_gone_reason_check"
    op.execute(f"ALTER TABLE stored_files DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({GONE_REASONS})")
    op.create_index("stored_files_key", "stored_files", ["key"])
    op.drop_constraint("stored_files_key_key", "stored_files")
    op.create_index("stored_files_uploaded", "stored_files", ["created_at"], postgresql_where=sa.text(UPLOADED))
    op.create_index(
        "stored_files_content",
        "stored_files",
        ["owner", "sha256"],
        postgresql_where=sa.text(f"{UPLOADED} AND sha256 IS NOT NULL"),
    )
    op.create_index(
        "download_jobs_objects", "download_jobs", ["result_key"], postgresql_where=sa.text("result_kind = 'object'")
    )
