"""Listens to notifications of PostgreSQL on a connection of its own, through every restart of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from jobs.database import Database
from jobs.errors import DatabaseUnavailable

log = structlog.get_logger()

PING = 5.0
"""Seconds between two queries that show whether the connection still works, and that the response may take."""
PAUSE = 0.5
"""Seconds before a lost connection is opened again."""


class Listener:
    """What is notified while `is_listening` is False is lost."""

    def __init__(
        self, database: Database, receivers: Mapping[str, Callable[[str], None]], changed: Callable[[], None]
    ) -> None:
        """`receivers`: by channel, what is called with each payload. `changed`: called when `is_listening` has changed."""
        self._database = database
        self._receivers = receivers
        self._changed = changed
        self.is_listening = False

    async def run(self) -> None:
        """Listens until it is cancelled. Through a pooler, which keeps no session, it only says so in the log."""
        while True:
            try:
                async with self._database.session() as connection:
                    if connection is None:
                        log.warning(
                            "listening_unsupported", reason="DATABASE_URL leads to a pooler, which keeps no session."
                        )
                        await asyncio.Event().wait()
                    await self._listen(connection)
            except DatabaseUnavailable as error:
                log.warning("listening_lost", reason=error.reason)
            except Exception:
                log.exception("listening_failed")
            self._set(is_listening=False)
            await asyncio.sleep(PAUSE)

    async def _listen(self, connection: Any) -> None:
        """Listens until the connection is lost, which raises."""
        closed = asyncio.Event()
        connection.add_termination_listener(lambda _: closed.set())
        for channel, receive in self._receivers.items():
            await connection.add_listener(channel, partial(_pass_on, receive))
        self._set(is_listening=True)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PING):
                    await closed.wait()
            await connection.execute("SELECT 1", timeout=PING)  # raises at once if it is closed

    def _set(self, *, is_listening: bool) -> None:
        if self.is_listening is not is_listening:
            self.is_listening = is_listening
            self._changed()


def _pass_on(receive: Callable[[str], None], connection: Any, process_id: int, channel: str, payload: str) -> None:
    """The form in which asyncpg calls what receives a payload."""
    del connection, process_id, channel
    receive(payload)
