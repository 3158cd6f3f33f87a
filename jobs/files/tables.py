"""The catalogue's table."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    Uuid,
    func,
    literal_column,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

from jobs.files.states import GoneReason, Role, ScanState
from jobs.files.visibility import Visibility
from jobs.schema import TimestampTz, metadata, one_of

FILE_ID_MIN = 10_000
FILE_ID_MAX = 100_000_000
BUCKET_BITS = 14
"""The search index knows which 2 ** BUCKET_BITS ids a file belongs to, so that a search can begin with the first."""

stored_files = Table(
    "stored_files",
    metadata,
    Column(
        "id",
        BigInteger,
        Identity(start=FILE_ID_MIN, minvalue=FILE_ID_MIN, maxvalue=FILE_ID_MAX),
        primary_key=True,
    ),
    Column("key", Text, nullable=False),  # files with the same content may share an object
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes
    Column("etag", Text),  # when it was added
    Column("crc32", BigInteger),
    Column("sha256", Text),  # lower-case hex
    Column("content_type", Text, nullable=False, server_default="application/octet-stream"),
    Column("owner", Text, nullable=False),
    Column("visibility", Text, nullable=False, server_default=Visibility.PUBLIC),
    Column("groups", ARRAY(Text), nullable=False, server_default="{}"),  # with which it is shared
    Column("modified_at", TimestampTz),  # when its content was last changed, as its owner knows it
    Column("created_at", TimestampTz, nullable=False, server_default=func.now()),
    Column("job_id", Uuid),  # the job that it comes from, whose rows may be deleted before
    Column("role", Text, nullable=False, server_default=Role.ORIGINAL),
    Column("parent_id", BigInteger),  # the file that it was made of
    Column("scan", Text, nullable=False, server_default=ScanState.NONE),
    Column("available", Boolean, nullable=False, server_default=true()),  # can be listed, fetched and bundled
    Column("gone_at", TimestampTz),  # when it was removed from the catalogue
    Column("gone_reason", Text),
    Column("object_removed_at", TimestampTz),  # when the object of a file that is gone was deleted
    CheckConstraint(text(f"id BETWEEN {FILE_ID_MIN} AND {FILE_ID_MAX}"), name="id"),
    CheckConstraint("size >= 0", name="size"),
    one_of("visibility", Visibility),
    one_of("role", Role),
    one_of("scan", ScanState),
    one_of("gone_reason", GoneReason),
    CheckConstraint(
        "(gone_at IS NULL) = (gone_reason IS NULL) AND NOT (available AND gone_at IS NOT NULL)", name="gone"
    ),
)
Index("stored_files_key", stored_files.c.key)
Index("stored_files_parent", stored_files.c.parent_id, postgresql_where=stored_files.c.parent_id.is_not(None))
Index("stored_files_uploaded", stored_files.c.created_at, postgresql_where=text("job_id IS NOT NULL AND available"))
Index(
    "stored_files_content",
    stored_files.c.owner,
    stored_files.c.sha256,
    postgresql_where=text("job_id IS NOT NULL AND available AND sha256 IS NOT NULL"),
)
Index(
    "stored_files_gone",
    stored_files.c.gone_at,
    postgresql_where=text("gone_at IS NOT NULL AND object_removed_at IS NULL"),
)
# For searches within names: the pieces of up to three letters that begin at each letter of a name, in lower case. A term
# of three letters or more is in names that have the pieces which it is made of, a shorter one in names that have a piece
# which begins with it. It is a `tsvector`, since its index finds beginnings, too, and needs no extension. Without
# `fastupdate`, since each search would have to read the whole list of pending entries.
Index(
    "stored_files_search",
    func.file_name_pieces(stored_files.c.name),
    literal_column(f"(ARRAY[id >> {BUCKET_BITS}])"),
    postgresql_using="gin",
    postgresql_with={"fastupdate": "off"},
)

file_texts = Table(
    "file_texts",
    metadata,
    Column("file_id", BigInteger, ForeignKey("stored_files.id"), primary_key=True),  # the text, which is a file itself
    Column("parent_id", BigInteger, nullable=False),  # the file that it is the text of
    Column("words", TSVECTOR, nullable=False),
    Column("start", Text, nullable=False),  # of the text, for snippets
    Column("is_whole", Boolean, nullable=False),  # whether all words are indexed
)
Index("file_texts_words", file_texts.c.words, postgresql_using="gin")
Index("file_texts_parent", file_texts.c.parent_id)
