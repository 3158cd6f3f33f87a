"""A store that misbehaves: a proxy in front of the real one that does to each connection what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.helpers.listening import listening

REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Proxy:
    """Each connection takes the next of `plans`: cut after so many bytes of the answer, or answered by the proxy itself.

    When there is none left, connections are passed on. `requests` are the heads of all that came.
    """

    target: str
    plans: list[int | bytes] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        async with listening(self._serve) as self.url:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.decode())
            plan = self.plans.pop(0) if self.plans else -1
            if isinstance(plan, bytes):
                writer.write(plan)
            else:
                await self._pass_on(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), writer, plan)
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    async def _pass_on(self, head: bytes, writer: asyncio.StreamWriter, left: int) -> None:
        """One request without a body, and its answer as far as it is `left`; all of it when that is negative."""
        target = urlsplit(self.target)
        reader, upstream = await asyncio.open_connection(target.hostname, target.port)
        upstream.write(head)
        while left and (data := await reader.read(left if 0 < left < 65536 else 65536)):
            writer.write(data)
            await writer.drain()
            left = max(left - len(data), 0) if left > 0 else left
        upstream.close()
