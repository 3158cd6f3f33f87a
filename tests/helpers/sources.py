"""A host of files for downloads that are URLs: an HTTP server of this machine that breaks, lies and changes as told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from jobs.bundles.downloads import NewDownload, OnMissing, SourceRequest
from jobs.engine.jobs import UNKNOWN_FILE, FileRequest, Job
from jobs.services import Services

CHUNK = 64 * 1024
MODIFIED = "Sat, 21 Nov 2026 11:14:55 GMT"
DATE = "Tue, 01 Dec 2026 08:00:00 GMT"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request. Names of headers are in lower case."""

    path: str
    headers: dict[str, str]

    @property
    def start(self) -> int:
        """The first byte that was requested."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))


Handler = Callable[["SourceHost", Seen, asyncio.StreamWriter], Awaitable[None]]


class SourceHost:
    """It delivers `data` with an ETag, and ranges of it. `script` has what it does first instead, a request each."""

    def __init__(self, data: bytes, etag: str | None = '"v1"') -> None:
        self.data = data
        self.etag = etag
        self.script: deque[Handler] = deque()
        self.otherwise: Handler = deliver
        """What it does after the script."""
        self.requests: list[Seen] = []
        self.sent = 0
        """Bytes of files in all responses."""
        self.most_at_once = 0
        self.url = ""
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = [line.partition(": ") for line in head[1:] if line]
            request = Seen(head[0].split()[1], {name.lower(): value for name, _, value in fields})
            self.requests.append(request)
            handler = self.script.popleft() if self.script else self.otherwise
            with suppress(ConnectionError):
                await handler(self, request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away
        finally:
            self._open -= 1
            writer.close()

    async def send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        """Sends bytes of a file."""
        writer.transport.set_write_buffer_limits(0)
        for at in range(0, len(data), CHUNK):
            writer.write(data[at : at + CHUNK])
            await writer.drain()
            self.sent += len(data[at : at + CHUNK])


def head(status: int, *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Date: {DATE}", "Connection: close", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def start_of(host: SourceHost, request: Seen) -> tuple[int, bytes]:
    """The first byte to send, and the head of the response: 206 if the range is of this very file, else 200."""
    etag = [] if host.etag is None else [f"ETag: {host.etag}"]
    size = len(host.data)
    if "range" not in request.headers or request.headers.get("if-range") != host.etag:
        return 0, head(200, *etag, f"Last-Modified: {MODIFIED}", f"Content-Length: {size}")
    start = request.start
    return start, head(206, *etag, f"Content-Range: bytes {start}-{size - 1}/{size}", f"Content-Length: {size - start}")


async def deliver(host: SourceHost, request: Seen, writer: asyncio.StreamWriter) -> None:
    """Delivers what was requested."""
    start, lines = start_of(host, request)
    writer.write(lines)
    await host.send(writer, host.data[start:])


def breaking_at(stop: int, then: asyncio.Event | None = None) -> Handler:
    """Sends the file up to this byte, and then ends, or waits until the event is set."""

    async def handle(host: SourceHost, request: Seen, writer: asyncio.StreamWriter) -> None:
        start, lines = start_of(host, request)
        writer.write(lines)
        await host.send(writer, host.data[start:stop])
        if then is not None:
            await then.wait()

    return handle


def responding(status: int, *fields: str, body: bytes = b"") -> Handler:
    """Responds with this, whatever was requested."""

    async def handle(host: SourceHost, _: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, *fields))
        await host.send(writer, body)

    return handle


def chunked(data: bytes, *fields: str, status: int = 200) -> Handler:
    """Sends data without saying how long it is."""

    async def handle(host: SourceHost, _: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, "Transfer-Encoding: chunked", *fields))
        for at in range(0, len(data), CHUNK):
            piece = data[at : at + CHUNK]
            writer.write(f"{len(piece):x}\r\n".encode())
            await host.send(writer, piece)
            writer.write(b"\r\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    return handle


async def endless(host: SourceHost, _: Seen, writer: asyncio.StreamWriter) -> None:
    """Sends chunks for as long as somebody reads them."""
    writer.write(head(200, "Transfer-Encoding: chunked"))
    while not writer.is_closing():
        writer.write(f"{CHUNK:x}\r\n".encode())
        await host.send(writer, bytes(CHUNK))
        writer.write(b"\r\n")


async def dripping(host: SourceHost, request: Seen, writer: asyncio.StreamWriter) -> None:
    """Sends a byte every 20 ms."""
    start, lines = start_of(host, request)
    writer.write(lines)
    while not writer.is_closing():
        await host.send(writer, host.data[start : start + 1])
        start += 1
        await asyncio.sleep(0.02)


@asynccontextmanager
async def hosting(data: bytes, etag: str | None = '"v1"', address: str = "127.0.0.1") -> AsyncIterator[SourceHost]:
    """A host that runs while the block does. Its URL ends in a name and a query."""
    host = SourceHost(data, etag)
    server = await asyncio.start_server(host.serve, address, 0)
    host.url = f"http://{address}:{server.sockets[0].getsockname()[1]}/file?token=hush"
    try:
        yield host
    finally:
        server.close()


async def create_with_urls(
    services: Services,
    urls: Sequence[tuple[str, str]],
    *file_ids: int,
    sha256: str | None = None,
    archive_name: str | None = "bundle.zip",
    on_missing: OnMissing = OnMissing.FAIL,
) -> Job:
    """A new job of these files of the catalogue, and then of URLs: pairs of a name and a URL, all with the same SHA-256."""
    files = [FileRequest(file_id=file_id) for file_id in file_ids]
    files += [FileRequest(file_id=UNKNOWN_FILE, name=name) for name, _ in urls]
    sources = {len(file_ids) + place: SourceRequest(url=url, sha256=sha256) for place, (_, url) in enumerate(urls)}
    return await services.downloads.create(
        NewDownload(files=files, sources=sources, archive_name=archive_name, on_missing=on_missing)
    )
