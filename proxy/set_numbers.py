"""Sets the times and sizes in the proxies' files from the gateway's default settings: `make proxy`.

Each number stands in its file once or several times, always after the same words, so the files stay complete and readable
as they are. `tests/proxy/test_numbers.py` fails if a file differs from what this would write.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.settings import GatewaySettings

FOLDER = Path(__file__).parent

MARGIN = 15
"""Seconds by which a proxy waits longer than the gateway, so that the gateway's own answer comes first."""
POOLED = 60
"""Seconds for which a proxy keeps an unused connection to the gateway; `KEEP_ALIVE` must be longer."""
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a file. `pattern` has one group: the number, with or without its unit."""

    file: str
    pattern: str
    value: Callable[[GatewaySettings], str]

    def written(self, text: str, settings: GatewaySettings) -> str:
        """The file's text with the right number. Raises `ValueError` if the number is not in it."""
        value = self.value(settings)
        found = list(re.finditer(self.pattern, text, flags=re.MULTILINE))
        if not found:
            raise ValueError(f"{self.file} has nothing like {self.pattern}")
        for match in reversed(found):
            text = text[: match.start(1)] + value + text[match.end(1) :]
        return text


def _seconds(value: float) -> str:
    return f"{value:g}s"


def _response(settings: GatewaySettings) -> str:
    return f"{settings.request_timeout + MARGIN:g}"


def _head(settings: GatewaySettings) -> str:
    return _seconds(settings.head_timeout)


def _body(settings: GatewaySettings) -> str:
    return _seconds(settings.body_timeout)


def _mebibytes(settings: GatewaySettings) -> int:
    """More than a body may have, so that the gateway is the one that refuses it."""
    return settings.max_body_bytes // MIB + 1


def _pooled(_: GatewaySettings) -> str:
    return _seconds(POOLED)


def _drained(settings: GatewaySettings) -> str:
    return f"{settings.stream_drain + settings.shutdown_timeout + MARGIN:g}"


NGINX, LOCATIONS, CADDY, HAPROXY = "nginx/nginx.conf", "nginx/haulage.conf", "caddy/Caddyfile", "haproxy/haproxy.cfg"
ALB = "aws/alb.yaml"

NUMBERS = (
    Number(NGINX, r"^\s*client_header_timeout (\S+);", _head),
    Number(NGINX, r"^\s*client_body_timeout (\S+);", _body),
    Number(NGINX, r"^\s*keepalive_timeout (\S+);", _pooled),
    Number(LOCATIONS, r"^client_max_body_size (\d+)m;", lambda settings: str(_mebibytes(settings))),
    Number(LOCATIONS, r"^proxy_(?:read|send)_timeout (\S+)s;", _response),
    Number(CADDY, r"^\s*read_header (\S+)", _head),
    Number(CADDY, r"^\s*max_size (\d+)MiB", lambda settings: str(_mebibytes(settings))),
    Number(CADDY, r"^\s*response_header_timeout (\S+)s", _response),
    Number(CADDY, r"^\s*keepalive (\S+)", _pooled),
    Number(HAPROXY, r"^\s*timeout http-request (\S+)", _head),
    Number(HAPROXY, r"^\s*timeout (?:client|server) (\S+)s", _response),
    Number(HAPROXY, r"^\s*default-server .*pool-purge-delay (\S+)", _pooled),
    Number(HAPROXY, r"req\.hdr_val\(content-length\) gt (\d+)", lambda settings: str(MIB * _mebibytes(settings))),
    Number(ALB, r'idle_timeout\.timeout_seconds, Value: "(\d+)"', _response),
    Number(ALB, r'deregistration_delay\.timeout_seconds, Value: "(\d+)"', _drained),
)


def written(file: str, settings: GatewaySettings) -> str:
    """The text that a file of this folder should have."""
    text = (FOLDER / file).read_text(encoding="utf-8")
    for number in NUMBERS:
        if number.file == file:
            text = number.written(text, settings)
    return text


def unsafe(settings: GatewaySettings) -> str | None:
    """Why no numbers would be right for these settings, if that is so."""
    longest = max(POOLED, settings.request_timeout + MARGIN)  # a load balancer of AWS has one time for both
    if settings.keep_alive <= longest:
        return f"KEEP_ALIVE is {settings.keep_alive:g} s, but proxies keep connections for up to {longest:g} s."
    return None


def main() -> None:
    """Writes all files."""
    settings = GatewaySettings()
    if (reason := unsafe(settings)) is not None:
        sys.exit(reason)
    for file in sorted({number.file for number in NUMBERS}):
        (FOLDER / file).write_text(written(file, settings), encoding="utf-8")


if __name__ == "__main__":
    main()
