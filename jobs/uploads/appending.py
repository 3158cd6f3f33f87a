"""Bytes that a client sends to us: appended to an upload in bounded memory, whatever protocol brings them.

A protocol creates an upload (`Uploads.create`, `streamed`), reads how much has arrived (`received`), appends bytes
(`append`), and completes it (`Uploads.complete`), after which a worker checks it as any other.

Complete parts go to the multipart upload, each with its CRC-32. What follows them, less than a part, becomes an object
of its own when a request ends: a piece of the tail, which the part that it belongs to replaces. So what has arrived is
kept when a client breaks off, and clients that send small requests make progress. No byte is written to a disk here.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.concurrency import cancel_and_wait, map_limited
from jobs.database import Database
from jobs.engine.jobs import Job, Progress, Status
from jobs.engine.lifecycle import Lifecycle, Receive
from jobs.engine.sql.jobs import lock_job
from jobs.errors import (
    ChecksumMismatch,
    DatabaseUnavailable,
    HaulageError,
    IllegalTransition,
    InvalidRequest,
    UploadBusy,
    UploadQuotaExceeded,
    UploadTooLarge,
    WrongOffset,
)
from jobs.kinds import Phase
from jobs.memory_budget import MemoryBudget
from jobs.settings import UploadSettings
from jobs.storage import Storage, UploadGone
from jobs.storage.crc32 import combine, crc32_of, crc32_of_chunks
from jobs.storage.part_buffer import PartBuffer
from jobs.storage.retries import retried
from jobs.uploads.commands import Uploads, check_receiving, progress_of
from jobs.uploads.sql import appends as sql
from jobs.uploads.sql.uploads import load_upload, not_found, sum_bytes
from jobs.uploads.uploads import MAX_STREAMED_SIZE, OCTETS, Part, TailPiece, Upload, tail_key

log = structlog.get_logger()

WRITER_LEASE = 6.0
"""Seconds after which another request may append to an upload whose writer was killed, or receives no bytes any more."""
SMALL_CHUNK = 16 * 1024
"""Bytes of a chunk below which it is copied: many objects would take more memory than their bytes."""
KEEP_INTERVAL = 1.5
"""Seconds between two renewals of the lease, while bytes arrive."""
RECORD_INTERVAL = 0.25
"""Seconds between two transactions of a stream that record which parts were written. A killed process loses no more."""
PATIENCE = 4.0
"""Seconds after which a part that fills slowly leaves its memory to another stream that waits for some."""
MAX_PIECES = 16
"""Pieces of a tail. The next one replaces them."""
LOADED_AT_ONCE = 4
"""Pieces of a tail that are read at the same time."""
MAX_PARTS_IN_FLIGHT = 2
"""Parts of one stream that are sent while the next one arrives."""

T = TypeVar("T")


class BodyChecksum(Protocol):
    """The checksum that a request announces. None of its bytes count unless it matches."""

    def update(self, chunk: bytes) -> None: ...

    def verify(self) -> None:
        """Raises `WrongChecksum`."""


@dataclass(frozen=True, slots=True)
class Received:
    """An upload, and how many of its bytes have arrived for good, from the first on."""

    upload: Upload
    offset: int

    @property
    def is_whole(self) -> bool:
        return self.upload.size_known and self.offset == self.upload.size


class Appends:
    """Appends bytes to uploads of one process. Every method raises `DatabaseUnavailable`."""

    def __init__(
        self,
        database: Database,
        lifecycle: Lifecycle,
        uploads: Uploads,
        storage: Storage,
        settings: UploadSettings,
        random: Random | None = None,
    ) -> None:
        self.database = database
        self.lifecycle = lifecycle
        self.uploads = uploads
        self.storage = storage
        self.settings = settings
        self.random = random or Random()  # noqa: S311 - jitter, not a secret
        self.budget = MemoryBudget(settings.intake_memory_budget)
        """Of the parts of all streams."""

    @property
    def max_size(self) -> int:
        """Bytes of the largest file that can be streamed."""
        return min(self.settings.max_upload_size, MAX_STREAMED_SIZE)

    def check_size(self, size: int) -> None:
        """Raises `UploadTooLarge` for a file that is larger than any that can be streamed."""
        if size > self.max_size:
            raise UploadTooLarge(
                f"The file has {size:,} bytes, but at most {self.max_size:,} are accepted here. `haulage upload` sends"
                " larger files."
            )

    async def received(self, job_id: UUID) -> Received:
        """How much of a streamed upload has arrived.

        Raises `JobNotFound`, `InvalidRequest` unless it is streamed, and `IllegalTransition` if it was cancelled or has
        lapsed.
        """
        async with self.database.reading() as connection:
            upload = await load_upload(connection, job_id)
            if upload.deleted_at is not None:
                raise not_found(job_id)
            _check_streamed(upload)
            if upload.phase is not Phase.RECEIVING and upload.status is not Status.CANCELLED:
                return Received(upload, upload.size)
            check_receiving(upload)
            parts, tail = await _arrived(connection, upload)
        return Received(upload, _end_of(upload, parts, tail))

    async def append(
        self,
        job_id: UUID,
        offset: int,
        chunks: AsyncIterator[bytes],
        *,
        size: int | None = None,
        announced: int | None = None,
        ends_file: bool = False,
        checksum: BodyChecksum | None = None,
    ) -> Received:
        """Appends the bytes of one request at `offset`, and returns what has arrived by then.

        `size`: that of the whole file, if it was not known before. `announced`: bytes of this request, if they are known;
        too many are refused before one is read. `ends_file`: the file ends where `chunks` do, so an unknown size is known
        then. What `chunks` raises, as when the client breaks off, is raised once what had arrived is durable, unless there
        is a `checksum`.

        Raises `JobNotFound`, `IllegalTransition` unless the upload is receiving, `InvalidRequest` unless it is streamed,
        `UploadBusy` while another request appends to it, `WrongOffset`, `InvalidRequest` for another `size` than before,
        `UploadTooLarge` for more bytes than it has, `UploadQuotaExceeded` if that could not be known before,
        `WrongChecksum`, and the errors of the store.
        Whatever is raised, the upload can be continued from `received` on.
        """
        writer = uuid4()
        async with self.database.begin() as connection:
            job, _ = await lock_job(connection, job_id)
            upload = await load_upload(connection, job_id)
            _check_streamed(upload)
            check_receiving(job)
            if not await sql.claim_writer(connection, job_id, writer, WRITER_LEASE):
                raise UploadBusy(f"Another request sends bytes of upload {job_id}. Try again when it has ended.")
            parts, tail = await _arrived(connection, upload)
            end = _end_of(upload, parts, tail)
            check_offset(job_id, end, offset)
            if size is not None:
                upload = await self._sized(connection, upload, size, end)
            check_room(announced, (upload.size if upload.size_known else self.max_size) - end)
        stream = _Stream(self, upload, writer, parts, tail, checksum)
        try:
            return await stream.receive(chunks, ends_file=ends_file)
        finally:
            with suppress(HaulageError):
                await asyncio.shield(sql.release_writer(self.database, job_id, writer))

    async def _sized(self, connection: AsyncConnection, upload: Upload, size: int, end: int) -> Upload:
        self.check_size(size)
        if (upload.size_known and size != upload.size) or size < end:
            known = f"has {upload.size:,} bytes" if upload.size_known else f"has {end:,} bytes already"
            raise InvalidRequest(f"Upload {upload.id} {known}, so its size cannot be {size:,}.")
        sized = replace(upload, size=size, size_known=True)
        if not upload.size_known:
            await self.save_size(connection, sized)
        return sized

    async def save_size(self, connection: AsyncConnection, upload: Upload) -> None:
        """Writes the size of an upload that was created without one. Raises `UploadQuotaExceeded`."""
        await sql.save_size(connection, upload.id, upload.size, known=upload.size_known)
        daily = self.settings.upload_bytes_per_day
        if daily and await sum_bytes(connection, upload.owner) > daily:
            raise UploadQuotaExceeded(
                f"At most {daily:,} bytes may be uploaded within 24 hours, and upload {upload.id} has more than are left."
                " Try again later."
            )


def check_offset(job_id: UUID, arrived: int, offset: int) -> None:
    """Raises `WrongOffset` for bytes that do not follow those that have arrived."""
    if offset != arrived:
        raise WrongOffset(
            f"{arrived:,} bytes of upload {job_id} have arrived: continue there, not at {offset:,}.", arrived
        )


def check_room(announced: int | None, room: int) -> None:
    """Raises `UploadTooLarge` for a request that announces more bytes than the file lacks."""
    if announced is not None and announced > room:
        raise UploadTooLarge(f"The body has {announced:,} bytes, but only {room:,} are left of the file's size.")


def _check_streamed(upload: Upload) -> None:
    if not upload.streamed:
        raise InvalidRequest(
            f"The parts of upload {upload.id} are sent to the store (POST /v1/upload/{upload.id}/parts). Nothing of it can"
            " be sent to the intake."
        )


async def _arrived(connection: AsyncConnection, upload: Upload) -> tuple[int, list[TailPiece]]:
    """How many parts have arrived without a gap, and the tail."""
    parts = await sql.count_parts(connection, upload.id)
    return parts, await sql.load_tail(connection, upload.id, _end_of(upload, parts, ()))


def _end_of(upload: Upload, parts: int, tail: Sequence[TailPiece]) -> int:
    return tail[-1].stop if tail else min(parts * upload.part_size, upload.size)


class _Buffer:
    """The bytes of a part that arrive at the moment. Large chunks stay as they were received, small ones are joined."""

    def __init__(self, room: int, reserved: int) -> None:
        self.chunks: list[bytes | bytearray | memoryview] = []
        self.reserved = reserved
        """Bytes of the memory budget, which are enough for the whole part."""
        self.filled = 0
        self.since = asyncio.get_running_loop().time()
        self._room = room

    @property
    def is_full(self) -> bool:
        return self.filled == self._room

    def fill(self, chunk: memoryview) -> int:
        """Takes as many of the bytes as there is room for, and returns how many. They must not change afterwards."""
        taken = min(len(chunk), self._room - self.filled)
        self.filled += taken
        last = self.chunks[-1] if self.chunks else None
        if taken >= SMALL_CHUNK:
            self.chunks.append(chunk[:taken])
        elif isinstance(last, bytearray) and len(last) < SMALL_CHUNK:
            last += chunk[:taken]
        else:
            self.chunks.append(bytearray(chunk[:taken]))
        return taken


@dataclass(slots=True)
class _Unrecorded:
    """What the store has, and no row says yet."""

    end: int
    """Of it, in the file."""
    parts: list[Part] = field(default_factory=list)
    pieces: list[TailPiece] = field(default_factory=list)
    superseded: list[TailPiece] = field(default_factory=list)
    """Pieces whose part is complete, or that another piece has replaced."""

    async def record(self, connection: AsyncConnection, job_id: UUID) -> None:
        superseded = {piece.key for piece in self.superseded}
        if pieces := [piece for piece in self.pieces if piece.key not in superseded]:
            await sql.add_pieces(connection, job_id, pieces)
        if self.parts:
            await sql.save_parts(connection, job_id, self.parts)
        if superseded:
            await sql.delete_pieces(connection, job_id, superseded)


class _Stream:
    """The bytes of one request. Whatever it writes to the store and to PostgreSQL is written in the order of the file."""

    def __init__(
        self,
        appends: Appends,
        upload: Upload,
        writer: UUID,
        parts: int,
        tail: list[TailPiece],
        checksum: BodyChecksum | None,
    ) -> None:
        self._appends = appends
        self._upload = upload
        self._writer = writer
        self._checksum = checksum
        self._number = parts + 1
        """Of the part that arrives."""
        self._tail = tail
        """What the store has of it."""
        self._buffer: _Buffer | None = None
        """What memory has of it."""
        self._offset = _end_of(upload, parts, tail)
        self._durable = self._offset
        self._pending: deque[asyncio.Task[None]] = deque()
        self._starting = asyncio.Lock()
        self._has_new_size = False
        self._unrecorded = _Unrecorded(self._offset)
        """If there is a checksum, all that was written until that is verified."""
        self._written = asyncio.Event()
        """Set when there is something to record, and when nothing more will be written."""
        self._ending = asyncio.Event()
        """Set when nothing more will be written."""
        self._arrivals = 0
        self._is_waiting = False
        self._ended_by: HaulageError | None = None
        """Why no byte of this request counts any more: the upload has ended, or another request is the writer."""
        self._extended_at = -math.inf
        """When, by the clock of the event loop, the upload got all of `UPLOAD_WINDOW` again."""

    async def receive(self, chunks: AsyncIterator[bytes], *, ends_file: bool) -> Received:
        keeper, recorder = asyncio.create_task(self._keep()), asyncio.create_task(self._record_in_batches())
        try:
            failure = await self._take_all(chunks)
            if failure is None and self._checksum is not None:
                self._checksum.verify()
            if failure is None or self._checksum is None:
                await self._end(recorder, ends_file=ends_file and failure is None)
        except asyncio.CancelledError:  # the process stops
            for task in self._pending:
                task.cancel()
            raise
        finally:
            # A write that is cancelled may still replace a part later on, when that has been sent again with other bytes.
            await asyncio.gather(*self._pending, return_exceptions=True)
            await cancel_and_wait(keeper, recorder)
            if self._buffer is not None:
                self._appends.budget.release(self._buffer.reserved)
        if failure is not None:
            raise failure
        return Received(self._upload, self._durable)

    async def _end(self, recorder: asyncio.Task[None], *, ends_file: bool) -> None:
        """Makes everything durable that has arrived. `ends_file`: it is the whole file."""
        if ends_file and not self._upload.size_known:
            self._upload = replace(self._upload, size=self._offset, size_known=True)
            self._has_new_size = True
        if self._upload.size_known and self._offset == self._upload.size:
            if self._number <= self._upload.part_count:
                self._buffer = self._buffer or await self._new_buffer()
                await self._send_part()
        elif self._buffer is not None:
            self._spill()
        await self._wait(0)
        self._ending.set()
        self._written.set()
        await recorder
        if self._ended_by is not None:
            raise self._ended_by
        if self._unrecorded.parts or self._unrecorded.pieces or self._has_new_size:
            await self._record()

    async def _take_all(self, chunks: AsyncIterator[bytes]) -> Exception | None:
        """Takes all bytes. Returns what the client's side raised."""
        iterator = aiter(chunks)
        limit = self._upload.size
        if not self._upload.size_known:
            limit = self._appends.max_size
        while True:
            try:
                chunk = await anext(iterator)
            except StopAsyncIteration:
                return None
            except Exception as error:  # noqa: BLE001 - the caller raises it
                return error
            self._arrivals += 1
            if self._ended_by is not None:
                raise self._ended_by
            if self._offset + len(chunk) > limit:
                raise UploadTooLarge(f"Upload {self._upload.id} has at most {limit:,} bytes, and more were sent.")
            if self._checksum is not None:
                self._checksum.update(chunk)
            view = memoryview(chunk)
            while view:
                self._buffer = self._buffer or await self._new_buffer()
                taken = self._buffer.fill(view)
                self._offset += taken
                view = view[taken:]
                if self._buffer.is_full:
                    await self._send_part()

    async def _new_buffer(self) -> _Buffer:
        """Room for the rest of the part. Waits until there is memory for all of it."""
        have = sum(piece.size for piece in self._tail)
        whole = self._upload.part_size
        if self._upload.size_known:
            whole = self._upload.size_of(self._number)
        self._is_waiting = True
        try:
            await self._appends.budget.acquire(whole)
        finally:
            self._is_waiting = False
        return _Buffer(whole - have, whole)

    async def _send_part(self) -> None:
        """Begins to send the part."""
        buffer, self._buffer = self._buffer, None
        assert buffer is not None
        pieces, self._tail = self._tail, []
        number, self._number = self._number, self._number + 1
        self._start(buffer, self._write_part(number, pieces, buffer, self._offset, self._newest_write()))
        await self._wait(MAX_PARTS_IN_FLIGHT)

    def _spill(self) -> None:
        """Begins to write what memory has of the part to the store, as a piece of the tail.

        If that has many already, they become one with it. Otherwise each small request would cost more than the last one.
        """
        buffer, self._buffer = self._buffer, None
        assert buffer is not None
        merged = self._tail if len(self._tail) >= MAX_PIECES else []
        start = merged[0].start if merged else self._offset - buffer.filled
        crc = combine(
            [*((piece.crc32, piece.size) for piece in merged), (crc32_of_chunks(buffer.chunks), buffer.filled)]
        )
        piece = TailPiece(start, self._offset - start, crc, tail_key(self._upload.id, start, uuid4()))
        self._tail = [piece] if merged else [*self._tail, piece]
        self._start(buffer, self._write_piece(piece, merged, buffer, self._newest_write()))

    def _newest_write(self) -> asyncio.Task[None] | None:
        return self._pending[-1] if self._pending else None

    def _start(self, buffer: _Buffer, write: Awaitable[None]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(write)
        self._appends.budget.release_after(task, buffer.reserved)
        self._pending.append(task)

    async def _wait(self, most: int) -> None:
        """Waits until at most so many writes are in progress. Raises what one raised."""
        self._is_waiting = True
        try:
            while len(self._pending) > most:
                await self._pending[0]
                self._pending.popleft()
        finally:
            self._is_waiting = False

    async def _write_part(
        self, number: int, pieces: Sequence[TailPiece], buffer: _Buffer, end: int, before: asyncio.Task[None] | None
    ) -> None:
        if pieces:
            await _result_of(before)
        part, crc = await self._assembled(pieces, buffer)
        etag = await self._store(number, part, crc)
        await _result_of(before)
        self._unrecorded.parts.append(Part(number=number, crc32=crc, sent=True, etag=etag))
        self._unrecorded.superseded += pieces
        self._has_written(end)

    async def _assembled(self, pieces: Sequence[TailPiece], buffer: _Buffer) -> tuple[PartBuffer, int]:
        """What pieces of the tail have of a part and what memory has, and the CRC-32 of both together."""
        part = PartBuffer([*(piece.size for piece in pieces), buffer.filled])
        await map_limited(lambda place: self._load(pieces[place], part, place), range(len(pieces)), LOADED_AT_ONCE)
        for chunk in buffer.chunks:
            part.put(len(pieces), chunk)
        buffered = (await crc32_of(buffer.chunks), buffer.filled)
        return part, combine([*((piece.crc32, piece.size) for piece in pieces), buffered])

    async def _store(self, number: int, part: PartBuffer, crc: int) -> str:
        """Sends the part to the store, as the whole object if it is the only one. Returns its ETag."""
        storage, upload = self._appends.storage, self._upload
        if upload.size_known and upload.is_single and upload.upload_id is None:
            # Unlike a part, the object appears even if the upload has ended meanwhile: it might stay for ever.
            await self._renew_lease()
            return await self._retried(
                lambda: storage.objects.put_buffer(upload.key, part, crc, upload.content_type or OCTETS)
            )
        upload_id = await self._multipart_id()
        try:
            return await self._retried(lambda: storage.multipart.upload_part(upload.key, upload_id, number, part, crc))
        except UploadGone:  # as MinIO removes them after a day
            await self._appends.lifecycle.cancel(upload.id)
            raise IllegalTransition(f"The store has dropped the parts of upload {upload.id}.") from None

    async def _write_piece(
        self, piece: TailPiece, merged: Sequence[TailPiece], buffer: _Buffer, before: asyncio.Task[None] | None
    ) -> None:
        objects = self._appends.storage.objects
        if merged:
            await _result_of(before)
        data, _ = await self._assembled(merged, buffer)
        etag = await self._retried(lambda: objects.put_buffer(piece.key, data, piece.crc32, OCTETS))
        await _result_of(before)
        self._unrecorded.pieces.append(replace(piece, etag=etag))
        self._unrecorded.superseded += merged
        self._has_written(piece.stop)

    async def _load(self, piece: TailPiece, part: PartBuffer, place: int) -> None:
        """Reads a piece into the part. Raises `ChecksumMismatch`."""
        objects = self._appends.storage.objects

        async def read() -> list[bytes]:
            etag = piece.etag or (await objects.head(piece.key)).etag
            return [chunk async for chunk in objects.read(piece.key, etag, 0, piece.size)]

        chunks = await self._retried(read)
        if await crc32_of(chunks) != piece.crc32:
            raise ChecksumMismatch(
                f"The store returned bytes of upload {self._upload.id} that differ from those that were sent."
            )
        for chunk in chunks:
            part.put(place, chunk)

    async def _retried(self, call: Callable[[], Awaitable[T]]) -> T:
        return await retried(call, self._appends.random)

    async def _multipart_id(self) -> str:
        async with self._starting:
            upload_id = await self._appends.uploads.start_multipart(self._upload)
            self._upload = replace(self._upload, upload_id=upload_id)
        return upload_id

    def _has_written(self, end: int) -> None:
        self._unrecorded.end = end
        if self._checksum is None:
            self._written.set()

    async def _record_in_batches(self) -> None:
        """Records what was written, until nothing more will be. Parts that follow each other quickly are one batch."""
        try:
            while True:
                await self._written.wait()
                if self._ending.is_set():
                    return
                self._written.clear()
                await self._record()
                with suppress(TimeoutError):
                    async with asyncio.timeout(RECORD_INTERVAL):
                        await self._ending.wait()
        except HaulageError as error:
            self._ended_by = error

    async def _record(self) -> None:
        """Makes bytes that the store has count. Raises `UploadBusy` if another request is the writer by now."""
        new, self._unrecorded = self._unrecorded, _Unrecorded(self._unrecorded.end)
        has_new_size = False

        async def within(connection: AsyncConnection, _: Job) -> Progress:
            nonlocal has_new_size
            has_new_size = self._has_new_size  # it may become known before this transaction ends
            await self._renew_within(connection)
            upload = self._upload if self._upload.size_known else replace(self._upload, size=new.end)
            if not upload.size_known or has_new_size:
                await self._appends.save_size(connection, upload)
            await new.record(connection, self._upload.id)
            return await progress_of(connection, upload)

        await self._receive(within)
        self._durable = new.end
        if has_new_size:
            self._has_new_size = False
        if new.superseded:
            with suppress(HaulageError):  # a worker looks for orphans
                await self._appends.storage.objects.delete([piece.key for piece in new.superseded])

    async def _keep(self) -> None:
        """Renews the lease while bytes arrive, and yields memory."""
        clock = asyncio.get_running_loop().time
        seen = 0
        while True:
            await asyncio.sleep(KEEP_INTERVAL)
            self._yield_memory()
            is_writing = any(not task.done() for task in self._pending)
            if seen != self._arrivals or self._is_waiting or is_writing:
                seen = self._arrivals
                try:
                    await self._renew_lease()
                    if clock() - self._extended_at > self._appends.settings.upload_window / 2:
                        await self._receive(self._extend)
                except DatabaseUnavailable:
                    pass  # the lease may last until the next time
                except HaulageError as error:
                    self._ended_by = error

    def _yield_memory(self) -> None:
        """Leaves the memory of a part that fills slowly to streams that wait for some."""
        # Not in `_keep`: its variable would hold the memory of the part until the next round, long after it was sent.
        buffer, now = self._buffer, asyncio.get_running_loop().time()
        if buffer is not None and self._appends.budget.is_contended and now - buffer.since > PATIENCE:
            log.debug("tail_added", job_id=str(self._upload.id), size=buffer.filled)
            self._spill()

    async def _renew_lease(self) -> None:
        """Keeps other requests out.

        Raises `UploadBusy` if one is the writer by now, `IllegalTransition` if the upload has ended.
        """
        async with self._appends.database.begin() as connection:
            await self._renew_within(connection)

    async def _renew_within(self, connection: AsyncConnection) -> None:
        if await sql.renew_writer(connection, self._upload.id, self._writer, WRITER_LEASE):
            return
        upload = await load_upload(connection, self._upload.id)
        check_receiving(upload)
        raise UploadBusy(
            f"Another request has begun to send bytes of upload {upload.id}, since none had arrived here for a while."
        )

    async def _receive(self, within: Receive) -> None:
        """Gives the upload all of `UPLOAD_WINDOW` again, and shows its progress."""
        window = self._appends.settings.upload_window
        job = await self._appends.lifecycle.receive(self._upload.id, window, within)
        self._upload = replace(self._upload, seq=job.seq, progress=job.progress, due_at=job.due_at)
        self._extended_at = asyncio.get_running_loop().time()

    async def _extend(self, connection: AsyncConnection, _: Job) -> Progress:
        return await progress_of(connection, self._upload)


async def _result_of(task: asyncio.Task[None] | None) -> None:
    """Waits for an earlier write, without cancelling it. Raises what it raised."""
    if task is not None:
        await asyncio.wait({task})
        task.result()
