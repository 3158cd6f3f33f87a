"""The overview of the fleet, which operators follow as they follow jobs: over the same connections, by the same rules.

It is read every `INTERVAL` seconds while somebody follows it, once for all. Each message is the whole overview, so there is
no order to keep: who missed some gets the newest one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.following.connections import Connection
from app.following.frames import StateFrame
from app.operator_schemas import Overview, OverviewMessage
from jobs.concurrency import cancel_and_wait
from jobs.errors import DatabaseUnavailable

log = structlog.get_logger()

INTERVAL = 2.0
"""Seconds between two readings, and so at least between two messages."""


class OverviewTopic:
    """The connections that follow the overview, and the newest message for them."""

    def __init__(self, read: Callable[[], Awaitable[Overview]], interval: float = INTERVAL) -> None:
        self._read = read
        self._interval = interval
        self._followers: set[Connection] = set()
        self._latest: StateFrame | None = None
        self._shown: dict[str, object] = {}
        """What the newest message shows, without the times at which that was found."""
        self._reading: asyncio.Task[None] | None = None

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._followers

    @property
    def is_read(self) -> bool:
        """Whether it is read again and again, which it is while it has followers."""
        return self._reading is not None

    async def first(self) -> StateFrame:
        """The overview now, for a connection that is to follow it. Raises `DatabaseUnavailable`."""
        return self._frame_of(await self._read())

    def follow(self, connection: Connection, first: StateFrame) -> None:
        """Sends the connection the overview, and then each new one."""
        self._followers.add(connection)
        if self._reading is None:
            self._reading = asyncio.create_task(self._keep_reading())
        connection.write(first)

    def unfollow(self, connection: Connection) -> None:
        """Sends it no more. Without followers the overview is not read any more."""
        self._followers.discard(connection)
        if not self._followers and self._reading is not None:
            self._reading.cancel()
            self._reading, self._latest = None, None

    def send_newest(self, connection: Connection) -> None:
        """Sends the newest overview to a connection that was slow, if it follows it."""
        if connection in self._followers and self._latest is not None:
            connection.write(self._latest)

    async def close(self) -> None:
        """Ends the reading."""
        if self._reading is not None:
            await cancel_and_wait(self._reading)
            self._reading = None

    async def _keep_reading(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                before = self._latest
                frame = self._frame_of(await self._read())
            except DatabaseUnavailable as error:
                log.warning("overview_failed", reason=error.message)
                continue
            except Exception:
                log.exception("overview_failed")
                continue
            if frame is not before:
                for connection in list(self._followers):
                    connection.write(frame)

    def _frame_of(self, overview: Overview) -> StateFrame:
        """The message; the same as before if nothing has changed but the times at which it was found."""
        shown = overview.model_dump(
            exclude={"at": True, "dependencies": {"__all__": {"latency_ms"}}, "storage": {"at"}}
        )
        if self._latest is None or shown != self._shown:
            body = OverviewMessage(overview=overview).model_dump_json().encode()
            self._latest, self._shown = StateFrame("operator", body), shown
        return self._latest
