"""Public keys of token issuers, read from their JWKS (RFC 7517) and cached.

However many tokens arrive, an issuer is called only so often, and while it is unavailable its tokens stay valid: see
`IssuerKeys`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from pydantic_core import from_json

from app.problems import InvalidToken, IssuerUnavailable
from jobs.concurrency import cancel_and_wait

log = structlog.get_logger()

REFRESH_AFTER = 300.0
"""Age in seconds from which keys are read again in the background, when one is needed."""
WAIT_AFTER = 600.0
"""Age in seconds from which a token waits for the keys to be read again, since its own may have been withdrawn."""
STALE_LIMIT = 24 * 3600.0
"""Age in seconds up to which keys are used while their issuer is unavailable."""
FETCH_INTERVAL = 30.0
"""Seconds between two reads of the keys of an issuer, however many unknown keys tokens name."""
FIRST_FETCH_INTERVAL = 2.0
"""The same until the keys could be read once."""
FETCH_TIMEOUT = 5.0
"""Seconds for one read, discovery included."""
MAX_RESPONSE = 1 << 18
"""Bytes of a response of an issuer."""
MIN_RSA_BITS = 2048
"""RFC 7518, section 3.3."""

_CURVES = {
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "P-521": frozenset({"ES512"}),
    "Ed25519": frozenset({"Ed25519", "EdDSA"}),  # RFC 9864 renamed it
}
RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
ALGORITHMS = RSA_ALGORITHMS.union(*_CURVES.values())
"""Algorithms of tokens that are verified with a public key. `none` and HMAC are not among them."""


class UnusableResponse(Exception):
    """An issuer's response is no key set, or no discovery document."""


UNUSABLE = (UnusableResponse, httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError, ValueError)
"""What is raised when an issuer is unavailable, or responds with something else."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the algorithms that tokens signed with it may name."""

    kid: str | None
    key: Key
    algorithms: frozenset[str]


def signing_keys(document: Any) -> list[SigningKey]:
    """The keys of a JWKS that sign tokens: public, strong enough, and not for encryption. Others are left out.

    Raises `ValueError` for a document that is no JWKS.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise ValueError("it has no list `keys`")  # noqa: TRY004 - what it has is a value of a document
    found = (_signing_key(key) for key in keys if isinstance(key, dict))
    return [key for key in found if key is not None]


def _signing_key(jwk: Mapping[str, Any]) -> SigningKey | None:
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    kid = jwk.get("kid")
    if not isinstance(kid, str | None):
        return None
    # Only what makes the key: a JWKS may have members that are not known here, and private ones never matter.
    members = {name: jwk[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in jwk}
    algorithms: frozenset[str]
    key: Key
    try:
        match jwk.get("kty"):
            case "RSA":
                key, algorithms = RSAKey.import_key(members), RSA_ALGORITHMS
                if key.raw_value.key_size < MIN_RSA_BITS:
                    return None
            case "EC":
                key, algorithms = ECKey.import_key(members), _CURVES[jwk["crv"]]
            case "OKP":
                key, algorithms = OKPKey.import_key(members), _CURVES[jwk["crv"]]
            case _:  # among them `oct`: a secret that everybody can read
                return None
    except (JoseError, KeyError, TypeError, ValueError):
        return None
    if "alg" in jwk:
        algorithms &= {jwk["alg"]} if isinstance(jwk["alg"], str) else set()
    return SigningKey(kid, key, algorithms) if algorithms else None


def find_key(keys: Iterable[SigningKey], kid: str | None, algorithm: str) -> Key | None:
    """The key for a token that names this `kid` and `alg`. Without a `kid`, the only one for the algorithm."""
    fitting = [one for one in keys if algorithm in one.algorithms and kid in {None, one.kid}]
    if not fitting or (kid is None and len(fitting) > 1):
        return None
    return fitting[0].key


async def read_keys(client: httpx2.AsyncClient, issuer: str, jwks_url: str | None) -> list[SigningKey]:
    """The keys of an issuer; without `jwks_url`, by discovery. Raises what `UNUSABLE` lists."""
    url = jwks_url or endpoint_of(await discover(client, issuer), "jwks_uri")
    return signing_keys(await read_json(client, url))


class IssuerKeys:
    """The keys of one issuer. They are read when they are needed:

    - in the background once they are `REFRESH_AFTER` old, and before the token is verified once they are `WAIT_AFTER` old,
    - for a token that names another key, but not within `FETCH_INTERVAL` of the last time,
    - never twice at the same time: whoever needs them waits for the same response.

    While the issuer is unavailable, its last keys are used, up to the age `STALE_LIMIT`.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        issuer: str,
        jwks_url: str | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Without `jwks_url`, it is found by discovery (OpenID Connect Discovery 1.0, section 4). `clock`: seconds."""
        self._client = client
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._clock = clock
        self._keys: list[SigningKey] = []
        self._read_at: float | None = None
        self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str) -> Key:
        """The key for a token that names this `kid` and `alg`.

        Raises `InvalidToken`, or `IssuerUnavailable` if there are no keys to compare with.
        """
        age = self._age()
        if age >= REFRESH_AFTER:
            reading = self._start_reading()
            if reading is not None and age >= WAIT_AFTER:
                await asyncio.shield(reading)
        key = find_key(self._keys, kid, algorithm) if self._age() < STALE_LIMIT else None
        if key is not None:
            return key
        reading = self._start_reading()
        if reading is not None:
            await asyncio.shield(reading)
        if self._age() >= STALE_LIMIT:
            raise IssuerUnavailable(f"The keys of {self._issuer} could not be read. Try again shortly.")
        key = find_key(self._keys, kid, algorithm)
        if key is None:
            named = "names no key" if kid is None else f"is signed with the key {kid[:100]!r}"
            wait = None if reading else max(1, round(self._next_reading() - self._clock()))
            raise InvalidToken(f"The token {named}, which is not among the {algorithm} keys of {self._issuer}.", wait)
        return key

    async def close(self) -> None:
        """Ends a read in progress."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    def _age(self) -> float:
        return float("inf") if self._read_at is None else self._clock() - self._read_at

    def _next_reading(self) -> float:
        return self._tried_at + (FIRST_FETCH_INTERVAL if self._read_at is None else FETCH_INTERVAL)

    def _start_reading(self) -> asyncio.Task[None] | None:
        """The read in progress, or a new one; None if the last one was too short a time ago."""
        if self._reading is None:
            if self._clock() < self._next_reading():
                return None
            self._tried_at = self._clock()
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        """Replaces the keys by those of the issuer, or logs why not."""
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                keys = await read_keys(self._client, self._issuer, self._jwks_url)
            if [key.kid for key in keys] != [key.kid for key in self._keys]:
                log.info("issuer_keys_changed", issuer=self._issuer, keys=[key.kid for key in keys])
            self._keys, self._read_at = keys, self._clock()
        except UNUSABLE as error:
            age = None if self._read_at is None else round(self._age())
            log.warning("issuer_keys_failed", issuer=self._issuer, reason=str(error) or type(error).__name__, age=age)
        finally:
            self._reading = None


class Discovery:
    """The discovery document of one issuer. It is read when it is needed and older than `REFRESH_AFTER`.

    As with `IssuerKeys`, it is read once at a time and at most every `FETCH_INTERVAL`, and used up to the age
    `STALE_LIMIT` while the issuer is unavailable.
    """

    def __init__(self, client: httpx2.AsyncClient, issuer: str, clock: Callable[[], float] = monotonic) -> None:
        """`clock`: seconds."""
        self._client = client
        self._issuer = issuer
        self._clock = clock
        self._document: dict[str, Any] = {}
        self._read_at: float | None = None
        self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def endpoint(self, name: str) -> str:
        """The URL of an endpoint. Raises `UnusableResponse`."""
        if self._age() >= REFRESH_AFTER:
            interval = FIRST_FETCH_INTERVAL if self._read_at is None else FETCH_INTERVAL
            if self._reading is None and self._clock() >= self._tried_at + interval:
                self._tried_at = self._clock()
                self._reading = asyncio.create_task(self._read())
            if self._reading is not None:
                await asyncio.shield(self._reading)
        if self._age() >= STALE_LIMIT:
            raise UnusableResponse("its discovery document could not be read")
        return endpoint_of(self._document, name)

    async def close(self) -> None:
        """Ends a read in progress."""
        if self._reading is not None:
            await cancel_and_wait(self._reading)

    def _age(self) -> float:
        return float("inf") if self._read_at is None else self._clock() - self._read_at

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                self._document = await discover(self._client, self._issuer)
            self._read_at = self._clock()
        except UNUSABLE as error:
            log.warning("issuer_discovery_failed", issuer=self._issuer, reason=str(error) or type(error).__name__)
        finally:
            self._reading = None


async def discover(client: httpx2.AsyncClient, issuer: str) -> dict[str, Any]:
    """How an issuer describes itself (OpenID Connect Discovery 1.0, section 4).

    Raises `UnusableResponse` if that is not what it should be, and the errors of `read_json`.
    """
    document = await read_json(client, issuer.removesuffix("/") + "/.well-known/openid-configuration")
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise UnusableResponse("its discovery document is that of another issuer")
    return document


def endpoint_of(document: dict[str, Any], name: str) -> str:
    """The URL of an endpoint of an issuer. Raises `UnusableResponse` unless it has HTTPS, or the scheme of the issuer."""
    url = document.get(name)
    if not isinstance(url, str) or urlsplit(url).scheme not in {"https", urlsplit(document["issuer"]).scheme}:
        raise UnusableResponse(f"its discovery document has no {name} with HTTPS")
    return url


async def read_json(client: httpx2.AsyncClient, url: str) -> Any:
    """The JSON at this URL. Raises `UnusableResponse`, `ValueError`, `httpx2.HTTPError`."""
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as response:
        if response.status_code != httpx2.codes.OK:
            raise UnusableResponse(f"{url} returned {response.status_code}")
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_RESPONSE:
                raise UnusableResponse(f"{url} returned more than {MAX_RESPONSE} bytes")
    return from_json(bytes(body))


def issuer_client(ca_file: Path | None) -> httpx2.AsyncClient:
    """An HTTP client for issuers. It trusts the CAs of the operating system and of `ca_file`, and follows no redirects."""
    return client_maker(ca_file)(httpx2.AsyncClient)


def client_maker(ca_file: Path | None) -> Callable[..., httpx2.AsyncClient]:
    """Makes such clients, also of a class derived from `httpx2.AsyncClient`, with further arguments of that."""
    tls = ssl.create_default_context()
    if ca_file is not None:
        tls.load_verify_locations(ca_file)

    def make(kind: type[httpx2.AsyncClient], **arguments: Any) -> httpx2.AsyncClient:
        return kind(verify=tls, timeout=FETCH_TIMEOUT, follow_redirects=False, **arguments)

    return make
