"""From a bearer token that somebody else has signed to a principal: access tokens of issuers, and grants of apps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any

from pydantic import ValidationError

from app.access.grant_issuers import KEY_OF_GRANT, GrantIssuers
from app.access.grants import Grant
from app.access.key_sets import IssuerKeys, issuer_client
from app.access.principals import ALL_SCOPES, DOWNLOAD_SCOPES, Principal, Proof, Role, Scope, revocation_id
from app.access.tokens import LEEWAY, Claims, SharedSecret, TokenVerifier, TrustedIssuer
from app.problems import InvalidToken
from app.validation import problems_of
from jobs.owners import APP_PREFIX, issuer_name
from jobs.settings import TokenSettings


class BearerTokens:
    """Verifies tokens of the issuers of the settings, and grants of the apps that are registered."""

    def __init__(
        self,
        settings: TokenSettings,
        grant_issuers: GrantIssuers | None = None,
        now: Callable[[], float] = time,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`now`: seconds since 1970, UTC. `clock`: seconds, for the age of keys."""
        self._settings = settings
        self._client = issuer_client(settings.issuer_ca_file) if settings.jwt_issuers else None
        self._keys: dict[str, IssuerKeys] = {}
        if self._client is not None:  # its TLS context takes 20 ms of the start
            self._keys = {issuer: IssuerKeys(self._client, issuer, url, clock) for issuer, url in settings.jwt_issuers}
        issuers = [TrustedIssuer(issuer, keys, settings.jwt_audience) for issuer, keys in self._keys.items()]
        if settings.jwt_secret is not None and settings.jwt_secret_issuer is not None:
            secret = SharedSecret.of(settings.jwt_secret.get_secret_value())
            issuers.append(TrustedIssuer(settings.jwt_secret_issuer, secret, settings.jwt_audience, {"HS256"}))
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._grant_issuers = grant_issuers
        self._verifier = TokenVerifier(self._find_issuer, now)

    async def _find_issuer(self, name: str) -> TrustedIssuer | None:
        found = self._issuers.get(name)
        if found is None and self._grant_issuers is not None:
            return await self._grant_issuers.find(name)
        return found

    async def principal(self, token: str) -> Principal:
        """Who a token stands for.

        Raises `InvalidToken`; `IssuerUnavailable` or `DatabaseUnavailable` if that cannot be told.
        """
        claims, issuer, kid = await self._verifier.verify(token)
        common: dict[str, Any] = {
            "issuer": claims.iss,
            "proof_id": claims.jti or _digest_of_signed(token),
            "issued_at": None if claims.iat is None else datetime.fromtimestamp(claims.iat, UTC),
            "expires_at": datetime.fromtimestamp(claims.exp + LEEWAY, UTC),
        }
        if issuer.signs_grants:
            if kid is None:
                raise InvalidToken("A grant must name the key that it is signed with in its header, as `kid`.")
            return Principal(
                owner=owner_of_app(claims.iss, claims.sub),
                scopes=GRANT_SCOPES,
                proof=Proof.GRANT,
                grant=grant_of(claims),
                also_revoked_by=frozenset({revocation_id(KEY_OF_GRANT, kid)}),
                **common,
            )
        if "grant" in claims.extra:
            raise InvalidToken(f"The issuer {claims.iss} signs access tokens, but no grants.")
        return Principal(
            owner=owner_of(claims.iss, claims.sub),
            role=role_of(claims.groups, self._settings),
            scopes=_scopes_of(claims),
            groups=frozenset(claims.groups),
            proof=Proof.TOKEN,
            **common,
        )

    async def close(self) -> None:
        """Ends reads of keys in progress."""
        for keys in self._keys.values():
            await keys.close()
        if self._grant_issuers is not None:
            await self._grant_issuers.close()
        if self._client is not None:
            await self._client.aclose()


def _digest_of_signed(token: str) -> str:
    """The SHA-256 of what is signed. Who has a token can make another valid signature of ECDSA of it: (r, n - s)."""
    return hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()


GRANT_SCOPES = frozenset({Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.RESULTS_READ, Scope.FILES_READ})
"""What the holder of a grant may do: with its own jobs, and for files with those of the grant."""


def grant_of(claims: Claims) -> Grant:
    """The grant of a token. Raises `InvalidToken`."""
    try:
        return Grant.model_validate(claims.extra.get("grant"))
    except ValidationError as error:
        field, problem = problems_of(error, "")[0]
        where = f"grant.{field}" if field else "grant"
        raise InvalidToken(f"The grant is not valid: {where} {problem}.") from None


def owner_of(issuer: str, subject: str) -> str:
    """Whose jobs they are: `id.example|subject`. Each issuer has its own subjects (RFC 7519, section 4.1.2)."""
    return f"{issuer_name(issuer)}|{subject}"


def owner_of_app(app: str, subject: str) -> str:
    """Whose jobs they are that were created with a grant of an app: `app:portal|subject`. No issuer is called so."""
    return f"{APP_PREFIX}{app}|{subject}"


def role_of(groups: Collection[str], settings: TokenSettings) -> Role:
    """The highest role that one of the groups stands for."""
    members = (
        (Role.ADMIN, settings.admin_groups),
        (Role.OPERATOR, settings.operator_groups),
        (Role.SUPPORT, settings.support_groups),
    )
    return next((role for role, names in members if not set(names).isdisjoint(groups)), Role.USER)


def _scopes_of(claims: Claims) -> frozenset[Scope]:
    """The scopes that the token names. One that names none of this server may do what an API key may by default."""
    named = frozenset(scope for scope in ALL_SCOPES if scope in claims.scope)
    return named or DOWNLOAD_SCOPES
