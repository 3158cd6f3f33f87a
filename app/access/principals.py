"""Principals: who a request comes from, and what they may do. Pure: decided from these values alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from jobs.owners import ANONYMOUS, VISITOR
from jobs.plans import ANONYMOUS_PLAN

if TYPE_CHECKING:
    from app.access.grants import Grant  # which imports request bodies, and these name scopes


class Role(StrEnum):
    """What a user may do with the jobs and files of others. Each role may also do what the ones before it may."""

    USER = "user"
    """Nothing: the jobs of others do not exist for them."""
    SUPPORT = "support"
    """Sees everything, changes nothing of others."""
    OPERATOR = "operator"
    """Also cancels, retries and deletes jobs of others."""
    ADMIN = "admin"
    """Also manages keys, users and sessions."""

    def includes(self, other: Role) -> bool:
        """Whether this role may do everything that the other one may."""
        return _ORDER[self] >= _ORDER[other]


_ORDER = {role: place for place, role in enumerate(Role)}


class Scope(StrEnum):
    """What a credential may be used for, at most: its owner's role decides on whose jobs."""

    JOBS_READ = "jobs:read"
    """See jobs: status, lists, history, streams."""
    JOBS_WRITE = "jobs:write"
    """Create, cancel, retry and delete jobs."""
    RESULTS_READ = "results:read"
    """Get links to results."""
    FILES_READ = "files:read"
    """List and check files of the catalogue."""
    FILES_WRITE = "files:write"
    """Upload files, and delete files of the catalogue."""
    ACCESS_MANAGE = "access:manage"
    """List and revoke keys and sessions: one's own, and as an admin those of others."""
    ACT_AS = "act_as"
    """Act for users of an app that have no account here. For API keys of admins only."""


ALL_SCOPES = frozenset(Scope) - {Scope.ACT_AS}
"""What a session may be used for."""
DOWNLOAD_SCOPES = ALL_SCOPES - {Scope.ACCESS_MANAGE}
"""What an API key has unless it is created with others."""


class Proof(StrEnum):
    """What has proved who the caller is."""

    ANONYMOUS = "anonymous"
    SESSION = "session"
    KEY = "key"
    TOKEN = "token"  # noqa: S105 - a JWT, not a secret
    PROXY = "proxy"
    GRANT = "grant"
    TICKET = "ticket"
    SHARE_LINK = "share_link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller of a request, as long as the verdict is valid.

    `proof_id` names the credential among those of its kind: a key's public id, a session's, the `jti` of a token. It is no
    secret. `groups` are those whose shared files the principal may read. Times are UTC.
    """

    owner: str
    """Whose jobs are its own, and who owns the jobs that it creates."""
    role: Role = Role.USER
    scopes: frozenset[Scope]
    groups: frozenset[str] = frozenset()
    plan: str | None = None
    """The name of the plan of its key or account; None: its groups decide (`app.access.plans`)."""
    proof: Proof
    proof_id: str = ""
    issuer: str | None = None
    """The `iss` of a token or grant; None for other proofs."""
    issued_at: datetime | None = None
    """When the credential was issued: a revocation of all credentials of a user concerns those issued before it."""
    expires_at: datetime | None = None
    """When the credential expires; None: never."""
    grant: Grant | None = None
    """What the holder of a grant may request, and nothing else."""
    also_revoked_by: frozenset[str] = field(default=frozenset())
    """Further revocation ids: those of the session or key by which a ticket or a grant was obtained."""
    actor: str | None = None
    """The user whose key acts for the owner; None for callers who act for themselves."""

    def sees(self, owner: str) -> bool:
        """Whether the owner's jobs exist for this principal."""
        return owner == self.owner or self.role is not Role.USER

    def acts_on(self, owner: str) -> bool:
        """Whether it may change the owner's jobs."""
        return owner == self.owner or self.role.includes(Role.OPERATOR)

    @property
    def users(self) -> frozenset[str]:
        """The users whose role and groups it depends on."""
        return frozenset({self.owner} if self.actor is None else {self.owner, self.actor})

    @property
    def revocation_ids(self) -> frozenset[str]:
        """The ids whose revocation ends this principal: `key:…`, `session:…`, `user:…`."""
        own = {revocation_id(self.proof, self.proof_id)} if self.proof_id else set()
        return self.also_revoked_by | own | {revocation_id("user", name) for name in self.users}

    @property
    def proved_by(self) -> str:
        """Kind and public id of the credential, for logs and the audit."""
        return revocation_id(self.proof, self.proof_id) if self.proof_id else self.proof


def revocation_id(kind: str, name: str) -> str:
    """What a revocation is recorded under: the kind of credential and its public id, or `user` and a user's name."""
    return f"{kind}:{name}"


OPEN = Principal(owner=ANONYMOUS, role=Role.ADMIN, scopes=ALL_SCOPES, proof=Proof.ANONYMOUS)
"""Every caller in `AUTH_MODE=open`."""
ANY_VISITOR = Principal(owner=VISITOR, scopes=frozenset({Scope.FILES_READ}), proof=Proof.ANONYMOUS, plan=ANONYMOUS_PLAN)
"""Every caller without a credential, where `ANONYMOUS=read` lets it read public files."""
