"""A TCP proxy before an HTTP server, which counts requests."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.helpers.listening import listening

_REQUEST_LINE = re.compile(rb"\b(GET|HEAD|PUT|POST|DELETE) /\S* HTTP/1\.1\r\n")
_LONGEST = 4096
"""Bytes of a request line at most, which may arrive in two pieces."""


class RequestCounter:
    """`counts` has the requests so far by their method, `url` is where to send them."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self.url = ""
        self.counts: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes on one connection."""
        upstream, requests = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_requests(reader, requests))
                group.create_task(_pass(upstream, writer))
        finally:
            requests.close()

    async def _pass_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rest = b""
        while data := await reader.read(65536):
            rest += data
            end = 0
            for found in _REQUEST_LINE.finditer(rest):
                self.counts[found[1].decode()] += 1
                end = found.end()
            rest = rest[end:][-_LONGEST:]
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def counting_requests(target: str) -> AsyncIterator[RequestCounter]:
    """Runs a counter in front of the server at this URL."""
    counter = RequestCounter(target)
    async with listening(counter.serve) as url:
        counter.url = url
        yield counter
