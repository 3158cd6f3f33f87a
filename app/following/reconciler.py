"""The comparison with PostgreSQL: a lost message becomes a delay, and a restored backup resets its followers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from app.following.topic_registry import TopicRegistry
from app.following.topics import Difference, Topic
from jobs.engine.jobs import Job
from jobs.engine.sql.snapshots import Snapshots
from jobs.engine.transport import Subscriptions
from jobs.errors import DatabaseUnavailable

log = structlog.get_logger()

RECONCILE_INTERVAL = 1.5
"""Seconds between two comparisons of the followed jobs with PostgreSQL."""
DEGRADED_RECONCILE_INTERVAL = 0.8
"""The same while no messages arrive. Workers write once a second: a longer interval would make news 2 s old."""
SETTLED = 3.0
"""Seconds after Redis is available again during which this process compares as often as without it: workers may find Redis
later, above all after a failover."""
BATCH_SIZE = 500
"""Jobs that are compared at once: the event loop does nothing else while a batch is compared."""


class Reconciler:
    """Compares all topics with PostgreSQL; `repair` sends the followers of each what they lack."""

    def __init__(
        self,
        snapshots: Snapshots[Job],
        topics: TopicRegistry,
        subscriptions: Subscriptions,
        repair: Callable[[Topic, Difference], None],
        refresh_access: Callable[[], Awaitable[None]],
    ) -> None:
        """`refresh_access` reads what was revoked, before each comparison. Raises `DatabaseUnavailable`."""
        self._snapshots = snapshots
        self._topics = topics
        self._subscriptions = subscriptions
        self._repair = repair
        self._refresh_access = refresh_access
        self._hurry = asyncio.Event()
        self._was_connected = False
        self._degraded_until = 0.0
        """On the clock of the event loop."""

    def hurry(self) -> None:
        """Makes the next comparison start at once."""
        self._hurry.set()

    async def run(self) -> None:
        """Compares again and again, until it is cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval(asyncio.get_running_loop().time())):
                    await self._hurry.wait()
            self._hurry.clear()
            try:
                await self._refresh_access()
                await self.reconcile()
            except DatabaseUnavailable as error:
                log.warning("reconciliation_failed", reason=error.message)
            except Exception:
                log.exception("reconciliation_failed")

    def _interval(self, now: float) -> float:
        if self._subscriptions.connected:
            self._was_connected = True
            return DEGRADED_RECONCILE_INTERVAL if now < self._degraded_until else RECONCILE_INTERVAL
        if self._was_connected:
            self._degraded_until = now + SETTLED
        return DEGRADED_RECONCILE_INTERVAL

    async def reconcile(self) -> None:
        """Compares all topics once. Raises `DatabaseUnavailable`."""
        topics = list(self._topics)
        for start in range(0, len(topics), BATCH_SIZE):
            batch = topics[start : start + BATCH_SIZE]
            marks = await self._snapshots.marks([topic.job_id for topic in batch])
            for topic in batch:
                self._repair(topic, topic.compare(marks.get(topic.job_id)))
