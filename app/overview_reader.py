"""The overview of the fleet, read once for all who look, and only while somebody does.

Figures that cost more are kept for longer. None is kept for less than twenty times what it took to read: whatever the
number of jobs and files, operators who look take a twentieth of one connection at most for each figure.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Generic, TypeVar

from app.dependency_health import timed_checks
from app.operator_schemas import (
    DependencyHealth,
    DependencyName,
    DurationView,
    MinuteView,
    Overview,
    ProcessCount,
    QueueView,
    RatesView,
    Spread,
    StatusCounts,
    StorageView,
    SuccessRate,
    ThrottledView,
)
from app.scanner_check import ScannerCheck
from jobs.access.refusals import Refusals, list_refusals
from jobs.engine.jobs import Status
from jobs.engine.sql.fleet import (
    Durations,
    Minute,
    Process,
    QueueCounts,
    count_ended,
    count_gateways,
    count_minutes,
    count_queues,
    list_workers,
    measure_durations,
)
from jobs.engine.sql.paused_queues import Pause
from jobs.files.catalogue import measure_files
from jobs.kinds import Kind
from jobs.services import Services

T = TypeVar("T")

FRESH, CHEAP, COSTLY = 1.5, 5.0, 60.0
"""Seconds for which figures are kept: of what waits and runs, of the last hour, of a day and the store."""
REST = 20.0
"""How many times as long as it took to read it a figure is kept at least."""
THROTTLED = 20
"""Owners that are listed."""


class Kept(Generic[T]):
    """A value that is read again once it is too old, by one reader for all that wait."""

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        max_age: float,
        clock: Callable[[], float] = monotonic,
        rest: float = REST,
    ) -> None:
        """`max_age` in seconds. `rest`: how many times as long as it took to read it the value is kept at least."""
        self._read = read
        self._max_age = max_age
        self._clock = clock
        self._rest = rest
        self._lock = asyncio.Lock()
        self._fresh_until = float("-inf")
        self._value: T | None = None

    async def get(self) -> T:
        """The value. Raises what its reader raises."""
        async with self._lock:
            if self._value is None or self._clock() >= self._fresh_until:
                began = self._clock()
                self._value = await self._read()
                taken = self._clock() - began
                self._fresh_until = began + taken + max(self._max_age, self._rest * taken)
            return self._value


class OverviewReader:
    """Reads the overview for all requests and followers of this gateway. Its calls raise `DatabaseUnavailable`."""

    def __init__(self, services: Services, scanner: ScannerCheck) -> None:
        self._services = services
        self._scanner = scanner
        database, within = services.database, services.settings.lease_ttl
        self.queues = Kept(lambda: count_queues(database), FRESH)
        self.workers = Kept(lambda: list_workers(database, within), FRESH)
        self._overview = Kept(self._read, FRESH, rest=0)  # its parts rest, each for itself
        self._gateways = Kept(lambda: count_gateways(database, within), FRESH)
        self.dependencies = Kept(self._dependencies, CHEAP)
        self._minutes = Kept(lambda: count_minutes(database), CHEAP)
        self._durations = Kept(lambda: measure_durations(database), CHEAP)
        self._throttled = Kept(lambda: list_refusals(database, THROTTLED), CHEAP)
        self._ended = Kept(lambda: count_ended(database), COSTLY)
        self._storage = Kept(self._measure_storage, COSTLY)

    async def read(self) -> Overview:
        """The overview, at most `FRESH` seconds old."""
        return await self._overview.get()

    async def _read(self) -> Overview:
        queues, workers = await self.queues.get(), await self.workers.get()
        paused = await self._services.fleet.paused()
        running, known = await self._gateways.get()
        ended, minutes = await self._ended.get(), await self._minutes.get()
        return Overview(
            at=datetime.now(UTC),
            dependencies=await self.dependencies.get(),
            gateways=ProcessCount(running=running, known=known),
            workers=ProcessCount(running=sum(one.running for one in workers), known=len(workers)),
            jobs=_totals(queues, ended),
            queues=[_queue_of(queue, workers, paused.get(queue.kind)) for queue in queues],
            rates=RatesView(
                minutes=[_minute_of(one) for one in minutes],
                success_rate=SuccessRate(
                    hour=_share(sum(one.completed for one in minutes), sum(one.failed for one in minutes)),
                    day=_share(
                        ended.get(Status.COMPLETED, 0) + ended.get(Status.EXPIRED, 0), ended.get(Status.FAILED, 0)
                    ),
                ),
            ),
            durations=[_duration_of(one) for one in await self._durations.get()],
            storage=await self._storage.get(),
            throttled=[_throttled_of(one) for one in await self._throttled.get()],
        )

    async def _dependencies(self) -> list[DependencyHealth]:
        circuits = self._services.circuits
        return [
            DependencyHealth(
                name=DependencyName(name),
                status="up" if reason is None else "down",
                circuit=circuits.get(name),
                latency_ms=round(taken, 1) if reason is None else None,
                detail=reason,
            )
            for name, (reason, taken) in (await timed_checks(self._services, self._scanner)).items()
        ]

    async def _measure_storage(self) -> StorageView:
        files, file_bytes = await measure_files(self._services.database)
        bundles, bundle_bytes = await self._services.downloads.measure_bundles()
        return StorageView(
            files=files, file_bytes=file_bytes, bundles=bundles, bundle_bytes=bundle_bytes, at=datetime.now(UTC)
        )


def slots_of(workers: Sequence[Process], kind: Kind) -> int:
    """Jobs of the kind that the running workers can run at once; 1 for each that does not say how many.

    Those that drain can run none.
    """
    slots = (one.slots.get(kind, 0) for one in workers if one.running and not one.draining)
    return sum(1 if number is None else number for number in slots)


def _totals(queues: Sequence[QueueCounts], ended: dict[Status, int]) -> StatusCounts:
    unended: Counter[Status] = Counter()
    for queue in queues:
        unended.update(queue.by_status)
    return StatusCounts.of(ended | unended)


def _queue_of(queue: QueueCounts, workers: Sequence[Process], pause: Pause | None) -> QueueView:
    return QueueView(
        kind=queue.kind,
        queued=queue.by_status[Status.QUEUED],
        retrying=queue.by_status[Status.RETRYING],
        oldest_seconds=None if queue.oldest is None else round(queue.oldest, 1),
        slots=slots_of(workers, queue.kind),
        busy=queue.by_status[Status.PROCESSING],
        paused=pause is not None,
        paused_at=pause and pause.paused_at,
        paused_by=pause and pause.paused_by,
    )


def _minute_of(one: Minute) -> MinuteView:
    return MinuteView(
        minute=one.at, created=one.created, completed=one.completed, failed=one.failed, uploads=one.uploads
    )


def _duration_of(one: Durations) -> DurationView:
    return DurationView(kind=one.kind, wait_seconds=_spread(one.waited), run_seconds=_spread(one.ran), jobs=one.jobs)


def _spread(values: tuple[float | None, ...]) -> Spread:
    average, p50, p95 = (None if value is None else round(value, 3) for value in values)
    return Spread(average=average, p50=p50, p95=p95)


def _throttled_of(one: Refusals) -> ThrottledView:
    return ThrottledView(owner=one.owner, limit=one.limit, count=one.count, last_at=one.last_at)


def _share(completed: int, failed: int) -> float | None:
    return round(completed / (completed + failed), 4) if completed + failed else None
