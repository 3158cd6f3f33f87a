"""The state of mail to operators."""

from __future__ import annotations

from sqlalchemy import Column, Integer, SmallInteger, Table, Text

from jobs.schema import TimestampTz, metadata

notice_mail = Table(
    "notice_mail",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),  # 1: there is one row, which a migration adds
    Column("started_at", TimestampTz),  # when mail was switched on; NULL: it never was
    Column("not_before", TimestampTz, nullable=False),  # no mail is sent before
    Column("lease", Text),  # of the process that sends a mail now
    Column("lease_until", TimestampTz),
    Column("sent_at", TimestampTz),  # when the last mail was accepted by the server
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("reason", Text),  # of the last one
)
"""What was mailed of each notice is its `mailed_count`."""
