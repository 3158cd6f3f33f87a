"""The connections on which messages are sent.

A message is written to uvicorn's transport as it is: no task, queue or coroutine for each message and follower, which
halves the CPU that a delivery costs (docs/decisions/0007). The data buffered for a client is bounded by `HIGH_WATER` plus
one message: a client that is slower than its jobs gets the newest state when it has read what was sent before.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import cast

from starlette.types import Send

from app.close_codes import CloseCode
from app.following.frames import Encoding, StateFrame, comment, error_message, reauth_message, retry_field, text_frame
from app.metrics import STREAMS, WEBSOCKETS
from jobs.metrics import Gauge

HIGH_WATER = 16 * 1024
"""Bytes buffered for a client, in this process and again in the kernel, above which it is sent nothing more."""
KEEPALIVE_INTERVAL = (8.0, 12.5)
"""Seconds without a message after which a stream gets a comment; jittered, so that not all get theirs at once.

It ends well below `MAX_SILENCE`, since the hub checks its connections once a second."""
MAX_SILENCE = 15.0
"""Seconds without a message within which a stream is sure to get a comment."""
FLUSH_CHECK_INTERVAL = 0.05
"""Seconds between two checks whether a client has read what it was sent: the transport does not notify us."""
USER_TIMEOUT = 45.0
"""Seconds without an acknowledgement of sent data after which the kernel closes a connection (`TCP_USER_TIMEOUT`)."""

_RANDOM = Random()  # noqa: S311 - jitter, nothing secret


class Connection:
    """One connection of a client, on which messages about one or more jobs are sent."""

    encoding: Encoding
    gauge: Gauge
    """Of the connections of its kind that are open."""

    def __init__(
        self,
        transport: asyncio.Transport,
        send: Send,
        on_slow: Callable[[Connection], None],
        *,
        closes_with_last_job: bool = True,
    ) -> None:
        self._transport = transport
        self._send = send
        self._on_slow = on_slow
        self.closes_with_last_job = closes_with_last_job
        """Whether the connection is closed when all jobs that it follows have ended."""
        self.close_code: CloseCode | None = None
        """Why it is being closed, if it is."""
        self.comment_due = 0.0
        """When a silent stream has to get a comment (time of the loop); 0 after a message."""
        sock = transport.get_extra_info("socket")
        for name, value in (("TCP_NOTSENT_LOWAT", HIGH_WATER), ("TCP_USER_TIMEOUT", int(1000 * USER_TIMEOUT))):
            option = getattr(socket, name, None)
            if option is not None and sock is not None:
                with suppress(OSError):  # a UNIX socket has neither
                    sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def write(self, frame: StateFrame) -> bool:
        """Sends the message. Returns False if the client is too slow to get it now, or gone."""
        return self._write(frame.encoded(self.encoding))

    def _write(self, data: bytes) -> bool:
        transport = self._transport
        if self.close_code is not None or transport.is_closing():  # not `is_open`: a property doubles the cost
            return False
        if transport.get_write_buffer_size() > HIGH_WATER:
            self._on_slow(self)
            return False
        transport.write(data)
        self.comment_due = 0.0
        return True

    @property
    def is_open(self) -> bool:
        """Whether messages can still be sent."""
        return self.close_code is None and not self._transport.is_closing()

    def buffered(self) -> int:
        """Bytes that the kernel has not accepted yet."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def is_flushed(self) -> bool:
        """Whether the write buffer has been flushed after the end of the response."""
        return not self.buffered()

    def abort(self) -> None:
        """Closes the connection at once, and discards what is buffered."""
        self._transport.abort()

    async def finish(self, code: CloseCode) -> None:
        """Ends the response or closes the WebSocket; its endpoint then sees a disconnect."""
        raise NotImplementedError

    def keep_alive(self, now: float) -> None:
        """Sends a sign of life after a long silence."""

    def request_reauth(self, expires_at: datetime) -> bool:
        """Tells the client when its access expires. Returns False if it is too slow to get that now, or gone."""
        return self._write(reauth_message(expires_at, self.encoding))


class StreamConnection(Connection):
    """Server-sent events (WHATWG HTML, section 9.2)."""

    gauge = STREAMS

    def __init__(
        self, transport: asyncio.Transport, send: Send, on_slow: Callable[[Connection], None], *, many: bool
    ) -> None:
        super().__init__(transport, send, on_slow)
        self.encoding = Encoding.SSE_MANY if many else Encoding.SSE
        self.has_begun = False
        """Whether the response has begun: nothing may be written before."""

    async def finish(self, code: CloseCode) -> None:
        """Sends `retry` only: an error status would stop an `EventSource` permanently."""
        if not self.has_begun:
            return
        await self._send({"type": "http.response.body", "body": retry_field(code.retry_delay()), "more_body": False})
        if code is CloseCode.RESTART:
            self._transport.close()  # once flushed: on a kept connection the client would return to this process

    def request_reauth(self, expires_at: datetime) -> bool:
        return self.has_begun and super().request_reauth(expires_at)

    def is_flushed(self) -> bool:
        """Always: data after the last chunk may belong to the next response on this connection."""
        return True

    def keep_alive(self, now: float) -> None:
        if not self.has_begun:
            return
        if not self.comment_due:
            self.comment_due = now + _RANDOM.uniform(*KEEPALIVE_INTERVAL)
        elif now >= self.comment_due:
            self._write(_COMMENT)


_COMMENT = comment("")


class SocketConnection(Connection):
    """A WebSocket (RFC 6455)."""

    encoding = Encoding.WEBSOCKET
    gauge = WEBSOCKETS

    def __init__(
        self, transport: asyncio.Transport, send: Send, on_slow: Callable[[Connection], None], *, many: bool
    ) -> None:
        super().__init__(transport, send, on_slow, closes_with_last_job=not many)

    async def finish(self, code: CloseCode) -> None:
        await self._send({"type": "websocket.close", "code": code.code, "reason": code.reason})

    async def send_error(self, error: str, message: str, job_id: str | None = None) -> None:
        """Sends an error message as soon as the client has read enough of what was sent before."""
        data = text_frame(error_message(error, message, job_id))
        while not self._write(data) and self.is_open:  # noqa: ASYNC110 - the transport does not notify us
            await asyncio.sleep(FLUSH_CHECK_INTERVAL)


def transport_of(send: Send) -> asyncio.Transport:
    """The connection behind an ASGI `send` of uvicorn: both of its protocols keep it as `transport`.

    Raises `RuntimeError` on any other server.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("Streams are written straight to uvicorn's transport: serve the gateway with uvicorn.")
    return cast("asyncio.Transport", transport)
