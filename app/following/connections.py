"""The connections that messages leave through.

A message is written to uvicorn's transport as it is: no task, no queue and no coroutine for each of them, which is half
the work of the usual way (docs/decisions/0007). What has not left this process is never more than `LAG` bytes and a
message: a client that is slower than its jobs gets the newest state when it has taken what it was sent.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, cast
from uuid import UUID

from starlette.types import Send

from app.close_codes import Closing
from app.following.frames import Form, Frame, comment, error_body, retry_after, text_frame

if TYPE_CHECKING:
    from app.following.topics import Follow

LAG = 16 * 1024
"""Bytes that may wait for the client, here and again in the kernel, before it gets no more."""
STUCK = 30.0
"""Seconds in which a client has to take something, once it lags."""
SILENCE = (8.0, 12.5)
"""Seconds without a message after which a stream gets a comment; spread, so that not all get theirs at once.

Less than `COMMENTED`, since connections are looked at once a second, before and after."""
COMMENTED = 15.0
"""Seconds without a message within which a stream has got a comment."""
LOOK = 0.05
"""Seconds between two looks at connections that have not taken what they were sent: nobody tells us when they do."""
DEAD = 45.0
"""Seconds without a sign of life from the client's machine after which the kernel gives a connection up."""

_RANDOM = Random()  # noqa: S311 - no secret: it spreads moments


class Outlet:
    """One connection. Its follows are those of its jobs that have not ended."""

    form: Form

    def __init__(self, transport: asyncio.Transport, send: Send, lagging: Callable[[Outlet], None]) -> None:
        self._transport = transport
        self._send = send
        self._lagging = lagging
        self.follows: dict[UUID, Follow] = {}
        self.closing: Closing | None = None
        self.silent_until = 0.0
        """When it has to be sent something; only streams care."""
        self.left = 0
        """Bytes that waited when it was last looked at, and since when it has not been less."""
        self.left_since = 0.0
        _limit_buffers(transport)

    def write(self, frame: Frame) -> bool:
        """Sends the message; False when the client lags or is gone."""
        return self._put(frame.written(self.form))

    def _put(self, data: bytes) -> bool:
        transport = self._transport
        if self.closing is not None or transport.is_closing():  # not `is_open`: a property costs as much as the rest
            return False
        if transport.get_write_buffer_size() > LAG:
            self._lagging(self)
            return False
        transport.write(data)
        self.silent_until = 0.0
        return True

    @property
    def is_open(self) -> bool:
        """Whether there is still something to say, and somebody to say it to."""
        return self.closing is None and not self._transport.is_closing()

    def waiting(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def is_rid(self) -> bool:
        """Whether nothing that was said here still waits, once all is said."""
        return not self.waiting()

    def abort(self) -> None:
        """Cuts the connection."""
        self._transport.abort()

    async def finish(self, closing: Closing) -> None:
        """Ends it as its kind ends; the task that serves it hears of that as of a disconnect."""
        raise NotImplementedError

    def keep_alive(self, now: float) -> None:
        """Says something after a long silence."""

    def ended(self, follow: Follow) -> Closing | None:
        """One of its jobs has ended. Returns why the connection ends too, if it does."""
        self.follows.pop(follow.topic.job_id, None)
        return None if self.follows else Closing.DONE


class StreamOutlet(Outlet):
    """Server-sent events (WHATWG HTML, section 9.2)."""

    def __init__(
        self, transport: asyncio.Transport, send: Send, lagging: Callable[[Outlet], None], *, many: bool
    ) -> None:
        super().__init__(transport, send, lagging)
        self.form = Form.STREAM_OF_MANY if many else Form.STREAM
        self.has_begun = False
        """Whether the answer has begun: before that nothing may be sent here."""

    async def finish(self, closing: Closing) -> None:
        """An error status would end an `EventSource` for good, so that all it is told is when to come back."""
        if not self.has_begun:
            return
        body = retry_after(closing.pause())
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
        if closing is Closing.RESTART:
            self._transport.close()  # when all is taken: a client that kept it would come back to this process

    def is_rid(self) -> bool:
        """What waits after the last chunk may be the answer to the next request: the kernel sees to that."""
        return True

    def keep_alive(self, now: float) -> None:
        if not self.has_begun:
            return
        if not self.silent_until:
            self.silent_until = now + _RANDOM.uniform(*SILENCE)
        elif now >= self.silent_until:
            self._put(_COMMENT)


class SocketOutlet(Outlet):
    """A WebSocket (RFC 6455)."""

    form = Form.SOCKET

    def __init__(
        self, transport: asyncio.Transport, send: Send, lagging: Callable[[Outlet], None], *, many: bool
    ) -> None:
        super().__init__(transport, send, lagging)
        self._many = many

    async def finish(self, closing: Closing) -> None:
        await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason})

    async def complain(self, error: str, message: str, job_id: str | None = None) -> None:
        """Tells the client what was wrong with a message of its own, as soon as it can take that."""
        said = text_frame(error_body(error, message, job_id))
        while not self._put(said) and self.is_open:  # noqa: ASYNC110 - uvicorn hears of it, nobody else
            await asyncio.sleep(LOOK)

    def ended(self, follow: Follow) -> Closing | None:
        closing = super().ended(follow)
        return None if self._many else closing


_COMMENT = comment("")


def _limit_buffers(transport: asyncio.Transport) -> None:
    """Bounds what the kernel keeps for the client, and how long it believes in one that does not answer."""
    sock = transport.get_extra_info("socket")
    for name, value in (("TCP_NOTSENT_LOWAT", LAG), ("TCP_USER_TIMEOUT", int(1000 * DEAD))):
        option = getattr(socket, name, None)
        if option is not None and sock is not None:
            with suppress(OSError):  # a UNIX socket has neither
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def transport_of(send: Send) -> asyncio.Transport:
    """The connection behind an ASGI `send` of uvicorn: both of its protocols keep it as `transport`.

    Raises `RuntimeError` on any other server.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("Streams are written straight to uvicorn's transport: serve the gateway with uvicorn.")
    return cast("asyncio.Transport", transport)
