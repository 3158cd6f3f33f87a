"""Texts of files, which are searched"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"

# A `tsvector` has at most 1 MB. Of a text whose words need more, only the start is indexed: `length` characters.
_FILE_TEXT_WORDS = """
    CREATE FUNCTION file_text_words(content text, OUT words tsvector, OUT length integer)
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    BEGIN
        length := char_length(content);
        LOOP
            BEGIN
                words := to_tsvector('simple', left(content, length));
                RETURN;
            EXCEPTION WHEN program_limit_exceeded THEN
                length := length / 2;
            END;
        END LOOP;
    END
    $$
"""


def upgrade() -> None:
    op.execute(_FILE_TEXT_WORDS)
    op.create_table(
        "file_texts",
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("start", sa.Text(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["stored_files.id"], name=op.f("file_texts_file_id_fkey")),
        sa.PrimaryKeyConstraint("file_id", name=op.f("file_texts_pkey")),
    )
    op.create_index("file_texts_words", "file_texts", ["words"], postgresql_using="gin")
    op.create_index("file_texts_parent", "file_texts", ["parent_id"])
