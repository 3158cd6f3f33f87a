"""Fetches one file in one attempt: from its URL into an object of the store.

A small file is one PUT. Of a larger one, each part of 5 MiB is recorded as soon as the store has it. So a fetch that breaks
off continues after the last byte that has arrived, and the next attempt, in any process, after the last recorded part.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpcore2
import structlog

from jobs.backoff import delay
from jobs.bundles.resolver import Source
from jobs.bundles.sources.pace import Pace
from jobs.bundles.sources.requests import opened
from jobs.bundles.sources.responses import (
    SourceChanged,
    check_range,
    check_status,
    headers_of,
    representation_of,
)
from jobs.bundles.sources.shared import Shared
from jobs.bundles.url_sources import (
    FetchedObject,
    PartialObject,
    Representation,
    SourcePart,
    UrlSource,
    fingerprint,
)
from jobs.engine.jobs import Job
from jobs.engine.worker.reporter import Reporter
from jobs.errors import ObjectMissing, SourceRejected, SourceUnavailable, StaleFence
from jobs.settings import SOURCE_PART_SIZE
from jobs.storage import UploadGone, UploadUnusable
from jobs.storage.crc32 import combine, crc32_of
from jobs.storage.multipart import PartChecksums
from jobs.storage.part_buffer import PartBuffer
from jobs.storage.retries import retried

log = structlog.get_logger()

MAX_BREAKS = 4
"""Requests that may fail one after the other, without a part in between that is of use, before the attempt ends."""
MAX_RESTARTS = 1
"""How often a file may change while it is fetched, in all attempts."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds before a failed request is repeated. A host that wants to wait longer ends the attempt."""
ABORT_TIMEOUT = 2.0
"""Seconds for aborting a multipart upload."""


class Fetch:
    """Runs once."""

    def __init__(self, shared: Shared, held: Job, source: UrlSource, target: Source, reporter: Reporter) -> None:
        """`target`: the file as it is packed, whose name and media type are known."""
        self._shared = shared
        self._held = held
        self._source = source
        """As it is recorded."""
        self._target = target
        self._reporter = reporter
        self._random = shared.random
        self._representation: Representation | None = None
        self._buffer = bytearray()
        """What has arrived of the next part."""
        self._offset = 0
        """Bytes of the file that have arrived, in recorded parts and in the buffer."""
        self._hash: Any = hashlib.sha256()
        """Of these bytes; None if some of them arrived in an earlier attempt."""
        self._has_lost_parts = False
        self._pace = Pace(source.host, shared.settings.source_min_rate, shared.settings.source_timeout)

    async def run(self) -> FetchedObject:
        """Returns the object with the file.

        Raises `SourceRejected`, `SourceUnavailable`, `StaleFence`, and the errors of the store and the database.
        """
        try:
            earlier = await self._earlier()
            if earlier is not None:
                return earlier
            while True:
                await self._receive_all()
                try:
                    return await self._finish()
                except UploadUnusable as error:
                    await self._restart(error)
        except SourceRejected:
            await self._forget()
            raise

    async def _earlier(self) -> FetchedObject | None:
        """The object of an earlier attempt, if there is one. Else continues with the parts of one."""
        fetched, partial = self._source.fetched, self._source.partial
        if fetched is not None:
            with suppress(ObjectMissing):
                info = await self._shared.storage.objects.head(fetched.key)
                if (info.etag, info.size) == (fetched.etag, fetched.size):
                    self._know_size(fetched.size)
                    self._reporter.skipped(self._source.index, fetched.size)
                    return fetched
            await self._forget()
        elif partial is not None and not partial.parts:
            await self._forget()  # the file may be another one by now, and this upload names the earlier one
        elif (
            partial is not None and partial.size != partial.representation.size and not partial.representation.validator
        ):
            await self._forget()  # nothing says that the rest would be of the same file
        elif partial is not None:
            self._offset, self._representation = partial.size, partial.representation
            self._know_size(partial.representation.size)
            self._reporter.skipped(self._source.index, self._offset)
            self._hash = None
            log.info("fetch_resumed", file=self._source.index, bytes=self._offset)
        return None

    # --- receiving -----------------------------------------------------------------------------------------------------

    async def _receive_all(self) -> None:
        """Requests what is missing until the file is complete."""
        breaks = 0
        while not self._is_complete:
            before = self._offset
            try:
                await self._receive()
            except (SourceChanged, UploadUnusable) as error:
                await self._restart(error)
            except SourceUnavailable as error:
                has_new_part = self._can_continue and self._offset - before >= SOURCE_PART_SIZE
                breaks = 1 if has_new_part else breaks + 1
                pause = max(delay(breaks, FIRST_PAUSE, LONGEST_PAUSE, self._random), error.retry_after or 0)
                if breaks > MAX_BREAKS or pause > LONGEST_PAUSE:
                    if error.retry_after is not None:
                        self._check_deadline(error, error.retry_after)
                    raise
                log.info("fetch_interrupted", file=self._source.index, bytes=self._offset, reason=error.message)
                if self._representation is not None and not self._can_continue:
                    await self._forget()  # nothing says that the rest would be of the same file
                await asyncio.sleep(pause)

    def _check_deadline(self, error: SourceUnavailable, wanted: float) -> None:
        """Raises `SourceRejected` if the job may not run any more in `wanted` seconds: the host wants no request before."""
        since = self._held.started_at or self._held.queued_at
        until = self._shared.now() + timedelta(seconds=wanted)
        if until >= since + timedelta(seconds=self._shared.settings.job_deadline):
            reason = f"{error.message.rstrip('.')} and wants no other request before {until:%Y-%m-%d %H:%M} UTC"
            raise SourceRejected(f"{reason}, which is after the deadline of the job") from error

    @property
    def _is_complete(self) -> bool:
        return self._representation is not None and self._offset == self._representation.size

    @property
    def _can_continue(self) -> bool:
        """Whether the host can tell, after a break, that the rest is of the same file."""
        return self._representation is not None and self._representation.validator is not None

    async def _receive(self) -> None:
        """Sends one request, and takes the bytes of its response.

        Raises `SourceChanged` if they are of another file than the first ones, and `SourceUnavailable` if it breaks off.
        """
        clock = asyncio.get_running_loop().time
        known, start, host = self._representation, self._offset, self._source.host
        wanted: dict[str, str] = {}
        if start and known is not None and known.validator is not None:
            wanted = {"Range": f"bytes={start}-", "If-Range": known.validator}
        timeout, requested_at = self._shared.settings.source_timeout, clock()
        async with opened(self._shared.egress, self._source.request.url, wanted, timeout) as response:
            headers = headers_of(response.headers)
            check_status(host, response.status, headers, self._shared.now().timestamp())
            if known is None or not start:
                if response.status != HTTPStatus.OK:
                    raise SourceRejected(f"{host} responded {response.status} to a request for the whole file")
                stop = self._begin(headers)
            elif response.status == HTTPStatus.PARTIAL_CONTENT:
                self._representation, stop = check_range(host, headers, known, start)
                self._know_size(self._representation.size)
            elif (
                response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                and headers.get("content-range") == f"bytes */{start}"
                and known.size in {None, start}
            ):
                self._representation = replace(known, size=start)  # it ends just where the fetch had broken off
                return
            else:  # `If-Range` did not hold (200), or the file is shorter now (416)
                raise SourceChanged
            self._pace.add(0, clock() - requested_at)
            await self._take(response, stop)

    def _begin(self, headers: Mapping[str, str]) -> int | None:
        """Begins the file. Returns how many bytes it has, if that is known. Raises `SourceRejected`."""
        verifiable = self._source.request.sha256 is not None
        found = representation_of(self._source.host, headers, verifiable=verifiable)
        self._check_size(found.size or 0)
        self._representation = found
        self._know_size(found.size)
        return found.size

    def _check_size(self, size: int) -> None:
        most = self._shared.settings.source_max_size
        if size > most:
            raise SourceRejected(f"it has more than {most:,} bytes, the most that are fetched from a URL here")

    async def _take(self, response: httpcore2.Response, stop: int | None) -> None:
        """Takes the bytes of a response up to `stop`, or to its end. Raises as `_receive`."""
        clock = asyncio.get_running_loop().time
        chunks = aiter(response.aiter_stream())
        while True:
            waiting_since = clock()
            chunk = await anext(chunks, None)
            self._pace.add(len(chunk or b""), clock() - waiting_since)
            if chunk is None:
                break
            if stop is not None and self._offset + len(chunk) > stop:
                raise SourceRejected(f"{self._source.host} sends more bytes than it says")
            self._offset += len(chunk)
            self._check_size(self._offset)
            if self._hash is not None:
                self._hash.update(chunk)
            self._buffer += chunk
            self._reporter.read(self._source.index, len(chunk))
            while len(self._buffer) >= SOURCE_PART_SIZE and not self._is_small:
                await self._send_part()
        if stop is not None and self._offset < stop:
            raise SourceUnavailable(f"{self._source.host} ended after {self._offset:,} of {stop:,} bytes.")
        if stop is None:
            assert self._representation is not None
            self._representation = replace(self._representation, size=self._offset)
            self._know_size(self._offset)

    @property
    def _is_small(self) -> bool:
        """Whether the whole file fits into one part, and is written by one PUT."""
        size = None if self._representation is None else self._representation.size
        return self._source.partial is None and size is not None and size <= SOURCE_PART_SIZE

    # --- storing -------------------------------------------------------------------------------------------------------

    async def _send_part(self) -> None:
        """Moves the first bytes of the buffer into the next part, and records it. Raises `UploadUnusable`, `StaleFence`."""
        partial = self._source.partial or await self._create_upload()
        rest = self._buffer[SOURCE_PART_SIZE:]
        del self._buffer[SOURCE_PART_SIZE:]
        data, self._buffer = self._buffer, rest
        number, crc32, multipart = len(partial.parts) + 1, await crc32_of([data]), self._shared.storage.multipart
        etag = await retried(
            lambda: multipart.upload_part(partial.key, partial.upload_id, number, data, crc32), self._random
        )
        part = SourcePart(number=number, etag=etag, size=len(data), crc32=crc32)
        await self._shared.downloads.add_source_part(self._held, self._source.index, part)
        self._source = replace(self._source, partial=partial.with_part(part))
        if self._can_continue:
            self._reporter.recorded()

    async def _create_upload(self) -> PartialObject:
        """Creates a multipart upload, and records it before its first part. Raises `StaleFence`."""
        assert self._representation is not None
        multipart, target = self._shared.storage.multipart, self._target
        mark = fingerprint(self._source, self._representation)
        upload_id = await multipart.create(target.key, target.content_type, mark, with_checksums=True)
        partial = PartialObject(key=target.key, upload_id=upload_id, representation=self._representation)
        source = replace(self._source, partial=partial)
        try:
            await self._shared.downloads.save_source(self._held, source)
        except StaleFence:  # on any other error the row may name it
            await self._abort(partial)
            raise
        self._source = source
        return partial

    async def _finish(self) -> FetchedObject:
        """Makes one object of all bytes, verifies it, and records it. Raises `SourceRejected`, `UploadUnusable`."""
        assert self._representation is not None
        sha256 = None if self._hash is None else self._hash.hexdigest()
        if sha256 is not None:
            self._check_sha256(sha256)
        key, etag, crc32 = await self._store()
        if sha256 is None and self._source.request.sha256 is not None:
            sha256 = await self._read_back(key, etag)
            self._check_sha256(sha256)
        fetched = FetchedObject(
            key=key,
            size=self._offset,
            etag=etag,
            crc32=crc32,
            sha256=sha256,
            modified=self._representation.modified or self._shared.now().replace(microsecond=0),
        )
        self._source = replace(self._source, partial=None, fetched=fetched)
        await self._shared.downloads.save_source(self._held, self._source)
        self._reporter.recorded()
        return fetched

    async def _store(self) -> tuple[str, str, int]:
        """Writes what is left, and returns key, ETag and CRC-32 of the object."""
        storage, target = self._shared.storage, self._target
        if self._source.partial is None:
            data, self._buffer = self._buffer, bytearray()
            crc32 = await crc32_of([data])
            etag = await retried(
                lambda: storage.objects.put_buffer(target.key, PartBuffer.of(data), crc32, target.content_type),
                self._random,
            )
            return target.key, etag, crc32
        if self._buffer:
            await self._send_part()
        partial = self._source.partial
        etags = [(part.number, part.etag) for part in partial.parts]
        sums = PartChecksums({part.number: (part.crc32, part.size) for part in partial.parts})
        crc32 = combine((part.crc32, part.size) for part in partial.parts)
        try:
            etag = await retried(
                lambda: storage.multipart.complete(partial.key, partial.upload_id, etags, sums), self._random
            )
        except UploadGone:  # it may have been completed before its response was lost
            found = await storage.multipart.find_completed(partial.key)
            mark = fingerprint(self._source, partial.representation)
            if found is None or (found.fingerprint, found.size) != (mark, self._offset):
                raise
            etag = found.etag
            if await storage.checksums.crc32(partial.key, etag, found.size) != crc32:
                raise
        return partial.key, etag, crc32

    async def _read_back(self, key: str, etag: str) -> str:
        """The SHA-256 of an object some of whose bytes arrived in an earlier attempt: a hash outlives no process."""
        digest = hashlib.sha256()
        target = replace(self._target, key=key, etag=etag, size=self._offset)
        await self._shared.reader.read(target, 0, self._offset, digest.update)
        return digest.hexdigest()

    def _check_sha256(self, sha256: str) -> None:
        wanted = self._source.request.sha256
        if wanted not in {None, sha256}:
            raise SourceRejected(f"its SHA-256 is {sha256}, not {wanted} as requested")

    # --- starting again ------------------------------------------------------------------------------------------------

    async def _restart(self, error: Exception) -> None:
        """Starts again with the first byte: the file has changed, or the store has lost its parts.

        Raises `SourceRejected` if it had changed before, and the error itself if its parts had been lost in this attempt.
        """
        changed = isinstance(error, SourceChanged)
        if not changed:
            if self._has_lost_parts:
                raise error
            self._has_lost_parts = True
        if changed and self._source.restarts >= MAX_RESTARTS:
            raise SourceRejected(
                f"{self._source.host} sent another file after the fetch had broken off, and again when it was started again"
            ) from error
        log.info("fetch_restarted", file=self._source.index, bytes=self._offset, changed=changed)
        await self._forget(restarts=1 if changed else 0)

    async def _forget(self, *, restarts: int = 0) -> None:
        """Forgets what the store has of the file, before that is removed. Raises `StaleFence`."""
        partial, is_stored = self._source.partial, self._source.partial or self._source.fetched
        self._source = self._source.forgotten(restarts=restarts)
        if is_stored or restarts:
            await self._shared.downloads.save_source(self._held, self._source)
        if partial is not None:
            await self._abort(partial)
        self._reporter.restarted(self._source.index)
        self._representation, self._offset = None, 0
        self._buffer, self._hash = bytearray(), hashlib.sha256()
        self._know_size(None)

    async def _abort(self, partial: PartialObject) -> None:
        with suppress(Exception):  # the cleanup aborts it when the job has ended
            async with asyncio.timeout(ABORT_TIMEOUT):
                await self._shared.storage.multipart.abort(partial.key, partial.upload_id)

    def _know_size(self, size: int | None) -> None:
        self._reporter.sized(self._source.index, size)
