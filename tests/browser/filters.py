"""A proxy that knows HTTP: it refuses some requests, and holds back the answers to others, as proxies in the wild do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from jobs.concurrency import cancel_and_wait
from tests.helpers.listening import listening

_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Filter:
    """What it does with a request: `refused` and `held` are parts of the heads of such requests."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self.url = ""
        self.refused: tuple[bytes, ...] = ()
        self.held: tuple[bytes, ...] = ()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if any(part in head for part in self.refused):
            writer.write(_REFUSED)
            await writer.drain()
        else:
            await self._pass_on(head, reader, writer)

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on a connection, so that each is looked at."""
        answers, requests = await asyncio.open_connection(*self._target)
        requests.write(head.replace(b"Connection: keep-alive", b"Connection: close"))
        sink = None if any(part in head for part in self.held) else writer
        up, down = asyncio.create_task(_copy(reader, requests)), asyncio.create_task(_copy(answers, sink))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            requests.close()
            await cancel_and_wait(up, down)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            if writer is not None:
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def filtering(target: str) -> AsyncIterator[Filter]:
    """A running filter before `target`."""
    found = Filter(target)
    async with listening(found.serve) as found.url:
        yield found
