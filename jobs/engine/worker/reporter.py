"""Reports an attempt: at most ten live events a second, and one durable batch a second.

A finished file is published at once and recorded within a second; the last batch is recorded with the attempt's outcome.
`seq` comes only from PostgreSQL; `tick` counts the live events since the last one (docs/architecture.md).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from jobs.engine.events import Event, EventType, FileView, ProgressView
from jobs.engine.jobs import Batch, Failure, FileRecord, FileState, Job, Progress, Status, UploadPart
from jobs.engine.lifecycle import Lifecycle
from jobs.engine.rates import Rate
from jobs.engine.transport import Feed
from jobs.errors import DatabaseUnavailable
from jobs.kinds import Phase
from jobs.notices import Notice
from jobs.rate_limit import RateLimiter

RATE, BURST = 7.0, 3
"""Live events of a job a second, and how many may follow each other at once: at most ten in any second."""
BYTES = 0.2
"""Seconds before an event that only reports bytes, so that one about a finished file does not have to wait behind it."""
BATCH = 1.0
"""Seconds between two durable batches of a job."""
_EXPECTED = frozenset({FileState.PENDING, FileState.ACTIVE, FileState.DONE})
"""The states of files whose bytes count for the total."""


class Reporter:
    """Reports one attempt. The attempt calls the plain methods; `run` publishes and records until it is cancelled."""

    def __init__(self, job: Job, records: Sequence[FileRecord], lifecycle: Lifecycle, feed: Feed) -> None:
        self._job = job
        self._phase = job.phase
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
        """Files that changed in the last durable batch, until it has been published."""
        self._parts: dict[int, UploadPart] = {}
        """Parts that were finished since the last durable batch, by number. A repeated upload replaces the first one."""
        self._unsized: frozenset[int] = frozenset()
        """Files whose sizes the attempt has to find out: until it has, the total is unknown."""
        self._skipped = 0
        """Bytes that earlier attempts have read: they do not count for the speed."""
        self._speed = Rate()
        self._rate_limit = RateLimiter(RATE, BURST)
        self._changed = asyncio.Event()
        self._finished = asyncio.Event()
        """A file is done or failed: that is published at once."""
        self._dirty = False
        self._recorded_parts = False
        self.notices: list[Notice] = []
        """What operators should know if the attempt fails: raised in the transaction that records the failure."""
        self.on_read: Callable[[], None] = lambda: None
        """Called for all bytes that were read."""

    # --- called by the attempt -----------------------------------------------------------------------------------------

    def enter(self, phase: Phase) -> None:
        """The attempt enters its next phase."""
        self._phase = phase
        self._update(self._progress)

    def resolved(self, records: Sequence[FileRecord], unsized: Collection[int] = ()) -> None:
        """The files are known, and so is the total of bytes. An attempt that finds out more may call this again.

        `unsized`: the indexes of files whose sizes are not known yet. The total is unknown until they are (`sized`).
        Files with new indexes are added to the job, and stay for the next attempt. Files that the job has and `records`
        lacks are omitted: none is removed, since no event tells followers that a file does not exist any more.
        """
        omitted = {index: replace(record, state=FileState.OMITTED) for index, record in self._records.items()}
        self._records = omitted | {record.index: record for record in records}
        self._fresh.update(self._records)
        self._unsized = frozenset(unsized)
        self._count()

    def _count(self) -> None:
        """Counts files and bytes of all records again."""
        states = Counter(record.state for record in self._records.values())
        expected = [record for record in self._records.values() if record.state in _EXPECTED]
        known = all(record.size is not None for record in expected if record.index in self._unsized)
        self._update(
            replace(
                self._progress,
                files_total=len(self._records),
                files_done=states[FileState.DONE],
                files_omitted=states[FileState.OMITTED],
                bytes_total=sum(record.size or 0 for record in expected) if known else None,
            )
        )

    def refined(self, record: FileRecord) -> None:
        """More is known of a file: its size, its object, or that it is left out. What was read of it counts as before.

        Of a file that is left out, nothing counts.
        """
        if record.state not in _EXPECTED:
            self.restarted(record.index)
        before = self._records[record.index]
        state = before.state if record.state in _EXPECTED else record.state
        self._records[record.index] = replace(record, state=state, bytes_done=before.bytes_done)
        self._fresh.add(record.index)
        self._count()

    def sized(self, index: int, size: int | None) -> None:
        """The size of a file became known, or is unknown again."""
        record = self._records[index]
        if record.size != size:
            self._records[index] = replace(record, size=size)
            self._fresh.add(index)
            self._count()

    def restarted(self, index: int) -> None:
        """What was read of a file does not count any more: it is read again from its start, or left out."""
        amount = self._records[index].bytes_done
        if amount:
            self.skipped(index, -amount)

    def read(self, index: int, amount: int) -> None:
        """`amount` more bytes of a file were read."""
        record = self._records[index]
        if record.state is FileState.PENDING:
            record = replace(record, state=FileState.ACTIVE)
        self._records[index] = replace(record, bytes_done=record.bytes_done + amount)
        self._fresh.add(index)
        self._update(replace(self._progress, bytes_done=self._progress.bytes_done + amount))
        self.on_read()

    def skipped(self, index: int, amount: int) -> None:
        """An earlier attempt has read `amount` bytes of a file, which need not be read again."""
        self._skipped += amount
        self.read(index, amount)

    def part(self, part: UploadPart) -> None:
        """A part of the job's multipart upload is finished."""
        self._parts[part.number] = part
        self._update(self._progress)

    def recorded(self) -> None:
        """The attempt has recorded by itself something that the next attempt continues from."""
        self._recorded_parts = True

    def done(self, index: int, crc32: int | None, file_id: int | None = None, size: int | None = None) -> None:
        """A file was read to its end and verified, or made. `file_id`, `size`: if they were not known before."""
        record = self._records[index]
        size = record.size if size is None else size
        self._records[index] = replace(
            record,
            file_id=file_id or record.file_id,
            state=FileState.DONE,
            size=size,
            bytes_done=size or 0,
            crc32=crc32,
            failure=None,
        )
        self._fresh.add(index)
        self._finished.set()
        self._update(replace(self._progress, files_done=self._progress.files_done + 1))

    def omitted(self, index: int) -> None:
        """There is nothing to make of a file."""
        self._records[index] = replace(self._records[index], state=FileState.OMITTED, failure=None)
        self._fresh.add(index)
        self._finished.set()
        self._update(replace(self._progress, files_omitted=self._progress.files_omitted + 1))

    def failed(self, index: int, failure: Failure) -> None:
        """A file could not be read or verified."""
        self._records[index] = replace(self._records[index], state=FileState.FAILED, failure=failure)
        self._fresh.add(index)
        self._finished.set()
        self._update(self._progress)

    def _update(self, progress: Progress) -> None:
        self._progress = progress
        self._dirty = True
        self._changed.set()

    # --- publishing and recording --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Publishes and records until it is cancelled. Raises `StaleFence` if the job is no longer this worker's."""
        clock = asyncio.get_running_loop().time
        published = batched = clock()
        while True:
            # Changes since the last batch become durable even if no more follow.
            await _wait(self._changed, max(0.0, batched + BATCH - clock()) if self._dirty else None)
            if self._changed.is_set():
                await _wait(self._finished, max(0.0, published + BYTES - clock()))
            await asyncio.sleep(self._rate_limit.reserve(clock()))
            self._changed.clear()
            self._finished.clear()
            self._speed.feed(self._progress.bytes_done - self._skipped, published := clock())
            if published - batched >= BATCH and await self.flush():
                batched = clock()
            else:
                self._tick += 1
            await self._publish()

    async def _publish(self) -> None:
        """A batch is published once, or later events would grow with it. A follower that missed it requests a snapshot."""
        event = self.event()
        await self._feed.publish(event)
        if event.seq == self._seq:
            self._since, self._batch = self._seq, set()

    async def flush(self) -> bool:
        """Records all changes under a new `seq`. Returns False if there are none, or the database is unavailable.

        Changes that could not be recorded, or may not have been, go into the next batch. Raises `StaleFence`.
        """
        if not self._dirty:
            return False
        self._dirty = False
        batch, self._fresh = self._fresh, set()
        parts, self._parts = self._parts, {}
        changed = [self._records[index] for index in sorted(batch)]
        try:
            seq = await self._lifecycle.record(self._job, self._phase, self._progress, changed, list(parts.values()))
        except BaseException as error:
            self._dirty = True
            self._fresh |= batch
            self._parts = parts | self._parts
            if isinstance(error, DatabaseUnavailable):
                return False
            raise
        self._since, self._seq, self._batch, self._tick = self._seq, seq, batch, 0
        self._recorded_parts |= bool(parts)
        return True

    @property
    def progress(self) -> Progress:
        """How far the attempt is."""
        return self._progress

    @property
    def made_progress(self) -> bool:
        """True if something was recorded, or is in the last batch, from which the next attempt continues."""
        return self._recorded_parts or bool(self._parts)

    def last_batch(self) -> Batch | None:
        """What is to be recorded with the outcome of the attempt; None if everything is recorded. `run` has ended."""
        if not self._dirty:
            return None
        records = [self._records[index] for index in sorted(self._fresh)]
        return Batch(phase=self._phase, progress=self._progress, records=records, parts=list(self._parts.values()))

    def event(self) -> Event:
        """The event for the attempt as it is now."""
        progress = self._progress
        rate = self._speed.per_second
        remaining = None if progress.bytes_total is None else progress.bytes_total - progress.bytes_done
        view = ProgressView.at(self._phase, progress).model_copy(
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


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    """Returns once the event is set, or after the time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
