"""Sign-in at an OpenID provider: the authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636).

Everything that ties a response to the browser which began (`state`, `nonce`, the code verifier) is derived from one random
secret in a short-lived cookie, which only this browser has. So there is nothing to keep or to sign here.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2
import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from app.access.bearer_tokens import owner_of, role_of
from app.access.key_sets import FETCH_TIMEOUT, UNUSABLE, Discovery, IssuerKeys, client_maker
from app.access.principals import Role
from app.access.tokens import TokenVerifier, TrustedIssuer
from app.problems import InvalidToken, IssuerUnavailable, SignInFailed
from jobs.settings import TokenSettings

log = structlog.get_logger()

MAX_EXCHANGES = 8
"""Codes that are exchanged for tokens at once: anybody can send one."""
_DENIED = frozenset({"access_denied", "login_required", "consent_required", "interaction_required"})


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has signed in."""

    owner: str
    role: Role | None
    """None if no groups stand for roles: then it stays as it is."""
    groups: frozenset[str]


class OpenIdProvider:
    """The provider of the settings."""

    def __init__(
        self,
        settings: TokenSettings,
        redirect_uri: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now`: seconds since 1970, UTC."""
        assert settings.oidc_issuer is not None
        assert settings.oidc_client_id is not None
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._redirect_uri = redirect_uri
        self._new_client = client_maker(settings.issuer_ca_file)
        self._client = self._new_client(httpx2.AsyncClient)
        self._discovery = Discovery(self._client, self._issuer)
        self._exchanges = 0
        keys = IssuerKeys(self._client, self._issuer)
        self._keys = keys
        trusted = TrustedIssuer(self._issuer, keys, {settings.oidc_client_id})

        async def find_issuer(name: str) -> TrustedIssuer | None:
            return trusted if name == self._issuer else None

        self._verifier = TokenVerifier(find_issuer, now)

    async def close(self) -> None:
        """Ends what is in progress."""
        await self._keys.close()
        await self._discovery.close()
        await self._client.aclose()

    async def authorization_url(self, secret: str) -> str:
        """Where the browser with this secret signs in. Raises `IssuerUnavailable`."""
        endpoint = await self._endpoint("authorization_endpoint")
        async with self._oauth() as oauth:
            url, _ = oauth.create_authorization_url(
                endpoint,
                state=derived(secret, "state"),
                nonce=derived(secret, "nonce"),
                code_verifier=derived(secret, "verifier"),
            )
        return str(url)

    async def finish(self, secret: str | None, response: Mapping[str, str]) -> SignedIn:
        """Who has signed in, from the parameters with which the provider sent the browser with this secret back.

        Raises `SignInFailed` if nobody has, and `IssuerUnavailable` if that cannot be told.
        """
        if secret is None:
            raise SignInFailed("The sign-in was begun in another browser, or took longer than ten minutes.")
        if not hmac.compare_digest(response.get("state", "").encode(), derived(secret, "state").encode()):
            raise SignInFailed("This is not the response to the sign-in that this browser began last.")
        if response.get("iss", self._issuer) != self._issuer:
            raise SignInFailed("The response comes from another provider.")  # RFC 9207
        if "error" in response:
            code = response["error"][:100]
            log.warning("sign_in_failed", issuer=self._issuer, error=code)
            if code in _DENIED:
                raise SignInFailed("The provider did not sign you in, or you declined.")
            raise SignInFailed(f"The provider reports an error: {code}.")
        token = await self._id_token(response.get("code", ""), derived(secret, "verifier"))
        try:
            claims, _, _ = await self._verifier.verify(token)
        except InvalidToken as error:
            log.warning("sign_in_failed", issuer=self._issuer, reason=error.message)
            raise SignInFailed(f"The provider's response is not valid: {error.message}") from error
        parties = {claims.extra.get("azp", self._settings.oidc_client_id), self._settings.oidc_client_id}
        if claims.extra.get("nonce") != derived(secret, "nonce") or len(parties) > 1:
            raise SignInFailed("The provider's response belongs to another sign-in.")
        settings, groups = self._settings, claims.groups
        by_group = settings.admin_groups or settings.operator_groups or settings.support_groups
        return SignedIn(
            owner_of(claims.iss, claims.sub),
            role_of(groups, settings) if by_group else None,
            frozenset(groups),
        )

    async def _id_token(self, code: str, verifier: str) -> str:
        if not code:
            raise SignInFailed("The response has no code.")
        endpoint = await self._endpoint("token_endpoint")
        if self._exchanges >= MAX_EXCHANGES:
            raise IssuerUnavailable("Too many users are signing in at once. Try again shortly.")
        self._exchanges += 1
        try:
            async with asyncio.timeout(FETCH_TIMEOUT), self._oauth() as oauth:
                token = await oauth.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except OAuthError as error:
            log.warning("sign_in_failed", issuer=self._issuer, error=error.error)
            raise SignInFailed("The provider does not accept the sign-in any more. It can be used once.") from error
        except UNUSABLE as error:
            raise self._unavailable(error) from error
        finally:
            self._exchanges -= 1
        found = token.get("id_token")
        if not isinstance(found, str):
            raise SignInFailed("The provider's response has no ID token: OIDC_SCOPE must have `openid`.")
        return found

    def _oauth(self) -> AsyncOAuth2Client:
        secret = self._settings.oidc_client_secret
        client = self._new_client(
            AsyncOAuth2Client,
            client_id=self._settings.oidc_client_id,
            client_secret=secret.get_secret_value() if secret else None,
            scope=self._settings.oidc_scope,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )
        assert isinstance(client, AsyncOAuth2Client)
        return client

    async def _endpoint(self, name: str) -> str:
        try:
            return await self._discovery.endpoint(name)
        except UNUSABLE as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: BaseException) -> IssuerUnavailable:
        log.warning("sign_in_failed", issuer=self._issuer, reason=str(error) or type(error).__name__)
        return IssuerUnavailable(
            "The sign-in provider is unavailable, or its response is not valid. Try again shortly."
        )


def derived(secret: str, purpose: str) -> str:
    """A value that only who has the secret can know, and that does not show it: 43 characters of base64url."""
    digest = hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
