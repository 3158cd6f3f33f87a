"""Records who did what, to which job, from where."""

from __future__ import annotations

from starlette.requests import Request

from app.access.principals import Principal
from app.client_counts import client_address
from jobs.access.audit import Action, record
from jobs.database import Database


class Audit:
    """Records what has been done. In `AUTH_MODE=open` nothing, since nobody is known."""

    def __init__(self, database: Database, *, is_open: bool) -> None:
        self._database = database
        self._is_open = is_open

    async def record(self, request: Request, principal: Principal, action: str, subject: str | None) -> None:
        """Adds an entry for a request that was served. Raises `DatabaseUnavailable`."""
        entry = self.entry(request, principal, action, subject)
        if entry is not None:
            await record(self._database, entry)

    def entry(self, request: Request, principal: Principal, action: str, subject: str | None = None) -> Action | None:
        """The entry for a request, for who records it in a transaction of its own; None in `AUTH_MODE=open`."""
        if self._is_open:
            return None
        return Action(
            actor=principal.owner,
            proof=principal.proved_by,
            action=action,
            subject=subject,
            address=client_address(request.scope) or None,
            request_id=request.scope["state"]["request_id"],
        )
