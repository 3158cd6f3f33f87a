"""A message on its way out, written once for each form in which it travels."""

from __future__ import annotations

import json
from enum import IntEnum

from sse_starlette import ServerSentEvent
from websockets.frames import Frame as SocketFrame
from websockets.frames import Opcode

from jobs.engine.events import Event, EventType
from jobs.engine.order import Order

LINES = "\n"
"""How lines of an event stream end."""


class Form(IntEnum):
    """How a message is written for a connection."""

    SOCKET = 0
    """A WebSocket text frame (RFC 6455, section 5). From a server these are not masked, so all clients get the same."""
    STREAM = 1
    """A server-sent event with an `id`, as an HTTP/1.1 chunk (RFC 9112, section 7.1)."""
    STREAM_OF_MANY = 2
    """The same without `id`: on a stream of several jobs a single one could not tell where each of them is."""


class Frame:
    """A message, and what decides who gets it."""

    __slots__ = ("_body", "_written", "event", "final", "heard", "order", "since")

    def __init__(self, event: Event, body: bytes, heard: Order | None = None) -> None:
        """`body`: the event as JSON. `heard`: the newest message that had come when this was asked for."""
        self.event = event
        self.order = event.order
        self.since = event.since
        self.heard = heard
        self.final = event.status.ended or event.type is EventType.GONE
        """Whether it is the last of its job, unless a person queues that again."""
        self._body = body
        self._written: list[bytes | None] = [None, None, None]

    def written(self, form: Form) -> bytes:
        """The bytes to send."""
        written = self._written[form]
        if written is None:
            written = self._written[form] = self._write(form)
        return written

    def _write(self, form: Form) -> bytes:
        if form is Form.SOCKET:
            return text_frame(self._body)
        seq, tick = self.order
        named = f"{seq}.{tick}" if form is Form.STREAM else None
        return chunk(ServerSentEvent(self._body.decode(), event=self.event.type, id=named, sep=LINES).encode())


def text_frame(body: bytes) -> bytes:
    """A WebSocket text frame from a server."""
    return SocketFrame(Opcode.TEXT, body).serialize(mask=False)


def chunk(body: bytes) -> bytes:
    """A chunk of an HTTP/1.1 body."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def comment(text: str) -> bytes:
    """What an event stream carries for proxies only."""
    return chunk(ServerSentEvent(comment=text, sep=LINES).encode())


def retry_after(seconds: float) -> bytes:
    """Tells an `EventSource` when to come back; not yet a chunk."""
    return ServerSentEvent(retry=round(1000 * seconds), sep=LINES).encode()


def opening(retry: float) -> bytes:
    """The start of a stream, which shows that it is open; not yet a chunk."""
    return ServerSentEvent(comment="", retry=round(1000 * retry), sep=LINES).encode()


def error_body(error: str, message: str, job_id: str | None = None) -> bytes:
    """What a WebSocket client is told of a message that could not be followed."""
    return json.dumps({"type": "error", "error": error, "message": message, "jobId": job_id}).encode()
