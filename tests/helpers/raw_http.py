"""A client that sends any bytes, also such as no HTTP library would send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """A response: its status, its headers with names in lower case, its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self) -> str:
        """The code of a whole problem (RFC 9457)."""
        body = self.json
        assert self.headers["content-type"] == "application/problem+json"
        assert (body["status"], body["requestId"]) == (self.status, self.headers["x-request-id"])
        assert body["type"] == f"urn:haulage:problem:{body['error']}"
        assert body["title"]
        assert body["message"]
        return str(body["error"])


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *parts: bytes) -> bool:
        """Sends the bytes; returns whether the connection was still open."""
        try:
            for part in parts:
                self._writer.write(part)
                await self._writer.drain()
        except ConnectionError:
            return False
        return True

    async def answer(self) -> Answer:
        """The next response. Raises `IncompleteReadError` or `ConnectionError` if the connection is closed instead."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.removesuffix("\r\n\r\n").split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(line.split(" ")[1]), headers, body)

    async def closed(self) -> bytes:
        """Waits until the server closes the connection; returns what it sends before."""
        received = b""
        with suppress(ConnectionError):
            while data := await self._reader.read(65536):
                received += data
        return received

    async def drip(self, data: bytes, pause: float) -> None:
        """Sends a byte every `pause` seconds, the last ones over and over, until the server closes the connection."""
        with suppress(ConnectionError):
            while not self._reader.at_eof() and not self._writer.is_closing():
                self._writer.write(data[:1])
                await self._writer.drain()
                data = data[1:] or data
                await asyncio.sleep(pause)


@asynccontextmanager
async def raw_client(url: str, *, source: str | None = None) -> AsyncIterator[RawClient]:
    """A connection to the server at this URL, from the address `source`."""
    address = urlsplit(url)
    local = None if source is None else (source, 0)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, local_addr=local, limit=1 << 20)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.close()
