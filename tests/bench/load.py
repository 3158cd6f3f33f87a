"""The load generator: keep-alive connections in a closed loop, in a process of its own, as cheap as Python allows."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter, process_time
from typing import cast

import uvloop

from tests.bench.effort import percentile

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_ETAG = re.compile(rb"\r\netag: ([^\r]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send to 127.0.0.1:`port`: `requests` in turn, from so many connections, for `seconds`."""

    port: int
    requests: Sequence[bytes]
    connections: int
    seconds: float
    conditional: bool = False
    """Ask again with the ETag that the last answer to the same request had; a first round, uncounted, fetches them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What came of it. `times` are milliseconds from sending to the last byte, sorted; `cpu` is cores used."""

    rate: float
    statuses: dict[int, int]
    times: list[float] = field(repr=False)
    cpu: float

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        return percentile(self.times, share)


def run(load: Load) -> Answers:
    """Sends the load and returns what came of it. Raises `ConnectionError` when a connection was closed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(load))


async def _run(load: Load) -> Answers:
    shared = _Shared(load)
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(load.connections):
        _, connection = await loop.create_connection(lambda: _Connection(shared), "127.0.0.1", load.port)
        connections.append(connection)
    for connection in connections:
        connection.send()
    if load.conditional:
        await shared.one_round
    shared.start_counting()
    cpu, began = process_time(), perf_counter()
    await asyncio.wait([shared.broken], timeout=load.seconds)
    cpu, taken = process_time() - cpu, perf_counter() - began
    times, statuses = sorted(shared.times), dict(shared.statuses)
    shared.stopped = True
    await asyncio.gather(*(connection.idle for connection in connections), return_exceptions=True)
    if shared.broken.done():
        shared.broken.result()
    return Answers(rate=len(times) / taken, statuses=statuses, times=[1000 * time for time in times], cpu=cpu / taken)


class _Shared:
    """What the connections of one load have in common."""

    def __init__(self, load: Load) -> None:
        loop = asyncio.get_running_loop()
        self.requests = load.requests
        self.conditional = load.conditional
        self.turns: Iterator[int] = cycle(range(len(load.requests)))
        self.etags: dict[int, bytes] = {}
        self.one_round: asyncio.Future[None] = loop.create_future()
        self.broken: asyncio.Future[None] = loop.create_future()
        self.stopped = False
        self.start_counting()

    def start_counting(self) -> None:
        self.times: list[float] = []
        self.statuses: Counter[int] = Counter()


class _Connection(asyncio.Protocol):
    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._buffer = b""
        self.idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.idle.done():
            self.idle.set_result(None)
            if not self._shared.broken.done():
                self._shared.broken.set_exception(exc or ConnectionResetError("the server closed a connection"))

    def send(self) -> None:
        shared = self._shared
        if shared.stopped:
            self.idle.set_result(None)
            self._transport.close()
            return
        self._turn = next(shared.turns)
        request = shared.requests[self._turn]
        if shared.conditional:
            etag = shared.etags.get(self._turn)
            if etag is not None:
                request = request[:-2] + b"If-None-Match: " + etag + b"\r\n\r\n"
        self._sent = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head)
        if len(self._buffer) < head + 4 + (int(length[1]) if length else 0):
            return
        shared = self._shared
        shared.times.append(perf_counter() - self._sent)
        shared.statuses[int(self._buffer[9:12])] += 1
        self._note_etag(head)
        self._buffer = b""
        self.send()

    def _note_etag(self, head: int) -> None:
        shared = self._shared
        found = _ETAG.search(self._buffer, 0, head)
        if found:
            shared.etags[self._turn] = found[1]
        if len(shared.etags) == len(shared.requests) and not shared.one_round.done():
            shared.one_round.set_result(None)


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body
