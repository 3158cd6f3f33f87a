"""A server that breaks connections, for tests of what stands in front of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class BreakingServer:
    """Closes the connections of its first `failures` requests, and responds to later ones with 200, as to health checks.

    It keeps no connection: the runtime itself repeats what failed on one that was used before. `patience`: seconds after
    which it closes one.
    """

    failures: int = 0
    patience: float = 0
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if "\r\ncontent-length: 4\r\n" in head:
                await reader.readexactly(4)
            is_check = head.startswith("get /health/live ")
            if not is_check:
                self.heads.append(head)
            if self.failures and not is_check:
                self.failures -= 1
                await asyncio.sleep(self.patience)
                return
            status = "303 See Other\r\nLocation: /elsewhere" if head.startswith("get /moved") else "200 OK"
            writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()

    def header(self, name: str) -> str | None:
        """The value of a header of the last request, None without it."""
        lines = [line.split(": ", 1) for line in self.heads[-1].strip().split("\r\n")[1:]]
        return dict(lines).get(name)
