"""Servers of a test's own: what listens on a free loopback port for as long as a `with` block lasts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress

from jobs.concurrency import cancel_and_wait

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler, limit: int = 64 * 1024, receive_buffer: int | None = None) -> AsyncIterator[str]:
    """The server's address. Every connection is the handler's and closes after it; those that are open are cut at the end.

    `limit` is the bytes that a reader keeps, `receive_buffer` those that the kernel does.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        with suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError), closing(writer):
            await handler(reader, writer)

    listener = socket.create_server(("127.0.0.1", 0))
    if receive_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    server = await asyncio.start_server(connected, sock=listener, limit=limit)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.close()
        await cancel_and_wait(*tasks)
