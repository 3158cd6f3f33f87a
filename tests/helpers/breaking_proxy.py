"""An HTTP proxy that breaks one thing on purpose, as wrongly configured proxies do."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.helpers.listening import listening

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Corruption = Callable[[str, bytes], tuple[str, bytes]]
"""What becomes of the target (path and query) and the body of a request."""


@dataclass
class BreakingProxy:
    """Forwards requests to `target`, each on a connection of its own unless `pools`.

    `removes`: names of request headers, in lower case. `host`: the `Host` that it sends. `client`: the address that it
    appends to `X-Forwarded-For`. `max_body`, `max_head`: bytes; what is more is refused, or not passed on. `idle`: seconds
    without a byte after which a connection is cut. `rewrites`: bytes of responses to replace. `pools`: POSTs reuse
    connections without a check whether the server has closed them. `corrupts`: what happens to the next PUTs, one each;
    `corrupted` has the name of each and the status that the server responded with.
    """

    target: str
    buffers: bool = False
    compresses: bool = False
    removes: tuple[str, ...] = ()
    host: str | None = None
    client: str | None = None
    idle: float | None = None
    max_body: int | None = None
    max_head: int | None = None
    rewrites: Mapping[bytes, bytes] = field(default_factory=dict)
    pools: bool = False
    corrupts: list[Corruption] = field(default_factory=list)
    corrupted: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""
    _pool: list[Streams] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve on a free port; yield the URL."""
        async with listening(self._serve) as self.url:
            try:
                yield self.url
            finally:
                for _, writer in self._pool:
                    writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, after which the connection is closed."""
        head = await reader.readuntil(b"\r\n\r\n")
        line, *fields = head[:-4].split(b"\r\n")
        fields = [one for one in fields if _name(one) not in {*self.removes, "connection"}]
        length = _length(head)
        if self.max_body is not None and length > self.max_body:
            writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>")
            await writer.drain()
            while await reader.read(65536):
                pass
            return None
        if self.host is not None:
            fields = [b"Host: " + self.host.encode() if _name(one) == "host" else one for one in fields]
        if self.client is not None:
            before = [one.partition(b": ")[2] for one in fields if _name(one) == "x-forwarded-for"]
            fields = [one for one in fields if _name(one) != "x-forwarded-for"]
            fields.append(b"X-Forwarded-For: " + b", ".join([*before, self.client.encode()]))
        while self.max_head is not None and sum(len(one) + 2 for one in fields) > self.max_head:
            fields.pop()
        upgrade = any(_name(one) == "upgrade" for one in fields)
        pooled = self.pools and line.startswith(b"POST")
        connection = (
            b"Connection: Upgrade" if upgrade else b"Connection: keep-alive" if pooled else b"Connection: close"
        )
        body = await reader.readexactly(length)
        corruption = self.corrupts.pop(0) if self.corrupts and line.startswith(b"PUT") else None
        if corruption is not None:
            method, path, version = line.decode().split(" ")
            path, body = corruption(path, body)
            line = f"{method} {path} {version}".encode()
            fields = [one for one in fields if _name(one) != "content-length"] + [b"Content-Length: %d" % len(body)]
        request = b"\r\n".join([line, *fields, connection]) + b"\r\n\r\n" + body
        if pooled:
            return await self._forward_pooled(request, writer)
        target = urlsplit(self.target)
        responses, requests = await asyncio.open_connection(target.hostname, target.port)
        try:
            requests.write(request)
            if upgrade:
                up = asyncio.create_task(self._copy(reader, requests))
                await self._copy(responses, writer)
                up.cancel()
            else:
                head = await self._respond(responses, writer)
                if corruption is not None:
                    self.corrupted.append((corruption.__name__, int(head.split(b" ", 2)[1])))
        finally:
            requests.transport.abort()
        return None

    async def _forward_pooled(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        target = urlsplit(self.target)
        streams = self._pool.pop() if self._pool else await asyncio.open_connection(target.hostname, target.port)
        try:
            streams[1].write(request)
            head = await streams[0].readuntil(b"\r\n\r\n")
            body = await streams[0].readexactly(_length(head))
        except (OSError, asyncio.IncompleteReadError):
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            streams[1].transport.abort()
        else:
            writer.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
            self._pool.append(streams)
        await writer.drain()

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Pass on a response that ends with its connection. Return its head."""
        try:
            async with asyncio.timeout(self.idle):
                head = await reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            return b""
        if self.buffers:
            writer.write(head + await reader.read())
            await writer.drain()
            return head
        if self.compresses and b"text/event-stream" in head:
            writer.write(re.sub(rb"(?i)transfer-encoding: chunked", b"Content-Encoding: gzip", head))
            compressor = zlib.compressobj(wbits=31)
            while size := int(await reader.readline(), 16):
                chunk = await reader.readexactly(size + 2)
                writer.write(compressor.compress(chunk[:-2]) + compressor.flush(zlib.Z_SYNC_FLUSH))
                await writer.drain()
            writer.write(compressor.flush())
            return head
        writer.write(head)
        await self._copy(reader, writer)
        return head

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError):
            while True:
                async with asyncio.timeout(self.idle):
                    data = await reader.read(65536)
                if not data:
                    break
                for found, instead in self.rewrites.items():
                    data = data.replace(found, instead)
                writer.write(data)
                await writer.drain()
        writer.close()


def _name(field: bytes) -> str:
    return field.partition(b":")[0].decode().lower()


def _length(head: bytes) -> int:
    found = re.search(rb"(?im)^content-length: *([0-9]+)", head)
    return int(found[1]) if found else 0
