"""The tables of webhooks."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from jobs.schema import TimestampTz, metadata

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text),  # whose jobs it is told of; NULL: it is told of notices
    Column("url", Text, nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("description", Text, nullable=False),
    # Both keys are stored as they are, since every request is signed with them.
    Column("secret", LargeBinary, nullable=False),
    Column("private_key", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary),  # of before the last rotation
    Column("old_private_key", LargeBinary),
    Column("old_until", TimestampTz),  # until when requests are signed with these, too
    Column("created_by", Text, nullable=False),
    Column("created_at", TimestampTz, nullable=False),
    Column("disabled_at", TimestampTz),
    Column("disabled_reason", Text),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("not_before", TimestampTz, nullable=False),  # nothing is sent to it before
)
Index("webhook_endpoints_owner", webhook_endpoints.c.owner)

webhook_messages = Table(
    "webhook_messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text),
    Column("event", Text, nullable=False),
    Column("job_id", Uuid),
    Column("body", Text, nullable=False),  # as it is signed and sent
    Column("created_at", TimestampTz, nullable=False),
)
Index("webhook_messages_created", webhook_messages.c.created_at)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("endpoint_id", Text, ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", Text, ForeignKey("webhook_messages.id", ondelete="CASCADE"), nullable=False),
    Column("next_at", TimestampTz),  # when it is tried next; NULL: it was delivered or given up
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("refusals", Integer, nullable=False, server_default="0"),
    Column("tried_at", TimestampTz),
    Column("delivered_at", TimestampTz),
    Column("status", Integer),  # of the last response; NULL: there was none
    Column("detail", Text),  # the start of its body, or why there was none
    Column("replayed_at", TimestampTz),  # when it was last made due again on request
)
Index(
    "webhook_deliveries_due",
    webhook_deliveries.c.endpoint_id,
    webhook_deliveries.c.next_at,
    postgresql_where=webhook_deliveries.c.next_at.is_not(None),
)
Index("webhook_deliveries_endpoint", webhook_deliveries.c.endpoint_id, webhook_deliveries.c.id)
Index("webhook_deliveries_message", webhook_deliveries.c.message_id)
