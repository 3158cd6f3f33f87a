"""What only a processing job has, and what is known of the files that they make besides their rows in the catalogue."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from jobs.schema import metadata, search_index

processing_jobs = Table(
    "processing_jobs",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("parent_id", BigInteger, ForeignKey("stored_files.id"), nullable=False),  # the file that it processes
    Column("name", Text, nullable=False),  # of that file
    Column("type", Text, nullable=False),  # its media type
    Column("wishes", JSONB(none_as_null=True), nullable=False),
    Column("probe", JSONB(none_as_null=True)),  # what an attempt has found in the header of the file
    Column("fingerprint", Text),  # of content and wishes, once an attempt has read the catalogue
)
search_index("processing_jobs_search", processing_jobs.c.name)
Index("processing_jobs_parent", processing_jobs.c.parent_id)
Index(
    "processing_jobs_fingerprint",
    processing_jobs.c.fingerprint,
    postgresql_where=processing_jobs.c.fingerprint.is_not(None),
)

derived_files = Table(
    "derived_files",
    metadata,
    Column("file_id", BigInteger, ForeignKey("stored_files.id"), primary_key=True),
    Column("job_id", Uuid, nullable=False),  # the job that has added it, whose rows may be deleted before
    Column("output", Text, nullable=False),  # its name in the recipe
    Column("page", Integer),  # of a PDF, from 1
    Column("width", BigInteger),  # pixels
    Column("height", BigInteger),
    UniqueConstraint("job_id", "output"),
)
"""The files of the catalogue that were made of others. A job adds each of its outputs once."""
