"""A real token issuer over HTTP: discovery, keys that can be rotated, and tokens of any kind, also wrong ones."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import warnings
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys"


class Clock:
    """A time that tests move, in seconds."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def rsa_key(kid: str, **members: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", **members})  # type: ignore[arg-type]


def ec_key(kid: str, **members: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", **members})  # type: ignore[arg-type]


def ed_key(kid: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig"})


ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "Ed25519"}
ALL = [*ALGORITHMS.values(), "EdDSA", "PS256", "HS256"]


def signed(key: Any, header: dict[str, Any], claims: object) -> str:
    """A JWT with this header, signed with the key as its `alg` says."""
    registry = jws.JWSRegistry(algorithms=ALL, strict_check_header=False)
    with warnings.catch_warnings(action="ignore", category=SecurityWarning):  # EdDSA has another name now
        return jws.serialize_compact(header, json.dumps(claims), key, registry=registry)


def encoded(part: object) -> str:
    """A part of a JWT: any value as JSON, or bytes, in base64url without padding."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """`responses` replaces what a path returns; `gone`: it returns 503 to everything. `requests` counts by path."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: list[Key] = [ec_key("first")]
        self.gone = False
        self.responses: dict[str, object] = {}
        self.requests: Counter[str] = Counter()

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a token that is accepted, with changes; None leaves a claim out."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": "alice", "aud": "haulage", "iat": now, "exp": now + 300, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: Key | None = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """A token that is accepted, with changes of its header and claims."""
        key = key or self.keys[0]
        head = {"alg": ALGORITHMS[key.key_type], "kid": key.kid, "typ": "JWT", **(header or {})}
        return signed(key, {name: value for name, value in head.items() if value is not None}, self.claims(**changes))

    async def respond(self, request: Request) -> Response:
        path = request.url.path
        self.requests[path] += 1
        if self.gone:
            return Response(None, 503)
        if path in self.responses:
            return JSONResponse(self.responses[path])
        if path == DISCOVERY:
            return JSONResponse({"issuer": self.url, "jwks_uri": self.url + JWKS})
        if path == JWKS:
            return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})
        return Response(None, 404)


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    """An issuer on a free port of 127.0.0.1."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    issuer = Issuer(f"http://127.0.0.1:{listening.getsockname()[1]}")
    app = Starlette(routes=[Route("/{path:path}", issuer.respond, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield issuer
    finally:
        server.should_exit = True
        await task
        listening.close()
