"""Requests at a steady pace, whether those before them were answered or not, from a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter

import uvloop


@dataclass(frozen=True, slots=True)
class Response:
    """`seconds` from the time at which the request was due, not from that at which it was sent."""

    status: int
    seconds: float


def run(port: int, requests: Sequence[bytes], seconds: float) -> list[Response]:
    """Sends the requests to 127.0.0.1:`port`, evenly spread over `seconds`. Returns the responses, in their order."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(port, requests, seconds))


def answer(pipe: Connection) -> None:
    """Runs what is asked for, again and again, as an `arena.partner`: a question has the arguments of `run`."""
    while True:
        pipe.send(run(*pipe.recv()))


async def _run(port: int, requests: Sequence[bytes], seconds: float) -> list[Response]:
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    began = perf_counter()

    async def send(at: int, request: bytes) -> Response:
        due = began + at * seconds / len(requests)
        await asyncio.sleep(max(0.0, due - perf_counter()))
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length or 0))
        idle.append((reader, writer))
        return Response(int(head.split(b" ", 2)[1]), perf_counter() - due)

    responses = await asyncio.gather(*(send(at, request) for at, request in enumerate(requests)))
    for _, writer in idle:
        writer.close()
    return responses
