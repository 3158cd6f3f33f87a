"""The revocations that this gateway knows of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from app.access.principals import Principal, Proof, revocation_id
from jobs.access.revocations import Revocation, read_revocations
from jobs.access.users import restored_id
from jobs.database import Database


class Revocations:
    """Reads what is new when it is told to, and then calls `revoked` with the new ids."""

    def __init__(self, database: Database, revoked: Callable[[Collection[str]], None]) -> None:
        self._database = database
        self._revoked = revoked
        self._known: dict[str, Revocation] = {}
        self._numbers: set[int] = set()
        self._since: datetime | None = None

    def ends(self, principal: Principal) -> bool:
        """Whether the principal's credential has expired, or was revoked."""
        has_expired = principal.expires_at is not None and principal.expires_at <= datetime.now(UTC)
        return has_expired or self.revokes(principal)

    def revokes(self, principal: Principal) -> bool:
        """Whether the principal's credential was revoked."""
        for revoked in principal.revocation_ids & self._known.keys():
            kind, _, name = revoked.partition(":")
            if kind != "user":
                return True
            # That of a user concerns what was issued before it: the user may sign in again. What a proxy says of its users
            # is not issued at any time: they are let in again when they are added again.
            since = principal.issued_at
            if revocation_id(Proof.PROXY, name) in principal.revocation_ids and restored_id(name) in self._known:
                since = self._known[restored_id(name)].at
            if since is None or since <= self._known[revoked].at:
                return True
        return False

    async def refresh(self) -> None:
        """Reads what was revoked since the last time. Raises `DatabaseUnavailable`."""
        found = await read_revocations(self._database, self._since)
        new = [one for one in found if one.number not in self._numbers]
        if not found:
            return
        self._since = max(one.at for one in found)
        self._numbers = {one.number for one in found}
        now = datetime.now(UTC)
        self._known = {name: one for name, one in self._known.items() if one.until > now}
        self._known |= {one.revoked: one for one in new}
        if new:
            self._revoked({one.revoked for one in new})
