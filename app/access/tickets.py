"""Principals in tickets: what the holder of a ticket may do, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.access.principals import Principal, Proof, Role, Scope


def ticket_of(principal: Principal, ticket_id: str) -> dict[str, Any]:
    """What to keep of the principal for a ticket: it follows jobs and does nothing else, and ends with its credential."""
    return {
        "owner": principal.owner,
        "actor": principal.actor,
        "role": principal.role,
        "groups": sorted(principal.groups),
        "plan": principal.plan,
        "id": ticket_id,
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
        scopes=frozenset({Scope.JOBS_READ}),
        groups=frozenset(kept["groups"]),
        plan=kept.get("plan"),  # tickets of the previous release have none
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
