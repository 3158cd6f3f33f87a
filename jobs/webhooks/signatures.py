"""Keys and signatures of Standard Webhooks 1.0: `v1` is HMAC-SHA256, `v1a` Ed25519. It does no I/O.

With `v1` a receiver needs a secret, with `v1a` only a public key, so that nobody who reads its configuration can sign.
Each request has both.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_SIZE = 32
"""Bytes of the secret, and of the private key. The standard wants 24 to 64 of a secret."""


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """What the requests to an endpoint are signed with: two random values of `KEY_SIZE` bytes."""

    secret: bytes
    private_key: bytes

    @property
    def secret_text(self) -> str:
        """The secret as libraries of the standard read it."""
        return f"whsec_{b64encode(self.secret).decode()}"

    @property
    def public_key_text(self) -> str:
        """The public key as libraries of the standard read it."""
        public = Ed25519PrivateKey.from_private_bytes(self.private_key).public_key().public_bytes_raw()
        return f"whpk_{b64encode(public).decode()}"


def signature_headers(keys: Iterable[SigningKeys], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a request that is sent at `timestamp` (Unix time). Each of the keys signs it, the newest first."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = [signature for each in keys for signature in _sign(each, content)]
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}


def _sign(keys: SigningKeys, content: bytes) -> tuple[str, str]:
    symmetric = hmac.digest(keys.secret, content, sha256)
    asymmetric = Ed25519PrivateKey.from_private_bytes(keys.private_key).sign(content)
    return f"v1,{b64encode(symmetric).decode()}", f"v1a,{b64encode(asymmetric).decode()}"
