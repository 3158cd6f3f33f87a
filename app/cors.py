"""Pages of other origins (`CORS_ORIGINS`), for gateway and intake."""

from __future__ import annotations

from collections.abc import Collection

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app.public_address import Patterns
from jobs.settings import GatewaySettings


def with_cors(
    app: ASGIApp, settings: GatewaySettings, headers: Collection[str] = (), exposed: Collection[str] = ()
) -> ASGIApp:
    """Around all of the application, so that pages of other origins can read errors, too.

    `headers`, `exposed`: further headers that they may send and read.
    """
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=[origin for origin in settings.cors_origins if "*." not in origin],
        allow_origin_regex=Patterns(settings.cors_origins).regex,
        allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"] if headers else ["GET", "POST", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-None-Match",
            "Last-Event-ID",
            "Prefer",
            "Traceparent",
            "X-Request-ID",
            *headers,
        ],
        expose_headers=[
            "ETag",
            "Link",
            "Location",
            "Preference-Applied",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "WWW-Authenticate",
            "X-Request-ID",
            *exposed,
        ],
    )
