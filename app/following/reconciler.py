"""The comparison with PostgreSQL: it makes a lost message a delay and nothing more, and is the truth when it says less."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from app.following.topics import Lacking, Topic
from jobs.engine.jobs import Job
from jobs.engine.sql.snapshots import Snapshots
from jobs.errors import DatabaseUnavailable

log = structlog.get_logger()

COMPARED = 500
"""Jobs that are compared at once: more would keep everybody else waiting for too long."""


class Comparing:
    """Compares the topics with PostgreSQL; `settle` makes up for what one of them lacks."""

    def __init__(self, snapshots: Snapshots[Job], settle: Callable[[Topic, Lacking], None]) -> None:
        self._snapshots = snapshots
        self._settle = settle
        self._now = asyncio.Event()

    def hurry(self) -> None:
        """Compares at once."""
        self._now.set()

    async def run(self, topics: Callable[[], Sequence[Topic]], pause: Callable[[], float]) -> None:
        """Compares until it is cancelled, `pause` seconds apart."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause()):
                    await self._now.wait()
            self._now.clear()
            try:
                await self.compare(topics())
            except DatabaseUnavailable as error:
                log.warning("comparison_failed", reason=error.message)
            except Exception:
                log.exception("comparison_broke")

    async def compare(self, topics: Sequence[Topic]) -> None:
        """Compares these. Raises `DatabaseUnavailable`."""
        for start in range(0, len(topics), COMPARED):
            batch = topics[start : start + COMPARED]
            marks = await self._snapshots.marks([topic.job_id for topic in batch])
            for topic in batch:
                self._settle(topic, topic.compare(marks.get(topic.job_id)))
