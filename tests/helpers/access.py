"""Users with keys and sessions, as the command line and a sign-in make them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from app.access.credentials import COOKIE, KEY_PREFIX, digest_of, new_id, new_secret
from app.access.principals import ALL_SCOPES, Role, Scope
from jobs.access.keys import add_key
from jobs.access.sessions import open_session
from jobs.access.users import save_user
from jobs.plans import ANONYMOUS_PLAN, PREMIUM_PLAN, USER_PLAN
from jobs.services import Services

Headers = dict[str, str]

UNLIMITED: dict[str, Any] = {
    "plans": {name: {"requests_per_hour": 0, "streams": 0} for name in (ANONYMOUS_PLAN, USER_PLAN, PREMIUM_PLAN)},
    "reads_per_second": 10_000,
    "reads_burst": 10_000,
    "failed_attempts_per_minute": 1_000_000,
}
"""Settings of a gateway that limits no requests, for tests that send thousands."""


async def key_of(
    services: Services,
    owner: str,
    role: Role = Role.USER,
    *,
    groups: Collection[str] = (),
    scopes: Collection[Scope] = ALL_SCOPES,
    expires_in: float | None = None,
    key_id: str | None = None,
    plan: str | None = None,
) -> Headers:
    """The headers of requests with a new key of this user."""
    secret = KEY_PREFIX + new_secret()
    expires_at = None if expires_in is None else datetime.now(UTC) + timedelta(seconds=expires_in)
    await save_user(services.database, owner, role, groups)
    await add_key(
        services.database,
        digest_of(secret),
        key_id=key_id or new_id(),
        owner=owner,
        name="test",
        scopes=scopes,
        expires_at=expires_at,
        plan=plan,
    )
    return {"Authorization": f"Bearer {secret}"}


async def session_of(
    services: Services,
    owner: str,
    role: Role = Role.USER,
    *,
    session_id: str | None = None,
    lifetime: float = 3600,
) -> Headers:
    """The headers of requests with a new session of this user, for `lifetime` seconds."""
    secret = new_secret()
    await save_user(services.database, owner, role)
    await open_session(
        services.database,
        digest_of(secret),
        session_id=session_id or new_id(),
        owner=owner,
        how="link",
        lifetime=lifetime,
        user_agent=None,
        address=None,
    )
    return {"Cookie": f"{COOKIE}={secret}"}
