"""From a request to its principal: the one place where credentials are verified.

A verdict is remembered by the digest of the credential for half a minute at most, and forgotten at once when something is
revoked that it depends on. So a page that polls costs no query.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import HTTPConnection

from app.access.credentials import KEY_PREFIX, MAX_TOKEN, Credential, CredentialKind, credential_of, digest_of
from app.access.failed_attempts import FailedAttempts
from app.access.on_behalf import HEADER as ON_BEHALF_OF
from app.access.on_behalf import acting
from app.access.principals import ALL_SCOPES, ANY_VISITOR, OPEN, Principal, Proof, Role, Scope
from app.access.proxy_headers import ProxyUsers
from app.access.revocations import Revocations
from app.access.same_origin import check_same_origin
from app.access.tickets import principal_from
from app.access.verdicts import Verdicts
from app.client_counts import client_address
from app.problems import Unauthenticated
from app.public_address import PublicAddress
from jobs.access.keys import find_key
from jobs.access.sessions import find_session
from jobs.access.tickets import use_ticket
from jobs.database import Database
from jobs.errors import HaulageError
from jobs.settings import Settings

TokenVerifier = Callable[[str], Awaitable[Principal]]
"""Verifies a bearer token that is no API key. Raises `Unauthenticated`."""

_HOW = (
    "Send an API key as `Authorization: Bearer haulage_…` (`haulage keys create` makes one; the command line takes it from"
    " HAULAGE_TOKEN), or sign in on the web page."
)


class Authenticator:
    """Knows who calls. In `AUTH_MODE=open` everybody is the same principal, and no header is looked at."""

    def __init__(
        self,
        settings: Settings,
        address: PublicAddress,
        database: Database,
        revocations: Revocations,
        verdicts: Verdicts,
        failed_attempts: FailedAttempts,
        verify_token: TokenVerifier | None = None,
    ) -> None:
        self.is_open = settings.auth_mode == "open"
        self._visitors_read = settings.anonymous == "read"
        self._idle = settings.session_idle
        self._address = address
        self._database = database
        self._revocations = revocations
        self._verdicts = verdicts
        self._failed_attempts = failed_attempts
        self._verify_token = verify_token
        self._proxy_users = ProxyUsers(settings)

    @property
    def generation(self) -> int:
        """+1 when something was revoked, or users or owners have changed: what was verified before may be wrong."""
        return self._verdicts.generation

    def cached(self, scheme: str, headers: Mapping[bytes, bytes]) -> Principal | None:
        """The principal of a safe request, if that is known without a query."""
        if self.is_open:
            return OPEN
        credential = credential_of(headers, secure=self._address.is_secure(scheme))
        if credential is None or credential.kind is CredentialKind.SESSION:
            try:
                principal = self._proxy_users.principal(headers)
            except Unauthenticated:
                return None
            if principal is not None:
                return None if self._revocations.ends(principal) or ON_BEHALF_OF in headers else principal
        known = None if credential is None else self._verdicts.get(credential.verdict_key)
        if known is None or ON_BEHALF_OF not in headers:
            return known
        try:
            return acting(known, headers)
        except HaulageError:
            return None

    async def authenticate(
        self, connection: HTTPConnection, *, ticket: bool = False, visitors: bool = False
    ) -> Principal:
        """The principal of a request or a WebSocket, by the `ticket` of its query if that is accepted.

        `visitors`: whether no credential is needed where `ANONYMOUS=read`. One that is sent has to be valid even so.
        Raises `Unauthenticated`, `ForbiddenOrigin`, `TooManyFailedAttempts`, `DatabaseUnavailable`, and what `acting` does.
        """
        if self.is_open:
            return OPEN
        scope = connection.scope
        address = client_address(scope)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if ticket and "ticket" in connection.query_params:
            with self._failed_attempts.counted(address):
                return await self._ticket(connection.query_params["ticket"])
        credential = credential_of(headers, secure=self._address.is_secure(scope["scheme"]))
        if credential is None or credential.kind is CredentialKind.SESSION:
            principal = self._proxy_users.principal(headers)
            if principal is not None:
                check_same_origin(scope, headers, self._address)  # browsers send what the proxy knows them by, too
                if self._revocations.ends(principal):
                    raise Unauthenticated("The access of this user was revoked.")
                return acting(principal, headers)
        if credential is None:
            if visitors and self._visitors_read:
                return ANY_VISITOR
            raise Unauthenticated(f"This request does not prove who it comes from. {_HOW}")
        if credential.kind is CredentialKind.SESSION:
            check_same_origin(scope, headers, self._address)
        return acting(await self.verify(credential, address), headers)

    async def verify(self, credential: Credential, address: str) -> Principal:
        """The principal that the credential stands for; `address`: of the client that has sent it.

        Raises `Unauthenticated`, `TooManyFailedAttempts`, `DatabaseUnavailable`.
        """
        if len(credential.secret) > MAX_TOKEN:
            raise Unauthenticated(f"The token is longer than {MAX_TOKEN} bytes.")
        key = credential.verdict_key
        known = self._verdicts.get(key)
        if known is not None:
            return known
        with self._failed_attempts.counted(address, was_valid=self._verdicts.was_valid(key)):
            while True:
                generation = self._verdicts.generation
                try:
                    principal = await self._principal(credential)
                except Unauthenticated:
                    self._verdicts.forget(key)
                    raise
                if self._revocations.ends(principal):
                    raise Unauthenticated(f"This access has been revoked, or has expired. {_HOW}")
                if self._verdicts.put(key, principal, generation):
                    return principal

    async def _principal(self, credential: Credential) -> Principal:
        digest = digest_of(credential.secret)
        if credential.kind is CredentialKind.SESSION:
            return await self._session(digest)
        if credential.secret.startswith(KEY_PREFIX.encode()) or self._verify_token is None:
            return await self._key(digest)
        return await self._verify_token(credential.secret.decode("latin-1"))

    async def _key(self, digest: bytes) -> Principal:
        found = await find_key(self._database, digest)
        if found is None:
            raise Unauthenticated(f"This API key is unknown, revoked or expired. {_HOW}")
        return Principal(
            owner=found.key.owner,
            role=Role(found.role),
            scopes=frozenset(Scope(name) for name in found.key.scopes if name in _SCOPES),
            groups=found.groups,
            plan=found.plan,
            proof=Proof.KEY,
            proof_id=found.key.id,
            issued_at=found.key.created_at,
            expires_at=found.key.expires_at,
        )

    async def _ticket(self, ticket: str) -> Principal:
        """Uses up a ticket: its verdict is not remembered."""
        found = await use_ticket(self._database, digest_of(ticket))
        principal = None if found is None else principal_from(*found)
        if principal is None or self._revocations.ends(principal):
            raise Unauthenticated("This ticket is unknown, used or expired. Get a new one for each connection.")
        return principal

    async def session(self, secret: str, address: str) -> Principal:
        """The principal of a session that was just opened by the client at this address."""
        return await self.verify(Credential(CredentialKind.SESSION, secret.encode()), address)

    async def _session(self, digest: bytes) -> Principal:
        found = await find_session(self._database, digest, self._idle)
        if found is None:
            raise Unauthenticated("You are not signed in any more. Sign in again.")
        return Principal(
            owner=found.session.owner,
            role=Role(found.role),
            scopes=ALL_SCOPES,
            groups=found.groups,
            plan=found.plan,
            proof=Proof.SESSION,
            proof_id=found.session.id,
            issued_at=found.session.created_at,
            expires_at=found.session.expires_at,
        )

    def has_ended(self, principal: Principal) -> bool:
        """Whether the principal's access has ended since it was verified."""
        return not self.is_open and self._revocations.ends(principal)

    def is_revoked(self, principal: Principal) -> bool:
        """Whether the principal's access was revoked since it was verified. It may have expired."""
        return not self.is_open and self._revocations.revokes(principal)


_SCOPES = frozenset(str(scope) for scope in Scope)
