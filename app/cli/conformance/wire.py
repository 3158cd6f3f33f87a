"""Plain talk with a server, so that whatever it does can be seen."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import Event
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from app.cli.client import Api
from app.cli.eventstreams import StreamEvent, StreamParser

PATIENCE = 10.0
"""Seconds that any answer may take."""
V1 = "haulage.v1"
BROKEN_OFF = 1006
"""A connection that ended without a close frame (RFC 6455, section 7.1.5)."""
Said = Mapping[str, Any] | str | bytes
_LARGEST = 1 << 25
_CHUNK = 1 << 16


class Broken(Exception):
    """A rule is not kept: what was seen."""


UNREADABLE = (LookupError, TypeError, ValueError, OverflowError)
"""What is raised where a value is not what it should be."""


def unreadable(error: Exception) -> str:
    """What was seen, where a value is not what it should be."""
    return f"what came can't be read: {type(error).__name__} {error}"


class Skipped(Exception):
    """A rule can't be checked here: why."""


def require(kept: object, seen: str) -> None:
    """Raises `Broken` with what was seen, unless the rule is kept."""
    if not kept:
        raise Broken(seen)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        require(isinstance(found, dict), f"{self.status} with a body that is no JSON object: {self.body[:80]!r}")
        return dict(found)


@dataclass(slots=True)
class Stream:
    """An event stream and what it said; `ended`: the server has ended it, and as HTTP has it."""

    reply: Reply
    parser: StreamParser
    events: list[StreamEvent] = field(default_factory=list)
    ended: bool = False

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message_of(event.data) for event in self.events]


def message_of(text: str | bytes) -> dict[str, Any]:
    """What a message says. Raises `Broken`."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    require(isinstance(found, dict), f"a message that is no JSON object: {text[:80]!r}")
    return dict(found)


class Connection(ClientConnection):
    """Counts the pings that come in."""

    pings = 0

    def process_event(self, event: Event) -> None:
        if isinstance(event, Frame) and event.opcode is Opcode.PING:
            self.pings += 1
        super().process_event(event)


class Talk:
    """A WebSocket that is open."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def say(self, message: Said) -> None:
        text = json.dumps(message) if isinstance(message, Mapping) else message
        try:
            self.connection.send(text)
        except ConnectionClosed as error:
            raise Broken(f"it was closed with {_code(error)}") from error

    def hear(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next message."""
        try:
            return message_of(self.connection.recv(patience))
        except TimeoutError:
            raise Broken(f"nothing was said within {patience:g} s") from None
        except ConnectionClosed as error:
            raise Broken(f"it was closed with {_code(error)}") from error

    def complaint(self) -> dict[str, Any]:
        """The next message, which has to be an error."""
        said = self.hear()
        require(set(said) == {"type", "error", "message", "jobId"} and said["type"] == "error", f"{said}")
        return said

    def closed(self, patience: float = PATIENCE) -> int:
        """The code with which the server closes, whatever it says before."""
        deadline = time.monotonic() + patience
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.connection.recv(left)
        except TimeoutError:
            pass
        except ConnectionClosed as error:
            return _code(error)
        raise Broken(f"it was not closed within {patience:g} s")

    def require_open(self) -> None:
        """Raises `Broken` unless a ping is answered (RFC 6455, section 5.5.3)."""
        try:
            answered = self.connection.ping().wait(PATIENCE)
        except ConnectionClosed as error:
            raise Broken(f"it was closed with {_code(error)}") from error
        require(answered, f"a ping was not answered within {PATIENCE:g} s")


def _code(error: ConnectionClosed) -> int:
    return BROKEN_OFF if error.rcvd is None else error.rcvd.code


class Wire:
    """One server. All calls raise `Broken` where it does not even speak HTTP or WebSocket."""

    def __init__(self, api: Api) -> None:
        self.api = api

    @property
    def origin(self) -> str:
        """Of the server's own pages."""
        parts = urlsplit(self.api.server)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", patience: float = PATIENCE
    ) -> Reply:
        try:
            answer = self.api.pool.request(method, self.api.server + path, headers=headers or {}, timeout=patience)
        except HTTPError as error:
            raise Broken(f"{path} broke off: {type(error).__name__}") from error
        return _reply(answer, answer.data)

    def refused(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Status and code of a problem (RFC 9457)."""
        reply = self.ask(path, headers)
        kind = reply.headers.get("Content-Type", "")
        require(kind == "application/problem+json", f"{reply.status} {kind}")
        return reply.status, str(reply.json.get("error"))

    def stream(
        self, path: str, headers: Mapping[str, str] | None = None, patience: float = PATIENCE, total: float = PATIENCE
    ) -> Stream:
        """An event stream to its end, for `total` seconds at most. `patience`: seconds without a byte."""
        deadline = time.monotonic() + total
        try:
            found = self.api.pool.request(
                "GET", self.api.server + path, headers=headers or {}, timeout=patience, preload_content=False
            )
            with closing(found) as answer:
                stream = Stream(_reply(answer, b""), StreamParser())
                while time.monotonic() < deadline and _listen(stream, answer):
                    pass
        except HTTPError as error:
            raise Broken(f"{path} broke off: {type(error).__name__}") from error
        return stream

    @contextmanager
    def talk(
        self,
        path: str,
        *,
        offered: Sequence[str] = (V1,),
        origin: str | None = None,
        host: str | None = None,
    ) -> Iterator[Talk]:
        """A WebSocket. `host`: a name to say instead of the server's own."""
        parts = urlsplit(self.api.socket_url(path))
        netloc = parts.netloc.rpartition("@")[2]
        said = netloc if host is None else f"{host}:{parts.port}" if parts.port else host
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        try:
            raw = socket.create_connection((parts.hostname, port), PATIENCE)
            connection = connect(
                parts._replace(netloc=said).geturl(),
                sock=raw,
                server_hostname=parts.hostname if parts.scheme == "wss" else None,
                origin=None if origin is None else Origin(origin),
                subprotocols=[Subprotocol(name) for name in offered] or None,
                compression=None,
                open_timeout=PATIENCE,
                ping_interval=None,
                close_timeout=1,
                max_size=_LARGEST,
                create_connection=Connection,
            )
        except (WebSocketException, OSError, EOFError) as error:
            raise Broken(f"the handshake failed: {error}") from error
        with connection:
            assert isinstance(connection, Connection)
            yield Talk(connection)


def _listen(stream: Stream, answer: urllib3.BaseHTTPResponse) -> bool:
    """Whether there may be more."""
    try:
        data = answer.read1(_CHUNK)
    except ReadTimeoutError:
        return False
    stream.ended = not data
    stream.events += stream.parser.feed(data)
    return not stream.ended


def _reply(answer: urllib3.BaseHTTPResponse, body: bytes) -> Reply:
    return Reply(answer.status, answer.headers, body)
