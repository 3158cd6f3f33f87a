"""TCP servers for tests, each on a free loopback port for the duration of a `with` block."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress

from jobs.concurrency import cancel_and_wait

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler, limit: int = 64 * 1024, receive_buffer: int | None = None) -> AsyncIterator[str]:
    """Run a server and return its address. A connection is closed after its handler, or when the block ends.

    `limit` is the size of a reader's buffer in bytes, `receive_buffer` that of the kernel's.
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
