"""What streams need of the path: WebSockets, and server-sent events that arrive when they are sent.

By docs/protocol.md an event stream is silent for at most 15 s, and a WebSocket for 30 s.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from app.cli.doctor.findings import KEEP_HOST, USE_KEY, Finding, broken, ok, skipped, warning
from app.cli.doctor.probes import Path, longest, reason_of
from app.close_codes import CloseCode

MAX_SILENCE = 30.0
"""Seconds between two pings of a WebSocket; an event stream gets a comment more often."""
HELD_BACK = 0.5
"""Seconds by which events may be late without being held back: a slow network, not a buffer."""
ATTEMPTS = 3
"""Streams that have to be late before events count as held back: the first may meet a busy moment."""
IDLE_REMEDY = f"Raise the proxy's time-out of idle connections above {MAX_SILENCE:g} s, better to 150 s."

_NO_SOCKET = (OSError, InvalidHandshake, EOFError)
"""What opening a WebSocket may raise."""


def websocket(path: Path) -> Finding:
    """A WebSocket opens, and messages pass in both directions."""
    remedy = "Let the proxy speak HTTP/1.1 to the gateway and pass on Upgrade and Connection."
    try:
        with _socket(path) as client:
            _round_trip(client, path)
    except InvalidStatus as error:
        return broken(f"the handshake got status {error.response.status_code} instead of 101", remedy)
    except ConnectionClosed as error:
        return _closed_socket(error, path, remedy)
    except _NO_SOCKET as error:
        return broken(f"no WebSocket can be opened ({reason_of(error)})", remedy)
    return ok("messages pass in both directions")


def websocket_silence(path: Path) -> Finding:
    """A WebSocket on which nothing is sent but pings stays open."""
    wanted = path.plan.websocket_silence
    try:
        client = _socket(path)
    except _NO_SOCKET:
        return skipped("no WebSocket to try it with", "See the check “websocket”.")
    with client:
        started = time.monotonic()
        try:
            try:
                client.recv(timeout=wanted)
            except TimeoutError:
                _round_trip(client, path)
        except TimeoutError:
            return broken(f"an idle WebSocket was dead after {wanted:g} s", IDLE_REMEDY)
        except ConnectionClosed as error:
            if error.rcvd is not None:
                return skipped("the gateway closed the WebSocket", "See the check “websocket”.")
            return broken(f"an idle WebSocket was cut after {time.monotonic() - started:.1f} s", IDLE_REMEDY)
    return ok(f"an idle WebSocket survived {wanted:g} s")


def origin(path: Path) -> Finding:
    """Pages of the site itself may open WebSockets."""
    try:
        with _socket(path, origin=path.origin) as client:
            _round_trip(client, path)
    except ConnectionClosed as error:
        return _closed_socket(error, path, "See the check “websocket”.")
    except _NO_SOCKET:
        return skipped("no WebSocket to try it with", "See the check “websocket”.")
    return ok(f"pages of {path.origin} may open WebSockets")


def events(path: Path) -> Finding:
    """Events of a stream arrive when they are sent."""
    pause = path.plan.pause
    round_trip = min(_duration(path.see) for _ in range(3))
    held = math.inf
    for _ in range(ATTEMPTS):
        (first, second), _ = path.event_times(pause)
        held = min(held, max(first - round_trip, pause - (second - first), 0))
        if held <= HELD_BACK:
            break
    seen = f"events are held back by {1000 * held:.0f} ms"
    if held > pause / 2:
        return broken(
            f"{seen}, or until there are more",
            "Turn off the proxy's buffering of responses (nginx: proxy_buffering off).",
        )
    if held > HELD_BACK:
        return warning(seen, "Something between delays small responses: look for buffering, scanning or compression.")
    return ok(seen)


def compression(path: Path) -> Finding:
    """Event streams are not compressed."""
    _, coding = path.event_times(0)
    if coding and coding != "identity":
        return broken(
            f"event streams are compressed ({coding})",
            "Exclude text/event-stream from the proxy's compression: a compressor may hold events back.",
        )
    return ok("event streams are not compressed")


def stream_silence(path: Path) -> Finding:
    """How long an event stream may be silent."""
    survived, cut = longest(path.plan.silences, path.event_times)
    if cut is None:
        return ok(f"a stream survived {survived:g} s of silence, the longest that was tried")
    seen = f"a silent stream was cut after {cut:.1f} s"
    if cut <= MAX_SILENCE:
        return broken(seen, IDLE_REMEDY)
    return ok(f"{seen}; the gateway is never silent for more than {MAX_SILENCE:g} s")


def _socket(path: Path, origin: str | None = None) -> ClientConnection:
    return connect(
        f"{path.url.replace('http', 'ws', 1)}/v1/download/subscribe",
        origin=None if origin is None else Origin(origin),
        subprotocols=[Subprotocol("haulage.v1")],
        additional_headers=path.authorization,
        open_timeout=path.plan.timeout,
        close_timeout=1,
        ping_interval=None,
        compression=None,
        proxy=None,
    )


def _round_trip(client: ClientConnection, path: Path) -> None:
    """Sends a message that the gateway has to respond to: one that is not valid."""
    client.send("{}")
    client.recv(timeout=path.plan.timeout)


def _closed_socket(error: ConnectionClosed, path: Path, remedy: str) -> Finding:
    code = error.rcvd.code if error.rcvd else None
    if code == CloseCode.WRONG_HOST.code:
        return broken(f"the gateway does not know the Host that arrives for {path.host}", KEEP_HOST)
    if code == CloseCode.SIGN_IN.code:
        return skipped("the gateway does not let this check in", USE_KEY)
    if code == CloseCode.FORBIDDEN.code:
        return broken(f"pages of {path.origin} may not open WebSockets", f"Set PUBLIC_URL to {path.url}.")
    if code is not None:
        reason = error.rcvd.reason if error.rcvd else ""
        return skipped(f"the gateway closed the WebSocket ({code} {reason})".rstrip(), "Try again later.")
    return broken("the WebSocket was cut before a message came back", remedy)


def _duration(run: Callable[[], object]) -> float:
    started = time.monotonic()
    run()
    return time.monotonic() - started
