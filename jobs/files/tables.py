"""The catalogue's table."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Table, Text, func, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY

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
    Column("key", Text, nullable=False, unique=True),
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
    CheckConstraint(text(f"id BETWEEN {FILE_ID_MIN} AND {FILE_ID_MAX}"), name="id"),
    CheckConstraint("size >= 0", name="size"),
    one_of("visibility", Visibility),
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
