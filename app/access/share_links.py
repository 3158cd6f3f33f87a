"""Share links: `…/file?share=SECRET` lets whoever has it download one result, until it expires or is revoked."""

from __future__ import annotations

import secrets
from base64 import b64decode
from uuid import UUID

from starlette.requests import HTTPConnection

from app.access.credentials import digest_of
from app.access.failed_attempts import FailedAttempts
from app.access.principals import Principal, Proof, Scope
from app.access.share_passwords import SharePasswords
from app.client_counts import client_address, client_of
from app.problems import PasswordRequired, ShareNotFound, TooManyPasswords
from jobs.access.shares import FoundShare, count_attempt, find_share, forget_failures, use_share
from jobs.database import Database
from jobs.plans import ANONYMOUS_PLAN

PARAMETER = "share"
"""The parameter of the query that has the secret."""
MAX_SECRET = 100
"""Characters of a secret that is looked up."""


class ShareLinks:
    """The share links of one gateway. `use_time`: seconds in which all requests of a client are one use."""

    def __init__(self, database: Database, use_time: float, failed_attempts: FailedAttempts) -> None:
        self._database = database
        self._failed_attempts = failed_attempts
        self._use_time = use_time
        self.passwords = SharePasswords()

    async def principal(self, request: HTTPConnection, job_id: UUID) -> Principal:
        """Who a request with the secret of a share link comes from: somebody who may get the result of this job.

        It is no use of the link yet: see `use`.

        Raises `ShareNotFound`, `PasswordRequired`, `TooManyPasswords`, `TooManyFailedAttempts`, `DatabaseUnavailable`.
        """
        secret = request.query_params[PARAMETER]
        with self._failed_attempts.counted(client_address(request.scope)):
            found = await find_share(self._database, digest_of(secret), job_id) if len(secret) <= MAX_SECRET else None
            if found is None:
                raise ShareNotFound(_ENDED)
        await self._check_password(request, found)
        return Principal(
            owner=f"share|{found.share.id}",
            scopes=frozenset({Scope.RESULTS_READ}),
            plan=ANONYMOUS_PLAN,
            proof=Proof.SHARE_LINK,
            proof_id=found.share.id,
            issued_at=found.share.created_at,
            expires_at=found.share.expires_at,
        )

    async def use(self, request: HTTPConnection, principal: Principal) -> None:
        """Counts a use of the link that the principal came with, if any, once there is a result to give.

        It is none if the same address has used the link within `use_time`. Raises `ShareNotFound` if it was used as often
        as it may be, and `DatabaseUnavailable`.
        """
        if principal.proof is not Proof.SHARE_LINK:
            return
        client = digest_of(f"{client_of(client_address(request.scope))} {request.query_params[PARAMETER]}")
        if not await use_share(self._database, principal.proof_id, client, self._use_time):
            raise ShareNotFound(_ENDED)

    async def _check_password(self, request: HTTPConnection, found: FoundShare) -> None:
        if found.password_hash is None:
            return
        password = _password_of(request.headers.get("authorization", ""))
        if password is None:
            raise PasswordRequired("This link has a password: send it with any user name (curl -u :password).")
        async with self.passwords.turn_of(found.share.id):
            # It is counted as wrong before it is compared: what is compared at the same time, here and on other gateways,
            # counts, too.
            if not await count_attempt(self._database, found.share.id):
                raise TooManyPasswords("Too many wrong passwords were sent for this link. Try again in a minute.")
            if not await self.passwords.is_right(password, found.password_hash):
                raise PasswordRequired("The password is wrong.")
            await forget_failures(self._database, found.share.id)


_ENDED = "This share link is unknown, revoked, expired, or was used as often as it may be. Request a new one."


def new_share_secret() -> str:
    """A new secret of 256 bits, as it stands in a link."""
    return secrets.token_urlsafe(32)


def _password_of(authorization: str) -> str | None:
    """The password of `Authorization: Basic` (RFC 7617); None without one."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return None
