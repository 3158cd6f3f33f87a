"""A server that nobody should connect to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Trap:
    """Counts the connections that are opened to it, and closes them."""

    def __init__(self) -> None:
        self.address = ""
        self.opened = 0

    def caught(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        self.opened += 1
        writer.close()


@asynccontextmanager
async def trapped() -> AsyncIterator[Trap]:
    """A trap at `address`, host and port."""
    trap = Trap()
    server = await asyncio.start_server(trap.caught, "127.0.0.1", 0)
    trap.address = "{}:{}".format(*server.sockets[0].getsockname())
    async with server:
        yield trap
