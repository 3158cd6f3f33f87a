"""What an attempt tells the world: at most ten live messages a second, and one durable batch a second.

A finished file is told at once and durable within a second. `seq` comes only from PostgreSQL; `tick` counts the live
messages since the last one (design of following: docs/architecture.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from jobs.bundles.format.checkpoints import DonePart
from jobs.engine.events import Event, EventType, FileView, ProgressView
from jobs.engine.jobs import Failure, FileRecord, FileState, Job, Phase, Progress, Status
from jobs.engine.lifecycle import Lifecycle
from jobs.engine.live.feed import Feed
from jobs.engine.rates import Speed
from jobs.errors import DatabaseUnavailable
from jobs.rate_limit import Pacer

RATE, BURST = 7.0, 3
"""Live messages of a job a second, and those that may follow at once: at most ten in any second."""
BYTES = 0.2
"""Seconds before a message that only tells of more bytes, so that one of a finished file need not wait for its turn."""
BATCH = 1.0
"""Seconds between two durable batches of a job."""


class Reporter:
    """Follows one attempt. The attempt calls the plain methods; `run` tells of it until it is cancelled."""

    def __init__(self, job: Job, records: Sequence[FileRecord], lifecycle: Lifecycle, feed: Feed) -> None:
        self._job = job
        self._records = {record.index: record for record in records}
        self._progress = job.progress
        self._lifecycle = lifecycle
        self._feed = feed
        self._seq = job.seq
        self._since = job.seq
        self._tick = 0
        self._fresh: set[int] = set()
        """Files that changed since the last durable batch."""
        self._batch: set[int] = set()
        """Files that changed in the last durable batch, until it has been told."""
        self._parts: dict[int, DonePart] = {}
        """Parts that were finished since the last durable batch, by number: one that was made again is the newer."""
        self._kept = 0
        """Bytes that earlier attempts have read: they say nothing about the speed."""
        self._speed = Speed()
        self._pacer = Pacer(RATE, BURST)
        self._changed = asyncio.Event()
        self._finished = asyncio.Event()
        """A file is done or failed: that is told at once."""
        self._dirty = False
        self.gained = False
        """The bundle has grown durably: the next attempt goes on from there."""

    # --- what the attempt says -----------------------------------------------------------------------------------------

    def resolved(self, records: Sequence[FileRecord]) -> None:
        """The files are known: so is the total."""
        self._records = {record.index: record for record in records}
        self._fresh.update(self._records)
        there = [record.size or 0 for record in records if record.state is FileState.PENDING]
        omitted = sum(record.state is FileState.OMITTED for record in records)
        self._note(replace(self._progress, bytes_total=sum(there), files_omitted=omitted))

    def read(self, index: int, amount: int) -> None:
        """So many more bytes of a file were read."""
        record = self._records[index]
        if record.state is FileState.PENDING:
            record = replace(record, state=FileState.ACTIVE)
        self._records[index] = replace(record, bytes_done=record.bytes_done + amount)
        self._fresh.add(index)
        self._note(replace(self._progress, bytes_done=self._progress.bytes_done + amount))

    def kept(self, index: int, amount: int) -> None:
        """So many bytes of a file are in the bundle since an earlier attempt."""
        self._kept += amount
        self.read(index, amount)

    def part(self, part: DonePart) -> None:
        """The store has another part of the bundle."""
        self._parts[part.number] = part
        self._note(self._progress)

    def done(self, index: int, crc32: int | None) -> None:
        """A file was read whole and is right."""
        record = self._records[index]
        self._records[index] = replace(
            record, state=FileState.DONE, bytes_done=record.size or 0, crc32=crc32, failure=None
        )
        self._fresh.add(index)
        self._finished.set()
        self._note(replace(self._progress, files_done=self._progress.files_done + 1))

    def failed(self, index: int, failure: Failure) -> None:
        """A file could not be had."""
        self._records[index] = replace(self._records[index], state=FileState.FAILED, failure=failure)
        self._fresh.add(index)
        self._finished.set()
        self._note(self._progress)

    def _note(self, progress: Progress) -> None:
        self._progress = progress
        self._dirty = True
        self._changed.set()

    # --- what it makes of it -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Publishes and records while the attempt runs. Raises `StaleFence` when the job is no longer the worker's."""
        clock = asyncio.get_running_loop().time
        told = batched = clock()
        while True:
            # What came since the last batch becomes durable even when nothing more comes.
            await _either(self._changed, max(0.0, batched + BATCH - clock()) if self._dirty else None)
            if self._changed.is_set():
                await _either(self._finished, max(0.0, told + BYTES - clock()))
            await asyncio.sleep(self._pacer.take(clock()))
            self._changed.clear()
            self._finished.clear()
            self._speed.feed(self._progress.bytes_done - self._kept, told := clock())
            if told - batched >= BATCH and await self.flush():
                batched = clock()
            else:
                self._tick += 1
            await self._tell()

    async def _tell(self) -> None:
        """A batch is told once: later messages would grow with it, and who missed it asks for a snapshot."""
        event = self.event()
        await self._feed.publish(event)
        if event.seq == self._seq:
            self._since, self._batch = self._seq, set()

    async def flush(self) -> bool:
        """Makes all that has changed durable, under a new `seq`; False when there was nothing, or no database.

        What could not be written, or may not have been, goes into the next batch. Raises `StaleFence`.
        """
        if not self._dirty:
            return False
        self._dirty = False
        batch, self._fresh = self._fresh, set()
        parts, self._parts = self._parts, {}
        changed = [self._records[index] for index in sorted(batch)]
        try:
            seq = await self._lifecycle.record(self._job, self._progress, changed, list(parts.values()))
        except BaseException as error:
            self._dirty = True
            self._fresh |= batch
            self._parts = parts | self._parts
            if isinstance(error, DatabaseUnavailable):
                return False
            raise
        self._since, self._seq, self._batch, self._tick = self._seq, seq, batch, 0
        self.gained |= bool(parts)
        return True

    def event(self) -> Event:
        """The message that tells of the attempt as it is now."""
        progress = self._progress
        phase = Phase.RESOLVING if progress.bytes_total is None else Phase.PACKING
        rate = self._speed.per_second
        remaining = None if progress.bytes_total is None else progress.bytes_total - progress.bytes_done
        view = ProgressView.at(phase, progress).model_copy(
            update={
                "bytes_per_second": None if rate is None else round(rate),
                "eta_seconds": None if remaining is None else _rounded(self._speed.eta(remaining)),
            }
        )
        return Event(
            type=EventType.PROGRESS,
            job_id=self._job.id,
            since=self._since,
            seq=self._seq,
            tick=self._tick,
            ts=datetime.now(UTC),
            status=Status.PROCESSING,
            attempt=self._job.attempt,
            progress=view,
            files=[FileView.of(self._records[index]) for index in sorted(self._batch | self._fresh)],
        )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


async def _either(event: asyncio.Event, seconds: float | None) -> None:
    """Returns when the event is set or the time is over."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
