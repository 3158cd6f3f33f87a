"""Messages as they are sent: each is encoded once for each kind of connection, however many followers get it."""

from __future__ import annotations

import json
from datetime import datetime
from enum import IntEnum

from sse_starlette import ServerSentEvent
from websockets.frames import Frame as SocketFrame
from websockets.frames import Opcode

from jobs.engine.events import Event, EventType
from jobs.engine.order import Order

LINE_END = "\n"
"""The line terminator of event streams."""


class Encoding(IntEnum):
    """How a message is encoded for a connection."""

    WEBSOCKET = 0
    """A WebSocket text frame (RFC 6455, section 5). Frames of a server are not masked, so all clients get the same."""
    SSE = 1
    """A server-sent event with an `id`, as an HTTP/1.1 chunk (RFC 9112, section 7.1)."""
    SSE_MANY = 2
    """The same without `id`: on a stream of several jobs, one id could not say where each of them is."""


class StateFrame:
    """A message that stands for itself: whoever missed an earlier one gets along with the newest."""

    __slots__ = ("_body", "_encoded", "_name")

    def __init__(self, name: str, body: bytes) -> None:
        """`name`: its `type`. `body`: the message as JSON."""
        self._name = name
        self._body = body
        self._encoded: list[bytes | None] = [None, None, None]

    def encoded(self, encoding: Encoding) -> bytes:
        """The bytes to send."""
        encoded = self._encoded[encoding]
        if encoded is None:
            encoded = self._encoded[encoding] = self._encode(encoding)
        return encoded

    def _encode(self, encoding: Encoding) -> bytes:
        if encoding is Encoding.WEBSOCKET:
            return text_frame(self._body)
        event_id = self._event_id(encoding)
        return chunk(ServerSentEvent(self._body.decode(), event=self._name, id=event_id, sep=LINE_END).encode())

    def _event_id(self, encoding: Encoding) -> str | None:
        """The `id` of the event on a stream, if it has one."""
        del encoding
        return None


class Frame(StateFrame):
    """A message about a job with its order, which decides which followers get it."""

    __slots__ = ("event", "final", "order", "read_after", "since")

    def __init__(self, event: Event, body: bytes, read_after: Order | None = None) -> None:
        """`body`: the event as JSON. `read_after`, for a snapshot: the newest message before it was read."""
        super().__init__(event.type, body)
        self.event = event
        self.order = event.order
        self.since = event.since
        self.read_after = read_after
        self.final = event.status.ended or event.type is EventType.GONE
        """Whether it is the last message about its job, unless a person retries that."""

    @property
    def happened_at(self) -> datetime | None:
        """When what it is about happened; None if it is about the end of a result or a job, which has ended before.

        The last message of a job is read from PostgreSQL, and so is newer than the job's end.
        """
        event = self.event
        if event.type in (EventType.EXPIRED, EventType.GONE):
            return None
        return getattr(event, "finished_at", None) or event.ts

    def _event_id(self, encoding: Encoding) -> str | None:
        seq, tick = self.order
        return f"{seq}.{tick}" if encoding is Encoding.SSE else None


def text_frame(body: bytes) -> bytes:
    """A WebSocket text frame from a server."""
    return SocketFrame(Opcode.TEXT, body).serialize(mask=False)


def chunk(body: bytes) -> bytes:
    """A chunk of an HTTP/1.1 body."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def comment(text: str) -> bytes:
    """A chunk with a comment, which clients ignore and which keeps proxies from closing the stream."""
    return chunk(ServerSentEvent(comment=text, sep=LINE_END).encode())


def retry_field(seconds: float) -> bytes:
    """The `retry` field, which sets when an `EventSource` reconnects; not yet a chunk."""
    return ServerSentEvent(retry=round(1000 * seconds), sep=LINE_END).encode()


def stream_start(retry: float) -> bytes:
    """The start of a stream, which shows that it is open; not yet a chunk. `retry` in seconds."""
    return ServerSentEvent(comment="", retry=round(1000 * retry), sep=LINE_END).encode()


def reauth_message(expires_at: datetime, encoding: Encoding) -> bytes:
    """Says when the client's access expires: a text frame, or an event without `id` as a chunk."""
    body = json.dumps({"type": "reauth", "expiresAt": expires_at.isoformat().replace("+00:00", "Z")})
    if encoding is Encoding.WEBSOCKET:
        return text_frame(body.encode())
    return chunk(ServerSentEvent(body, event="reauth", sep=LINE_END).encode())


def error_message(error: str, message: str, job_id: str | None = None) -> bytes:
    """The error message for a WebSocket client, as JSON."""
    return json.dumps({"type": "error", "error": error, "message": message, "jobId": job_id}).encode()
