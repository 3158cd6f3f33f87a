"""Bearer tokens of other issuers: signed JWTs (RFC 7519), verified as RFC 8725 recommends.

The issuer that a token names decides which keys and algorithms may verify it, never the token's own header: an issuer has
either public keys or one secret. Headers that name a key or a URL of one (`jwk`, `jku`, `x5c`, `x5u`) are not read.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import Key, OctKey
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError
from pydantic_core import from_json

from app.access.credentials import KEY_PREFIX
from app.access.key_sets import ALGORITHMS
from app.problems import InvalidToken

MAX_TOKEN = 8192
"""Characters of a token. A longer one is refused before it is parsed."""
LEEWAY = 30.0
"""Seconds by which the clocks of an issuer and of the gateway may differ."""
_NO_JWT = f"The token is neither an API key, which begins with {KEY_PREFIX}, nor a signed JWT."
TYPES = frozenset({None, "jwt", "at+jwt", "application/at+jwt"})
"""Values of `typ` in lower case: an access token's (RFC 9068, section 4), or that of any JWT."""


class _Registry(jws.JWSRegistry):
    """The algorithms of tokens, without `none` and HMAC with a public key: the key's type is compared with them, too."""

    def get_alg(self, name: str) -> JWSAlgModel:
        return super().get_alg("Ed25519" if name == "EdDSA" else name)  # Ed448 keys are not accepted


_REGISTRY = _Registry(algorithms=[*ALGORITHMS, "HS256"], strict_check_header=False)


def _words(value: Any) -> Any:
    return value.split() if isinstance(value, str) else value


def _alone(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_LAST = 250_000_000_000
"""In the year 9892, which `datetime` still has."""
_Time = Annotated[StrictInt | StrictFloat, Field(ge=0, lt=_LAST, allow_inf_nan=False)]
_Text = Annotated[StrictStr, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Claims(BaseModel):
    """The claims that are read. Times are seconds since 1970, UTC."""

    model_config = ConfigDict(frozen=True, extra="allow")

    iss: _Text
    sub: _Text
    aud: Annotated[list[StrictStr], BeforeValidator(_alone)]
    exp: _Time
    nbf: _Time = 0
    iat: _Time | None = None
    jti: _Text | None = None
    name: StrictStr | None = Field(default=None, max_length=255)
    groups: Annotated[list[_Text], BeforeValidator(_alone), Field(max_length=1000)] = []
    scope: Annotated[list[_Text], BeforeValidator(_words), Field(max_length=100)] = []

    @property
    def extra(self) -> dict[str, Any]:
        """All other claims."""
        return self.model_extra or {}


class Keys(Protocol):
    """The keys of one issuer."""

    @abstractmethod
    async def find(self, kid: str | None, algorithm: str) -> Key:
        """The key for a token that names this `kid` and `alg`. Raises `InvalidToken`, `IssuerUnavailable`."""


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """The only key of an issuer that shares a secret with the gateway."""

    key: Key

    @classmethod
    def of(cls, secret: str) -> SharedSecret:
        return cls(OctKey.import_key(secret))

    async def find(self, kid: str | None, algorithm: str) -> Key:
        del kid
        if algorithm != "HS256":
            raise InvalidToken(f"Tokens of this issuer are signed with HS256, not {algorithm}.")
        return self.key


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """Whose tokens are accepted: with which algorithms and keys, and for which audiences (one of them suffices)."""

    name: str
    keys: Keys
    audiences: Collection[str]
    algorithms: Collection[str] = ALGORITHMS
    signs_grants: bool = False
    """Whether its tokens are grants, and nothing else."""


FindIssuer = Callable[[str], Awaitable[TrustedIssuer | None]]
"""The issuer of a name, if its tokens are accepted."""


class TokenVerifier:
    """Verifies tokens of several issuers."""

    def __init__(self, find_issuer: FindIssuer, now: Callable[[], float] = time.time) -> None:
        """`now`: seconds since 1970, UTC."""
        self._find_issuer = find_issuer
        self._now = now

    async def verify(self, token: str) -> tuple[Claims, TrustedIssuer, str | None]:
        """The claims of a token, its issuer and its `kid`, if the issuer has signed it for this server, and it is valid.

        Raises `InvalidToken` for any other, and `IssuerUnavailable` if that cannot be told.
        """
        if len(token) > MAX_TOKEN:
            raise InvalidToken(f"The token has more than {MAX_TOKEN} characters.")
        try:
            parsed = jws.extract_compact(token.encode("ascii"))
            header, payload = parsed.headers(), from_json(parsed.payload, allow_inf_nan=False)
            if not isinstance(header, dict) or not isinstance(payload, dict):
                raise InvalidToken(_NO_JWT)
            claims = Claims.model_validate(payload)
        except ValidationError as error:
            where = ".".join(str(step) for step in error.errors()[0]["loc"])
            raise InvalidToken(f"The claim {where} of the token is missing or not valid.") from None
        except (JoseError, ValueError, TypeError, RecursionError):
            raise InvalidToken(_NO_JWT) from None
        issuer = await self._find_issuer(claims.iss)
        if issuer is None:
            raise InvalidToken(f"The issuer {claims.iss[:100]!r} of the token is not trusted here.")
        await _check_signature(parsed, header, issuer)
        self._check_claims(claims, issuer)
        return claims, issuer, header.get("kid")

    def _check_claims(self, claims: Claims, issuer: TrustedIssuer) -> None:
        now = self._now()
        if not set(claims.aud) & set(issuer.audiences):
            raise InvalidToken(f"The token is for the audience {', '.join(claims.aud)[:100]!r}, not for this server.")
        if now >= claims.exp + LEEWAY:
            raise InvalidToken("The token has expired. Get a new one.")
        if now < claims.nbf - LEEWAY:
            raise InvalidToken("The token is not valid yet.")


async def _check_signature(parsed: jws.CompactSignature, header: Mapping[str, Any], issuer: TrustedIssuer) -> None:
    """Raises `InvalidToken` unless a key of the issuer has signed the token."""
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        raise InvalidToken("The token is signed with an algorithm that is not accepted for its issuer.")
    if "crit" in header or "b64" in header:
        raise InvalidToken("The token has critical header parameters, none of which are supported.")
    if not isinstance(kid, str | None) or not isinstance(kind, str | None) or (kind and kind.lower()) not in TYPES:
        raise InvalidToken("The header of the token is not that of an access token.")
    key = await issuer.keys.find(kid, algorithm)
    try:
        if jws.validate_compact(parsed, key, registry=_REGISTRY):
            return
    except (JoseError, ValueError):
        pass
    raise InvalidToken("The signature of the token is wrong.")
