"""An HTTP proxy before the store that answers some requests itself, as a store with a bad day would."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jobs.concurrency import cancel_and_wait
from tests.listening import listening

CHUNK = 256 * 1024
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Answer = bytes | None
"""A whole HTTP answer, or None: the store is to answer."""


@dataclass
class Storm:
    """`answer` is given the head of each request. `refused` counts, by kind of call, what the store never saw."""

    answer: Callable[[bytes], Answer] = lambda _: None
    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def every(self, number: int, answer: Callable[[bytes], bytes]) -> None:
        """Every so many-th request of each kind is answered so."""

        def choose(head: bytes) -> Answer:
            return answer(head) if not self.asked[kind_of(head)] % number else None

        self.answer = choose

    def never(self, of: Callable[[bytes], bool]) -> None:
        """Requests of this kind, as their heads tell, are not known (501)."""
        self.answer = lambda head: answer_of("501 Not Implemented", b"") if of(head) else None

    def once(self, kind: str, answer: bytes) -> None:
        """The next call of this kind is answered so."""
        left = [answer]
        self.answer = lambda head: left.pop() if left and kind_of(head) == kind else None

    async def serve(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(target)
        upstream, requests = await asyncio.open_connection(address.hostname, address.port, limit=CHUNK)
        back = asyncio.create_task(_pass(upstream, writer))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked[kind_of(head)] += 1
                answer = self.answer(head)
                if answer is None:
                    requests.write(head)
                await self._body(head, reader, requests if answer is None else None)
                if answer is not None:
                    self.refused[kind_of(head)] += 1
                    writer.write(answer)
                    await writer.drain()
        finally:
            requests.transport.abort()
            writer.transport.abort()
            await cancel_and_wait(back)

    @staticmethod
    async def _body(head: bytes, reader: asyncio.StreamReader, requests: asyncio.StreamWriter | None) -> None:
        found = LENGTH.search(head)
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
    """What S3 says to who asks too often (Amazon S3 API, "Error responses"); to HEAD without a body."""
    return answer_of("503 Slow Down", b"" if head.startswith(b"HEAD") else error_of("SlowDown"))


def answer_of(status: str, body: bytes) -> bytes:
    """An answer with an XML body."""
    fields = f"Content-Type: application/xml\r\nContent-Length: {len(body)}"
    return f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body


def error_of(code: str) -> bytes:
    """S3's document for an error."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>no</Message></Error>'.encode()


def kind_of(head: bytes) -> str:
    """Which call of S3 a request is."""
    line, _, rest = head.partition(b"\r\n")
    method = line.split(b" ")[0].decode()
    if method == "PUT" and b"x-amz-copy-source:" in rest.lower():
        return "copy"
    if method == "PUT":
        return "part" if b"partNumber=" in line else "put"
    if method == "POST":
        return "complete" if b"uploadId=" in line else "create" if b"uploads" in line else "post"
    return method.lower()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, RuntimeError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@asynccontextmanager
async def storm(target: str) -> AsyncIterator[Storm]:
    """Such a proxy before the store at `target`; it passes everything on until it is told otherwise."""
    it = Storm()
    async with listening(lambda reader, writer: it.serve(target, reader, writer), CHUNK) as it.url:
        yield it
