"""A link to a store far away: `link/main.go`, a process of its own between a packer and the store."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import urlsplit

import obstore

from app.stack.ports import free_ports
from jobs.concurrency import map_limited
from jobs.settings import Settings
from jobs.storage.clients import obstore_client
from tests.bench import programs
from tests.bench.arena import listening
from tests.bench.effort import MIB

SOURCE = Path(__file__).parent / "link"
ROUND_TRIP = 20
"""Milliseconds."""
RATE = 125_000_000
"""Bytes a second each way, over all connections: 1 Gbit/s."""
RANGE = 8 * MIB


@dataclass(frozen=True, slots=True)
class Link:
    """The store's address by way of the link, and the link's process id."""

    url: str
    pid: int


@asynccontextmanager
async def link_to(url: str) -> AsyncIterator[Link]:
    """A link to the server at `url`. Raises `NotHere` without Go."""
    program = await asyncio.to_thread(programs.go, SOURCE, "link")
    [port] = free_ports([0])
    process = await asyncio.create_subprocess_exec(
        program, f"{port}", urlsplit(url).netloc, f"{ROUND_TRIP}ms", f"{RATE}"
    )
    try:
        await listening(port)
        yield Link(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        await process.wait()


def round_trip(url: str) -> float:
    """Milliseconds that the smallest request takes on an open connection; the median of ten."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    times = []
    for _ in range(11):
        began = perf_counter()
        connection.request("GET", "/")
        connection.getresponse().read()
        times.append(1000 * (perf_counter() - began))
    connection.close()
    return median(times[1:])


def read_rate(settings: Settings, key: str, size: int) -> float:
    """Bytes a second of one object of `size` bytes, read in ranges of 8 MiB, eight at once, and thrown away."""
    return asyncio.run(_read_rate(settings, key, size))


async def _read_rate(settings: Settings, key: str, size: int) -> float:
    store = obstore_client(settings)

    async def read(start: int) -> None:
        await obstore.get_range_async(store, key, start=start, end=min(start + RANGE, size))

    began = perf_counter()
    await map_limited(read, range(0, size, RANGE), 8)
    return size / (perf_counter() - began)
