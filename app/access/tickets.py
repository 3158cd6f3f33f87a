"""Tickets: what the holder of one may do, once. They are kept as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from app.access.credentials import digest_of, new_secret
from app.access.principals import Principal, Proof, Role, Scope
from jobs.access.tickets import add_ticket
from jobs.database import Database

TICKET_TTL = 60.0
"""Seconds for which a ticket is valid."""


async def new_ticket(database: Database, principal: Principal, scope: Scope) -> str:
    """A ticket for one request as the principal that needs this scope. Raises `DatabaseUnavailable`."""
    secret = new_secret()
    await add_ticket(database, digest_of(secret), ticket_of(principal, uuid4().hex[:12], scope), TICKET_TTL)
    return secret


def ticket_of(principal: Principal, ticket_id: str, scope: Scope = Scope.JOBS_READ) -> dict[str, Any]:
    """What to keep of the principal for a ticket: it has this scope and no other, and ends with its credential."""
    return {
        "owner": principal.owner,
        "actor": principal.actor,
        "role": principal.role,
        "groups": sorted(principal.groups),
        "plan": principal.plan,
        "id": ticket_id,
        "scope": scope,
        "roleIsStored": principal.proof in {Proof.KEY, Proof.SESSION},
        "issuedAt": _text(principal.issued_at),
        "expiresAt": _text(principal.expires_at),
        "alsoRevokedBy": sorted(principal.revocation_ids),
    }


def principal_from(kept: dict[str, Any], role: str | None = None) -> Principal:
    """The principal of a ticket. `role`: the user's role now, if it has a row; a token or a proxy may say another one."""
    return Principal(
        owner=kept["owner"],
        role=Role(role if role is not None and kept["roleIsStored"] else kept["role"]),
        scopes=frozenset({Scope(kept.get("scope", Scope.JOBS_READ))}),  # tickets of the previous release have none
        groups=frozenset(kept["groups"]),
        plan=kept.get("plan"),
        proof=Proof.TICKET,
        proof_id=kept["id"],
        issued_at=_time(kept["issuedAt"]),
        expires_at=_time(kept["expiresAt"]),
        also_revoked_by=frozenset(kept["alsoRevokedBy"]),
        actor=kept.get("actor"),
    )


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
