"""Closing connections: each gets its reason, is aborted only if its client stops reading, and all close on a shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import shuffle

from app.close_codes import CloseCode
from app.following.background import BackgroundTasks
from app.following.connections import FLUSH_CHECK_INTERVAL, Connection
from jobs.concurrency import cancel_and_wait

CLOSE_TIMEOUT = 5.0
"""Seconds within which a client has to read some more of what is buffered for it while its connection is closed."""
DRAIN_BATCH = 16
"""Connections that are closed at once on a shutdown."""


class Disconnects:
    """Closes connections in the background."""

    def __init__(self) -> None:
        self._tasks = BackgroundTasks()

    def close(self, connection: Connection, code: CloseCode) -> None:
        """Closes the connection, unless it is being closed already."""
        if connection.close_code is None:
            connection.close_code = code
            self._tasks.spawn(_close(connection, code))

    async def drain(self, connections: Iterable[Connection], seconds: float) -> None:
        """Closes all connections for a restart, spread over `seconds`, and aborts those that do not end soon after."""
        shuffled = list(connections)
        shuffle(shuffled)
        for number, connection in enumerate(shuffled, 1):
            self.close(connection, CloseCode.RESTART)
            if number % DRAIN_BATCH == 0 or number == len(shuffled):
                await asyncio.sleep(DRAIN_BATCH * seconds / max(len(shuffled), DRAIN_BATCH))
        await self._tasks.wait(2 * CLOSE_TIMEOUT)
        await self.abort()

    async def abort(self) -> None:
        """Aborts the connections that are still being closed."""
        await self._tasks.cancel()


async def _close(connection: Connection, code: CloseCode) -> None:
    """Ends the connection, and aborts it if the client reads nothing for `CLOSE_TIMEOUT` seconds or this is cancelled."""
    loop = asyncio.get_running_loop()
    finishing = asyncio.create_task(connection.finish(code))
    buffered, progress_at = connection.buffered(), loop.time()
    try:
        await asyncio.wait([finishing], timeout=FLUSH_CHECK_INTERVAL)
        while not (finishing.done() and connection.is_flushed()):
            if connection.buffered() != buffered:
                buffered, progress_at = connection.buffered(), loop.time()
            elif loop.time() - progress_at > CLOSE_TIMEOUT:
                connection.abort()
                break
            await asyncio.sleep(FLUSH_CHECK_INTERVAL)
    except asyncio.CancelledError:
        connection.abort()
        raise
    finally:
        await cancel_and_wait(finishing)  # whatever it raises: the client is gone already
