"""The engine's tables: what is true of a job of any kind. A kind keeps what only it needs in a table of its own."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from jobs.engine.bulk_actions import OPEN, BulkCommand, BulkState
from jobs.engine.jobs import UNKNOWN_FILE, FileState, Status
from jobs.errors import ErrorClass
from jobs.kinds import Kind, Phase
from jobs.owners import ANONYMOUS
from jobs.schema import TimestampTz, metadata, one_of, quoted, search_index

VISIBLE = "deleted_at IS NULL"
"""The jobs that people can see. A deleted job only stays until its leftover objects are removed."""

DEAD = f"status = 'failed' AND error_class IN ({quoted(c for c in ErrorClass if c.retryable)}) AND {VISIBLE}"
"""`Job.dead`, of the jobs that people can see."""

REMOVABLE = (
    "cleanup_at IS NULL"
    " AND (status IN ('failed', 'cancelled', 'expired') OR status = 'completed' AND expires_at IS NULL)"
)
"""The jobs whose rows may be deleted once they ended long enough ago: without leftover objects, or a result to expire."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("phase", Text, nullable=False),  # the step that a person is shown
    Column("fence", BigInteger, nullable=False),  # +1 a transition: the compare-and-set token
    Column("attempt", Integer, nullable=False),  # charged attempts since the last retry by a person
    Column("seq", BigInteger, nullable=False),  # the order of events
    Column("losses", Integer, nullable=False),  # lost workers since the last retry by a person
    Column("max_attempts", Integer, nullable=False),
    Column("created_at", TimestampTz, nullable=False),
    Column("queued_at", TimestampTz, nullable=False),  # its place in the queue, see jobs.engine.fair_share
    Column("due_at", TimestampTz, nullable=False),  # not claimed before; while receiving: when it lapses
    Column("started_at", TimestampTz),
    Column("finished_at", TimestampTz),
    Column("worker", Text),  # who holds the lease
    Column("lease_until", TimestampTz),
    Column("error_class", Text),
    Column("error_message", Text),
    Column("files_total", Integer, nullable=False),
    Column("files_done", Integer, nullable=False, server_default="0"),
    Column("files_omitted", Integer, nullable=False, server_default="0"),
    Column("bytes_total", BigInteger),  # NULL until it is known
    Column("bytes_done", BigInteger, nullable=False, server_default="0"),
    Column("expires_at", TimestampTz),  # when the result expires
    Column("grace_until", TimestampTz),  # until when the object of an expired result stays
    Column("cleanup_at", TimestampTz),  # when its leftover objects are to be removed
    Column("idempotency_key", Text),
    Column("request_digest", Text),  # SHA-256 of the request that came with the key
    Column("deleted_at", TimestampTz),  # when a person deleted it
    Column("traceparent", Text),  # see `Job.traceparent`
    one_of("kind", Kind),
    one_of("status", Status),
    one_of("phase", Phase),
    one_of("error_class", ErrorClass),
    CheckConstraint("(status = 'processing') = (lease_until IS NOT NULL)", name="lease"),
    CheckConstraint("(status IN ('completed', 'expired')) = (phase = 'ready')", name="ready"),
)

Index(
    "jobs_idempotency_key",
    jobs.c.owner,
    jobs.c.idempotency_key,
    unique=True,
    postgresql_where=jobs.c.idempotency_key.is_not(None),
)
Index("jobs_waiting", jobs.c.kind, jobs.c.due_at, postgresql_where=jobs.c.status.in_(["queued", "retrying"]))
Index(
    "jobs_queue",
    jobs.c.kind,
    jobs.c.queued_at,
    jobs.c.id,
    postgresql_where=jobs.c.status.in_(["queued", "retrying"]),
)
Index(
    "jobs_queue_of_owner",
    jobs.c.kind,
    jobs.c.owner,
    jobs.c.queued_at,
    postgresql_where=text(f"status IN ('queued', 'retrying') AND owner <> '{ANONYMOUS}'"),
)
Index("jobs_receiving", jobs.c.due_at, postgresql_where=jobs.c.status == "receiving")
Index("jobs_leases", jobs.c.lease_until, postgresql_where=jobs.c.status == "processing")
Index("jobs_expiring", jobs.c.expires_at, postgresql_where=jobs.c.status == "completed")
Index("jobs_cleanup", jobs.c.cleanup_at, postgresql_where=jobs.c.cleanup_at.is_not(None))
Index("jobs_removable", jobs.c.finished_at, postgresql_where=text(REMOVABLE))
Index("jobs_listing", jobs.c.owner, jobs.c.kind, jobs.c.created_at.desc(), jobs.c.id.desc())
Index(
    "jobs_listing_by_status",
    jobs.c.owner,
    jobs.c.kind,
    jobs.c.status,
    jobs.c.created_at.desc(),
    jobs.c.id.desc(),
)
Index(
    "jobs_dead",
    jobs.c.owner,
    jobs.c.kind,
    jobs.c.finished_at.desc(),
    jobs.c.id.desc(),
    postgresql_where=text(DEAD),
)
Index("jobs_deleted", jobs.c.deleted_at, postgresql_where=jobs.c.deleted_at.is_not(None))
# For operators: the jobs of all owners, those that ended lately, and errors.
Index(
    "jobs_of_all",
    jobs.c.kind,
    jobs.c.status,
    jobs.c.created_at.desc(),
    jobs.c.id.desc(),
    postgresql_where=text(VISIBLE),
)
Index("jobs_finished", jobs.c.finished_at, jobs.c.status, jobs.c.kind, postgresql_where=jobs.c.finished_at.is_not(None))
search_index("jobs_errors", jobs.c.error_message)

BY_JOB_ID = "RANGE (job_id)"
"""How the two largest tables are partitioned: see `jobs.engine.sql.partitions`, also for why they have no foreign key."""

file_records = Table(
    "file_records",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("index", Integer, primary_key=True),  # its place in the request
    Column("file_id", BigInteger, nullable=False),
    Column("name", Text),  # as requested
    Column("entry_name", Text),  # in the archive
    Column("state", Text, nullable=False),
    Column("key", Text),
    Column("size", BigInteger),  # bytes
    Column("etag", Text),  # pins the object for this attempt
    Column("crc32", BigInteger),
    Column("sha256", Text),
    Column("bytes_done", BigInteger, nullable=False, server_default="0"),
    Column("error_class", Text),
    Column("error_message", Text),
    Column("seq", BigInteger, nullable=False),  # the job's seq at its last change
    one_of("state", FileState),
    one_of("error_class", ErrorClass),
    postgresql_partition_by=BY_JOB_ID,
)
Index("file_records_changes", file_records.c.job_id, file_records.c.seq)
Index(
    "file_records_files",
    file_records.c.file_id,
    file_records.c.job_id,
    postgresql_where=file_records.c.file_id > UNKNOWN_FILE,
)

upload_parts = Table(
    "upload_parts",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # in the job's multipart upload, from 1
    Column("etag", Text, nullable=False),
    Column("detail", JSONB, nullable=False),  # what the job's kind has to know to continue the upload
)

job_events = Table(
    "job_events",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("command", Text, nullable=False),
    Column("source", Text),  # the state before; NULL for the first event
    Column("target", Text, nullable=False),
    Column("at", TimestampTz, nullable=False),
    Column("worker", Text),
    Column("error_class", Text),
    Column("error_message", Text),
    postgresql_partition_by=BY_JOB_ID,
)

job_starts = Table(
    "job_starts",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("at", TimestampTz, primary_key=True),
    Column("owner", Text, nullable=False),  # who started it, and whose limit it counts against
)
"""The starts of the last hour that are counted. A job may be deleted, or be another owner's, and they still count."""
Index("job_starts_owner", job_starts.c.owner, job_starts.c.at)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", TimestampTz, nullable=False),  # its last heartbeat
    # the kinds that it runs; the default is for workers of the release that did not say so
    Column("kinds", ARRAY(Text), nullable=False, server_default=text("'{download,upload}'")),
    Column("started_at", TimestampTz),  # NULL for workers of the release that did not say so, as `slots`
    Column("slots", JSONB(none_as_null=True)),  # by kind, how many jobs it can run at once
    Column("draining", Boolean, nullable=False, server_default=text("false")),  # an operator wants it to claim nothing
)

gateways = Table(
    "gateways",
    metadata,
    Column("name", Text, primary_key=True),
    Column("started_at", TimestampTz, nullable=False),
    Column("seen_at", TimestampTz, nullable=False),  # its last heartbeat
)

request_levels = Table(
    "request_levels",
    metadata,
    Column("name", Text, primary_key=True),
    Column("level", Double, nullable=False),  # UNIX time at which the bucket of requests is empty
    prefixes=["UNLOGGED"],
)
"""What gateways exchange about quotas with `QUEUE=postgres`. They restore it if it is lost, as after a crash."""

level_gateways = Table(
    "level_gateways",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen_at", Double, nullable=False),  # UNIX time of its last exchange
    prefixes=["UNLOGGED"],
)
"""The gateways that exchange levels. It is lost together with these, by which gateways notice."""

paused_queues = Table(
    "paused_queues",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("paused_at", TimestampTz, nullable=False),
    Column("paused_by", Text, nullable=False),  # the user's name
    Column("reason", Text),
    one_of("kind", Kind),
)
"""The kinds of which no job is claimed."""

operator_actions = Table(
    "operator_actions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("command", Text, nullable=False),
    Column("filter", JSONB, nullable=False),  # as it was requested
    Column("state", Text, nullable=False),
    Column("total", Integer, nullable=False),  # jobs that matched when it was created
    Column("done", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),  # jobs that were left alone
    Column("reasons", JSONB, nullable=False, server_default=text("'{}'")),  # how many of them, by error code
    Column("created_by", Text, nullable=False),
    Column("created_at", TimestampTz, nullable=False),
    Column("starts_at", TimestampTz, nullable=False),
    Column("finished_at", TimestampTz),
    Column("stopped_by", Text),
    Column("worker", Text),  # who does it
    Column("lease_until", TimestampTz),  # until when no other worker does
    one_of("command", BulkCommand),
    one_of("state", BulkState),
)
Index("operator_actions_open", operator_actions.c.starts_at, postgresql_where=operator_actions.c.state.in_(OPEN))
Index(
    "operator_actions_finished",
    operator_actions.c.finished_at,
    postgresql_where=operator_actions.c.finished_at.is_not(None),
)

operator_action_batches = Table(
    "operator_action_batches",
    metadata,
    Column("action_id", BigInteger, ForeignKey("operator_actions.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("job_ids", ARRAY(Uuid), nullable=False),
)
"""The jobs of each action that were not reached yet. A batch is deleted by the transaction that does it."""
