"""Looking after connections: those that lag get the newest state when they can take it, silent ones a sign of life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from app.following.connections import LOOK, STUCK, Outlet

log = structlog.get_logger()

ROUND = 1.0
"""Seconds between two looks at all connections."""


class Lagging:
    """The connections that have not taken what they were sent.

    `caught_up` is called with one that has, `stuck` with one that took nothing for `STUCK` seconds.
    """

    def __init__(self, caught_up: Callable[[Outlet], None], stuck: Callable[[Outlet], None]) -> None:
        self._caught_up = caught_up
        self._stuck = stuck
        self._outlets: set[Outlet] = set()
        self._some = asyncio.Event()

    def __contains__(self, outlet: Outlet) -> bool:
        return outlet in self._outlets

    def __len__(self) -> int:
        return len(self._outlets)

    def add(self, outlet: Outlet) -> None:
        """It has not taken what it was sent: it gets the newest state when it has."""
        if outlet not in self._outlets:
            self._outlets.add(outlet)
            outlet.left, outlet.left_since = outlet.waiting(), asyncio.get_running_loop().time()
            self._some.set()

    def discard(self, outlet: Outlet) -> None:
        """It is gone."""
        self._outlets.discard(outlet)

    async def run(self, look_at_all: Callable[[float], None]) -> None:
        """Looks often while there are some, and calls `look_at_all` once a `ROUND`; until it is cancelled."""
        loop = asyncio.get_running_loop()
        next_round = loop.time()
        while True:
            if not self._outlets:
                self._some.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, next_round - loop.time())):
                    await self._some.wait()
            await asyncio.sleep(LOOK if self._outlets else 0)
            now = loop.time()
            try:
                self.look(now)
                if now >= next_round:
                    next_round = now + ROUND
                    look_at_all(now)
            except Exception:
                log.exception("looking_broke")

    def look(self, now: float) -> None:
        """Sees which have taken something since the last look."""
        for outlet in list(self._outlets):
            waiting = outlet.waiting()
            if not waiting:
                self._outlets.discard(outlet)
                self._caught_up(outlet)
            elif waiting < outlet.left:
                outlet.left, outlet.left_since = waiting, now
            elif now - outlet.left_since > STUCK:
                self._outlets.discard(outlet)
                self._stuck(outlet)
