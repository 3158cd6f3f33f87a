"""The tables of access control, all of whose names start with `access_`.

A secret is never stored: `hash` is the SHA-256 of a random value of 256 bits, which needs no salt. `id` is the public name
of a row, which may be listed and logged.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, LargeBinary, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from jobs.schema import TimestampTz, metadata

access_users = Table(
    "access_users",
    metadata,
    Column("name", Text, primary_key=True),  # the owner of jobs and files
    Column("role", Text, nullable=False, server_default="user"),
    Column("groups", ARRAY(Text), nullable=False, server_default="{}"),
    Column("plan", Text),  # NULL: by its groups, or `user`
    Column("created_at", TimestampTz, nullable=False, server_default=func.now()),
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("owner", Text, ForeignKey("access_users.name", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),  # what it is for
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", TimestampTz, nullable=False, server_default=func.now()),
    Column("expires_at", TimestampTz),  # NULL: never
    Column("revoked_at", TimestampTz),
    Column("used_at", TimestampTz),  # when it was last verified
    Column("plan", Text),  # NULL: the owner's
)
Index("access_keys_owner", access_keys.c.owner)

access_sessions = Table(
    "access_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("owner", Text, ForeignKey("access_users.name", ondelete="CASCADE"), nullable=False),
    Column("how", Text, nullable=False),  # it was opened: link, oidc
    Column("created_at", TimestampTz, nullable=False, server_default=func.now()),
    Column("seen_at", TimestampTz, nullable=False, server_default=func.now()),
    Column("expires_at", TimestampTz, nullable=False),  # at the latest: it also ends when it is idle for too long
    Column("revoked_at", TimestampTz),
    Column("user_agent", Text),
    Column("address", Text),  # of the client that signed in
)
Index("access_sessions_owner", access_sessions.c.owner)
Index("access_sessions_expiry", access_sessions.c.expires_at)

access_sign_in_links = Table(
    "access_sign_in_links",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("owner", Text, ForeignKey("access_users.name", ondelete="CASCADE"), nullable=False),
    Column("expires_at", TimestampTz, nullable=False),
)
Index("access_sign_in_links_expiry", access_sign_in_links.c.expires_at)

access_tickets = Table(
    "access_tickets",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("principal", JSONB, nullable=False),  # of who requested it
    Column("expires_at", TimestampTz, nullable=False),
)
Index("access_tickets_expiry", access_tickets.c.expires_at)

access_revocations = Table(
    "access_revocations",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("revoked", Text, nullable=False),  # kind and public id of the credential, `user:` and a name, or a change
    Column("at", TimestampTz, nullable=False, server_default=func.now()),
    Column("until", TimestampTz, nullable=False),  # when no such credential can be valid any more
)
Index("access_revocations_until", access_revocations.c.until)

access_audit = Table(
    "access_audit",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("at", TimestampTz, nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False),  # the owner's name
    Column("proof", Text, nullable=False),  # kind and public id of the credential
    Column("action", Text, nullable=False),  # the name of the operation
    Column("subject", Text),  # the job, key, session or user that it concerned
    Column("address", Text),
    Column("request_id", Text),
)
Index("access_audit_actor", access_audit.c.actor, access_audit.c.number.desc())

access_grant_keys = Table(
    "access_grant_keys",
    metadata,
    Column("id", Text, primary_key=True),  # the `kid` of tokens
    Column("issuer", Text, nullable=False),  # their `iss`: an app
    Column("public_key", JSONB, nullable=False),  # a JWK (RFC 7517)
    Column("created_at", TimestampTz, nullable=False, server_default=func.now()),
    Column("revoked_at", TimestampTz),
)

access_grant_uses = Table(
    "access_grant_uses",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("token_id", Text, primary_key=True),  # `jti`, or the SHA-256 of what is signed
    Column("jobs", Integer, nullable=False),  # created with it
    Column("expires_at", TimestampTz, nullable=False),  # the grant's end, after which the row is of no use
)
Index("access_grant_uses_expiry", access_grant_uses.c.expires_at)

access_shares = Table(
    "access_shares",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("created_by", Text, nullable=False),  # the owner's name
    Column("created_at", TimestampTz, nullable=False, server_default=func.now()),
    Column("expires_at", TimestampTz, nullable=False),
    Column("max_uses", Integer),  # NULL: any number
    Column("uses", Integer, nullable=False, server_default="0"),
    Column("password_hash", LargeBinary),  # scrypt, after its salt
    Column("failures", Integer, nullable=False, server_default="0"),  # wrong passwords since the last right one
    Column("failed_at", TimestampTz),
    Column("revoked_at", TimestampTz),
)
Index("access_shares_job", access_shares.c.job_id)
Index("access_shares_expiry", access_shares.c.expires_at)

access_share_uses = Table(
    "access_share_uses",
    metadata,
    Column("share_id", Text, ForeignKey("access_shares.id", ondelete="CASCADE"), primary_key=True),
    Column("client", LargeBinary, primary_key=True),  # the SHA-256 of its address and the link's secret
    Column("until", TimestampTz, nullable=False),  # until then, its requests are the same use
)

access_refusals = Table(
    "access_refusals",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("limit", Text, primary_key=True),  # the code of the error
    Column("count", BigInteger, nullable=False),  # since an hour passed without any
    Column("last_at", TimestampTz, nullable=False),
)
"""Requests of an owner that were refused because of a limit of its own. Rows are deleted after an hour without any."""
Index("access_refusals_last", access_refusals.c.last_at)
