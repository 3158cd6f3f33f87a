"""The checks, by the names that are printed. Each sends probes and returns what it has found."""

from __future__ import annotations

from collections.abc import Callable

from app.cli.doctor import request_checks, store_checks, stream_checks
from app.cli.doctor.findings import KEEP_HOST, Finding, broken, skipped
from app.cli.doctor.probes import Path, ProbeFailed, ProbeRefused

Check = Callable[[Path], Finding]

CHECKS: dict[str, Check] = {
    "websocket": stream_checks.websocket,
    "websocket silence": stream_checks.websocket_silence,
    "events": stream_checks.events,
    "compression": stream_checks.compression,
    "stream silence": stream_checks.stream_silence,
    "first byte": request_checks.first_byte,
    "keep-alive race": request_checks.keep_alive_race,
    "header size": request_checks.header_size,
    "headers": request_checks.api_headers,
    "body size": request_checks.body_size,
    "client address": request_checks.client_address,
    "scheme": request_checks.scheme,
    "host": request_checks.host,
    "origin": stream_checks.origin,
    "http/2": request_checks.http2,
    "clock": request_checks.clock,
    "request id": request_checks.request_id,
    "store link": store_checks.store_link,
    "range": store_checks.byte_range,
}


def reach(path: Path) -> Finding | None:
    """Sets `path.seen`; or returns why the gateway can't be reached at all."""
    try:
        path.seen = path.see()
    except ProbeFailed as error:
        if error.problem == "wrong_host":
            return broken(f"the gateway does not know the Host that arrives for {path.host}", KEEP_HOST)
        if isinstance(error, ProbeRefused):
            return skipped(str(error), "Try again in a minute.")
        return broken(
            f"no Haulage gateway responds at {path.url}: {error}",
            "Check the URL, and that the proxy passes on /v1/diagnose/. Older gateways do not have it.",
        )
    return None
