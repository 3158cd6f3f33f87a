"""Following a job: its state now, and the wait until that changes.

One Redis subscription serves all followers of this process; it only wakes them, and what they see is read afterwards. A
comparison with PostgreSQL every two seconds makes a lost message a delay and nothing more.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import structlog
from redis.asyncio.client import PubSub

from app.schemas import JobStatus
from app.statuses import Statuses
from jobs.concurrency import end
from jobs.domain.errors import DatabaseUnavailable
from jobs.domain.jobs import Status
from jobs.feed import UNAVAILABLE, Feed, channel
from jobs.services import Services

log = structlog.get_logger()

COMPARE = 2.0
"""Seconds between two comparisons of the followed jobs with PostgreSQL."""
_KEEPALIVE = "haulage:following"
"""A channel that is always subscribed to: a connection without any can't listen."""


class Following:
    """Reads jobs for all requests of this process, and wakes those that wait."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._statuses = Statuses(services)
        self._waiters: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._seen: dict[UUID, tuple[int, Status]] = {}
        self._pubsub: PubSub | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens and compares while the block runs."""
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._compare())]
        try:
            yield
        finally:
            await end(*tasks)

    async def read(self, job_id: UUID, since: int | None = None) -> JobStatus:
        """The job now, with its files that changed after `since`. Raises `JobNotFound`, `DatabaseUnavailable`."""
        return await self._statuses.read(job_id, since)

    async def wait(
        self, job_id: UUID, patience: float, enough: Callable[[JobStatus], bool], since: int | None = None
    ) -> JobStatus:
        """The job as soon as it is `enough`, or as it is after `patience` seconds. Raises as `read`."""
        deadline = asyncio.get_running_loop().time() + patience
        async with self._woken(job_id) as changed:
            while True:
                changed.clear()
                status = await self.read(job_id, since)
                remaining = deadline - asyncio.get_running_loop().time()
                if remaining <= 0 or enough(status):
                    return status
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), remaining)

    @asynccontextmanager
    async def _woken(self, job_id: UUID) -> AsyncIterator[asyncio.Event]:
        changed = asyncio.Event()
        first = job_id not in self._waiters
        self._waiters[job_id].add(changed)
        try:
            if first:
                await self._subscribe(job_id)
            yield changed
        finally:
            self._waiters[job_id].discard(changed)
            if not self._waiters[job_id]:
                del self._waiters[job_id]
                self._seen.pop(job_id, None)
                await self._unsubscribe(job_id)

    def _wake(self, job_id: UUID) -> None:
        for changed in self._waiters.get(job_id, ()):
            changed.set()

    async def _subscribe(self, job_id: UUID) -> None:
        if self._pubsub is not None:
            with suppress(*UNAVAILABLE):  # `_listen` subscribes anew when it is back
                await self._pubsub.subscribe(channel(job_id))

    async def _unsubscribe(self, job_id: UUID) -> None:
        if self._pubsub is not None:
            with suppress(*UNAVAILABLE):
                await self._pubsub.unsubscribe(channel(job_id))

    async def _listen(self) -> None:
        """Wakes followers when a message about their job comes in; for ever, through every restart of Redis."""
        feed: Feed = self._services.feed
        while True:
            try:
                async with feed.listening() as pubsub:
                    await pubsub.subscribe(_KEEPALIVE, *(channel(job_id) for job_id in self._waiters))
                    self._pubsub = pubsub
                    while True:
                        message = await pubsub.get_message(timeout=60)
                        if message is not None:
                            self._wake(UUID(message["channel"].decode().removeprefix("job:")))
            except UNAVAILABLE as error:
                log.warning("following_degraded", reason=type(error).__name__)
            except Exception:
                log.exception("following_broke")
            finally:
                self._pubsub = None
            await asyncio.sleep(1)

    async def _compare(self) -> None:
        """Wakes followers whose job has moved on in PostgreSQL, whether or not a message said so."""
        while True:
            await asyncio.sleep(COMPARE)
            followed = list(self._waiters)
            if not followed:
                continue
            try:
                found = await self._services.snapshots.read_many(followed)
            except DatabaseUnavailable as error:
                log.warning("comparison_failed", reason=error.message)
                continue
            for job_id in followed:
                snapshot = found.get(job_id)
                state = (snapshot.job.seq, snapshot.job.status) if snapshot else (-1, Status.EXPIRED)
                if self._seen.get(job_id) != state:
                    self._seen[job_id] = state
                    self._wake(job_id)
