"""What only an upload has. Its job, file record and events are rows of the engine's tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from jobs.files.visibility import Visibility
from jobs.schema import TimestampTz, metadata, one_of, search_index

upload_jobs = Table(
    "upload_jobs",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("batch", Uuid, nullable=False),  # the first job of the request that created it
    Column("position", Integer, nullable=False),  # in that request
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes; those that have arrived while it is not known
    Column("content_type", Text),  # as the client declared it
    Column("modified_at", TimestampTz),
    Column("visibility", Text, nullable=False),
    Column("groups", ARRAY(Text), nullable=False),
    Column("part_size", BigInteger, nullable=False),  # bytes
    Column("key", Text, nullable=False),
    Column("upload_id", Text),  # the multipart upload of its parts; NULL for a single part
    Column("detected_type", Text),
    Column("crc32", BigInteger),
    Column("sha256", Text),
    Column("file_id", BigInteger),  # its file of the catalogue, once it is completed
    Column("removed", Boolean, nullable=False, server_default=false()),  # its bytes, before it was completed
    Column("size_known", Boolean, nullable=False, server_default=true()),
    Column("streamed", Boolean, nullable=False, server_default=false()),  # to the intake, not to the store
    Column("writer", Uuid),  # the request that appends bytes, or the last one that has
    Column("writer_until", TimestampTz),  # until when no other request may; NULL when none does
    Column("tus_metadata", Text),  # the header Upload-Metadata, as the client sent it
    Column("infected_at", TimestampTz),  # when the virus scanner found something: its bytes are in quarantine
    Column("finding", Text),  # what it found, which is for operators and admins
    Column("wishes", JSONB(none_as_null=True), server_default="{}"),  # what is made of it; NULL for nothing
    one_of("visibility", Visibility),
    CheckConstraint(text("size >= 0"), name="size"),
    CheckConstraint(text("part_size > 0"), name="part_size"),
    CheckConstraint("(infected_at IS NULL) = (finding IS NULL)", name="infected"),
)
search_index("upload_jobs_search", upload_jobs.c.name)
Index("upload_jobs_batch", upload_jobs.c.batch, upload_jobs.c.position)

signed_parts = Table(
    "signed_parts",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1
    Column("crc32", BigInteger, nullable=False),  # for which its URL was signed
    Column("sent", Boolean, nullable=False, server_default=false()),  # as the client says
    Column("etag", Text),  # of a part that came through us
)

tail_pieces = Table(
    "tail_pieces",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("start", BigInteger, primary_key=True),  # its first byte in the file
    Column("size", Integer, nullable=False),  # bytes
    Column("crc32", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("etag", Text),
)
"""What has arrived of streamed files beyond their complete parts."""
