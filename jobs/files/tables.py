"""The catalogue's table."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Table, Text, func, text

from jobs.schema import TimestampTz, metadata

FILE_ID_MIN = 10_000
FILE_ID_MAX = 100_000_000

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
    Column("created_at", TimestampTz, nullable=False, server_default=func.now()),
    CheckConstraint(text(f"id BETWEEN {FILE_ID_MIN} AND {FILE_ID_MAX}"), name="id"),
    CheckConstraint("size >= 0", name="size"),
)
