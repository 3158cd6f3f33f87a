"""What in a request proves who it comes from. Nothing is verified here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

KEY_PREFIX = "haulage_"
"""What API keys start with, so that scanners of source code recognise them: `haulage_[0-9a-f]{64}`."""
COOKIE = "haulage_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""The session cookie over HTTPS: browsers accept it from this very host only (RFC 6265bis, section 4.1.3.2)."""
MAX_TOKEN = 8192
"""Longest token that is looked at, in bytes."""


class CredentialKind(StrEnum):
    BEARER = "bearer"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret that a request carries, as it was sent."""

    kind: CredentialKind
    secret: bytes

    @property
    def verdict_key(self) -> bytes:
        """What a verdict is remembered by: the kind, too, since the secret of a session counts as a cookie only."""
        return self.kind.encode() + digest_of(self.secret)


def credential_of(headers: Mapping[bytes, bytes], *, secure: bool) -> Credential | None:
    """The credential of a request: a bearer token (RFC 6750, section 2.1), else the session cookie, else None.

    `secure`: whether clients reach the gateway over HTTPS. Then only `SECURE_COOKIE` counts: others may have been set by
    another host of the site, or over HTTP. Other schemes of `Authorization`, such as `Basic` of a proxy, are none of ours.
    """
    authorization = headers.get(b"authorization")
    if authorization is not None and authorization[:7].lower() == b"bearer ":
        return Credential(CredentialKind.BEARER, authorization[7:].strip())
    cookies = headers.get(b"cookie")
    if cookies is not None:
        found = _session_of(cookies, _SECURE_NAME if secure else _NAME)
        if found is not None:
            return Credential(CredentialKind.SESSION, found)
    return None


def _session_of(cookies: bytes, wanted: bytes) -> bytes | None:
    """The session in a `Cookie` header."""
    for pair in cookies.split(b";"):
        name, _, value = pair.strip().partition(b"=")
        if name == wanted:
            return value
    return None


_NAME, _SECURE_NAME = COOKIE.encode(), SECURE_COOKIE.encode()


def new_secret() -> str:
    """A new secret of 256 bits, as 64 hexadecimal digits."""
    return secrets.token_hex(32)


def new_id() -> str:
    """A new public id of a credential, by which people revoke it."""
    return secrets.token_hex(6)


def digest_of(secret: bytes | str) -> bytes:
    """What is kept of a secret: its SHA-256."""
    return hashlib.sha256(secret.encode() if isinstance(secret, str) else secret).digest()
