"""A receiver of webhooks: an HTTP server of this machine that records requests and responds as told."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tests.helpers.eventually import eventually


@dataclass(frozen=True, slots=True)
class Received:
    """A request. Names of headers are in lower case."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """What it has received, and how it responds: with `status` and `headers`, after `gate` is set.

    With `missing`, it announces so many bytes more than `body` has, and closes the connection after `end` is set.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.body = b""
        self.missing = 0
        self.end = asyncio.Event()
        self.end.set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.most_at_once = 0
        self.url = ""
        self._open = 0

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    async def until(self, count: int) -> None:
        """Returns when it has received so many requests."""

        async def is_there() -> bool:
            return len(self.received) >= count

        await eventually(is_there)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            fields = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
            headers = {name.lower(): value for name, _, value in fields}
            self.received.append(Received(headers, await reader.readexactly(int(headers["content-length"]))))
            await self.gate.wait()
            more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            length = "" if self.status == 204 else f"Content-Length: {len(self.body) + self.missing}\r\n"
            writer.write(
                f"HTTP/1.1 {self.status} Whatever\r\n{more}{length}Connection: close\r\n\r\n".encode() + self.body
            )
            await writer.drain()
            await self.end.wait()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sender went away
        finally:
            self._open -= 1
            writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that runs while the block does."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        try:
            yield receiver
        finally:
            receiver.gate.set()
            receiver.end.set()


@contextmanager
def dropping_packets() -> Iterator[str]:
    """The URL of an address of this machine that drops the packets by which a connection begins, as a firewall does.

    Linux drops them while the queue of a listening socket is full (listen(2)), and nobody accepts what is in this one.
    """
    with ExitStack() as sockets:
        listening = sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        with suppress(TimeoutError):
            for _ in range(100):
                sockets.enter_context(socket.create_connection(address, timeout=0.5))
            raise AssertionError("every connection was accepted")
        yield f"http://{address[0]}:{address[1]}/hook"
