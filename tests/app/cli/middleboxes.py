"""A proxy between a client and a gateway that interferes: with WebSocket upgrades, and with single bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jobs.concurrency import cancel_and_wait
from tests.helpers.listening import listening


@dataclass
class Middlebox:
    """Forwards connections to `target`, which may change. `paths` are those of all requests so far.

    `cuts_upgrades`: a WebSocket handshake closes its connection. `rewrites`: bytes to replace in responses, by bytes of the
    same length.
    """

    target: str
    cuts_upgrades: bool = False
    rewrites: Mapping[bytes, bytes] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def asked(self, part: str) -> int:
        """How many requests had this in their path."""
        return sum(part in path for path in self.paths)

    async def asked_for(self, part: str, times: int = 1) -> None:
        """Waits until `times` requests had this in their paths."""
        async with self._news:
            await self._news.wait_for(lambda: self.asked(part) >= times)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Middlebox]:
        async with listening(self._serve) as self.url:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = urlsplit(self.target)
        answers, requests = await asyncio.open_connection(target.hostname, target.port)
        down = asyncio.create_task(self._pass_answers(answers, writer))
        try:
            while data := await reader.read(65536):
                passes = self._look(data)
                async with self._news:
                    self._news.notify_all()
                if not passes:
                    return
                requests.write(data)
                await requests.drain()
        finally:
            requests.transport.abort()
            writer.transport.abort()
            await cancel_and_wait(down)

    def _look(self, data: bytes) -> bool:
        """Whether the request, if it is the start of one, may pass."""
        line, _, head = data.partition(b"\r\n")
        if line.endswith(b" HTTP/1.1"):
            self.paths.append(line.split()[1].decode())
        return not (self.cuts_upgrades and b"\r\nupgrade: websocket" in b"\r\n" + head.lower())

    async def _pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                for found, instead in self.rewrites.items():
                    assert len(found) == len(instead)
                    data = data.replace(found, instead)
                writer.write(data)
                await writer.drain()
        writer.close()  # also after a reset: the client would wait for its time-out
