"""An HTTP proxy in front of the store that responds to some requests itself, as an overloaded or limited store would."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jobs.concurrency import cancel_and_wait
from tests.helpers.listening import listening

CHUNK = 256 * 1024
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Response = bytes | None
"""A whole HTTP response, or None to pass the request on to the store."""


@dataclass
class InterceptingProxy:
    """`respond` is called with the head of each request. Both counters are by S3 operation (`operation_of`)."""

    respond: Callable[[bytes], Response] = lambda _: None
    url: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    intercepted: Counter[str] = field(default_factory=Counter)
    """Requests that the store never received."""

    def every(self, number: int, respond: Callable[[bytes], bytes]) -> None:
        """Respond to every `number`-th request of each operation."""

        def choose(head: bytes) -> Response:
            return respond(head) if not self.requests[operation_of(head)] % number else None

        self.respond = choose

    def reject(self, matching: Callable[[bytes], bool]) -> None:
        """Respond to requests with such a head that they are not implemented (501)."""
        self.respond = lambda head: http_response("501 Not Implemented", b"") if matching(head) else None

    def once(self, operation: str, response: bytes) -> None:
        """Respond to the next request of this operation."""
        left = [response]
        self.respond = lambda head: left.pop() if left and operation_of(head) == operation else None

    async def serve(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(target)
        upstream, requests = await asyncio.open_connection(address.hostname, address.port, limit=CHUNK)
        back = asyncio.create_task(_relay(upstream, writer))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests[operation_of(head)] += 1
                response = self.respond(head)
                if response is None:
                    requests.write(head)
                await self._body(head, reader, requests if response is None else None)
                if response is not None:
                    self.intercepted[operation_of(head)] += 1
                    writer.write(response)
                    await writer.drain()
        finally:
            requests.transport.abort()
            writer.transport.abort()
            await cancel_and_wait(back)

    @staticmethod
    async def _body(head: bytes, reader: asyncio.StreamReader, requests: asyncio.StreamWriter | None) -> None:
        found = CONTENT_LENGTH.search(head)
        left = int(found[1]) if found else 0
        while left:
            data = await reader.read(min(left, CHUNK))
            if not data:
                raise ConnectionError
            left -= len(data)
            if requests is not None:
                requests.write(data)
                await requests.drain()


def slow_down(head: bytes) -> bytes:
    """Return S3's response to too many requests (Amazon S3 API, "Error responses"), without a body for HEAD."""
    return http_response("503 Slow Down", b"" if head.startswith(b"HEAD") else s3_error("SlowDown"))


def http_response(status: str, body: bytes) -> bytes:
    """Return an HTTP response with an XML body."""
    fields = f"Content-Type: application/xml\r\nContent-Length: {len(body)}"
    return f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body


def s3_error(code: str) -> bytes:
    """Return S3's XML document for an error."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>no</Message></Error>'.encode()


def operation_of(head: bytes) -> str:
    """Return the S3 operation of a request."""
    line, _, rest = head.partition(b"\r\n")
    method = line.split(b" ")[0].decode()
    if method == "PUT" and b"x-amz-copy-source:" in rest.lower():
        return "copy"
    if method == "PUT":
        return "part" if b"partNumber=" in line else "put"
    if method == "POST":
        return "complete" if b"uploadId=" in line else "create" if b"uploads" in line else "post"
    return method.lower()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, RuntimeError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def intercepting(target: str) -> AsyncIterator[InterceptingProxy]:
    """Run such a proxy in front of the store at `target`. It passes everything on until told otherwise."""
    proxy = InterceptingProxy()
    async with listening(lambda reader, writer: proxy.serve(target, reader, writer), CHUNK) as proxy.url:
        yield proxy
