"""How connections end: told why, and cut only when they take nothing more; before a shutdown all of them, spread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import shuffle

from app.close_codes import Closing
from app.following.background import Background
from app.following.connections import LOOK, Outlet
from jobs.concurrency import cancel_and_wait

FAREWELL = 5.0
"""Seconds in which a client that is told the end has to take something of what still waits for it."""


class Farewells:
    """Ends connections."""

    def __init__(self) -> None:
        self._background = Background()

    def close(self, outlet: Outlet, closing: Closing) -> None:
        """Ends the connection, the first time that it is said; cuts it when the client does not take that either."""
        if outlet.closing is None:
            outlet.closing = closing
            self._background.spawn(_finish(outlet, closing))

    async def spread(self, outlets: Iterable[Outlet], seconds: float) -> None:
        """Ends them all for a restart, over so many seconds, and cuts those that have not taken it a while after."""
        shuffled = list(outlets)
        shuffle(shuffled)
        for number, outlet in enumerate(shuffled, 1):
            self.close(outlet, Closing.RESTART)
            if number % 16 == 0 or number == len(shuffled):
                await asyncio.sleep(16 * seconds / max(len(shuffled), 16))
        await self._background.settled(2 * FAREWELL)
        await self.end()

    async def end(self) -> None:
        """Cuts those that are still ending."""
        await self._background.end()


async def _finish(outlet: Outlet, closing: Closing) -> None:
    saying = asyncio.create_task(outlet.finish(closing))
    try:
        if not await _taken(outlet, saying):
            outlet.abort()
    except asyncio.CancelledError:
        outlet.abort()
        raise
    finally:
        await cancel_and_wait(saying)  # whatever it raises: the client is gone already


async def _taken(outlet: Outlet, saying: asyncio.Task[None]) -> bool:
    """Whether the client takes all that waits for it, however slowly; False when it stops for `FAREWELL` seconds."""
    loop = asyncio.get_running_loop()
    left, left_since = outlet.waiting(), loop.time()
    await asyncio.wait([saying], timeout=LOOK)
    while not (saying.done() and outlet.is_rid()):
        if (waiting := outlet.waiting()) != left:
            left, left_since = waiting, loop.time()
        elif loop.time() - left_since > FAREWELL:
            return False
        await asyncio.sleep(LOOK)
    return True
