"""One attempt at an upload: assemble its parts, check what came in, and add it to the catalogue.

Each step finds what an earlier attempt has done. Two workers may complete the same multipart upload: parts, key and mark
are the same, and only the one whose fence is current adds the file. Until then the catalogue has no row, so nobody can
list, fetch or bundle it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from jobs.database import Database
from jobs.engine.jobs import FileRecord, Job
from jobs.engine.lifecycle import Claimed, FollowUp
from jobs.engine.transitions import FIRST_CLAIM
from jobs.engine.worker.reporter import Reporter
from jobs.engine.worker.work import Success
from jobs.errors import (
    ChecksumMismatch,
    FileInfected,
    FileUnscannable,
    HaulageError,
    ObjectMissing,
    UploadIncomplete,
)
from jobs.files.catalogue import StoredFile
from jobs.files.ingest import free_file_id
from jobs.files.media_types import media_type
from jobs.files.states import ScanState
from jobs.kinds import Phase
from jobs.metrics import UPLOADED
from jobs.settings import Settings
from jobs.storage import ChecksumRejected, Storage, UploadGone, UploadUnusable
from jobs.storage.crc32 import combine, crc32
from jobs.storage.multipart import PartChecksums
from jobs.tracing.spans import step
from jobs.uploads import notices
from jobs.uploads.cleanup import remove_tail
from jobs.uploads.commands import Uploads, with_file
from jobs.uploads.content_types import HEAD_SIZE, check_type
from jobs.uploads.scanning import INFECTED, Scan
from jobs.uploads.uploads import Part, Upload

log = structlog.get_logger()


FIRST_ATTEMPT = FIRST_CLAIM + 1
"""The fence of an upload's first attempt: its submission has one, too."""
SETTLE_TIME = 10.0
"""Seconds in which a store completes an upload: meanwhile it may have neither all of the parts nor the object."""
SETTLE_INTERVAL = 0.5
"""Seconds between two looks at what it has."""


FollowUpOf = Callable[[StoredFile, str | None, Mapping[str, Any]], FollowUp | None]
"""The job that makes others of a file, which has this detected type, as its uploader wishes; None if nothing is made."""


class Scans(Protocol):
    """What scans a file while it is read: `jobs.uploads.scanning.Scanner`."""

    async def scan(self, chunks: AsyncIterator[bytes]) -> Scan: ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The object that the parts of an upload have become. Size in bytes."""

    key: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What `checking` has found out."""

    detected_type: str | None
    crc32: int
    sha256: str | None
    scan: ScanState


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """What the attempts of one worker share. Without a `scanner`, a file is read only if the store has no CRC-32 of it."""

    uploads: Uploads
    database: Database
    storage: Storage
    settings: Settings
    scanner: Scans | None = None
    follow_up: FollowUpOf | None = None

    async def attempt(self, claimed: Claimed, reporter: Reporter) -> Success:
        """Runs one attempt. Raises the `HaulageError` that ended it, or `StaleFence`."""
        upload = await self.uploads.of_job(claimed.job)
        if upload.removed:
            raise UploadIncomplete("The bytes of this upload were removed. Upload the file again.")
        if upload.infected_at is not None:
            raise FileInfected(INFECTED, upload.finding or "")
        [record] = claimed.records
        reporter.resolved([replace(record, size=upload.size, key=upload.key)])
        parts = await self.uploads.parts(upload.id)
        with step("assemble upload", parts=len(parts), bytes=upload.size):
            stored = await self._assemble(claimed.job, upload, parts)
        reporter.enter(Phase.CHECKING)
        try:
            with step("check file", bytes=stored.size):
                checked = await self._check(upload, parts, stored, reporter, record)
        except FileInfected as error:
            await self.uploads.quarantine(claimed.job, error.finding)
            raise
        except FileUnscannable as error:
            reporter.notices.append(notices.unscannable(claimed.job, error.finding))
            raise
        file = StoredFile(
            id=await free_file_id(self.database, self.storage, self.settings.s3_key_template),
            key=upload.key,
            name=upload.name,
            size=upload.size,
            etag=stored.etag,
            crc32=checked.crc32,
            sha256=checked.sha256,
            content_type=checked.detected_type or upload.content_type or media_type(upload.name),
            owner=upload.owner,
            visibility=upload.visibility,
            groups=upload.groups,
            modified_at=upload.modified_at,
            job_id=upload.id,
            scan=checked.scan,
        )
        broken = await self.uploads.find_broken_objects(file)
        with suppress(HaulageError):  # then they are orphans
            await remove_tail(self.storage, upload)
        reporter.done(record.index, checked.crc32, file_id=file.id)
        follow_up = None
        if self.follow_up is not None and upload.wishes is not None:
            follow_up = self.follow_up(file, checked.detected_type, upload.wishes)
        within = with_file(file, checked.detected_type, broken)
        UPLOADED.labels("intake" if upload.streamed else "store").inc(upload.size)
        return Success(None, within, () if follow_up is None else (follow_up,))

    async def _assemble(self, job: Job, upload: Upload, parts: Sequence[Part]) -> StoredObject:
        """The object of the upload, which this or an earlier attempt has made of its parts.

        The worker of an earlier attempt may have been killed while the store completed the upload for it.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + (SETTLE_TIME if job.fence > FIRST_ATTEMPT else 0)
        while True:
            try:
                return await self._complete_or_find(upload, parts)
            except UploadIncomplete as error:
                if clock() >= until:
                    raise
                log.info("upload_parts_missing", reason=error.message)
            await asyncio.sleep(SETTLE_INTERVAL)

    async def _complete_or_find(self, upload: Upload, parts: Sequence[Part]) -> StoredObject:
        if upload.upload_id is not None:
            try:
                await self._complete(upload, upload.upload_id, parts)
            except UploadGone:
                log.info("upload_resumed")
            except (ChecksumRejected, UploadUnusable) as error:
                raise UploadIncomplete(
                    f"The store has other parts than were announced: {error.message} Upload the file again."
                ) from error
        found = await self._find_object(upload)
        if found is None:
            raise UploadIncomplete(
                "The store has no bytes of this file, although its parts were reported as sent. Upload it again."
            )
        if found.size != upload.size:
            raise UploadIncomplete(
                f"The file has {found.size:,} bytes, not {upload.size:,} as was announced. Upload it again."
            )
        return found

    async def _find_object(self, upload: Upload) -> StoredObject | None:
        """The object of an upload, with one request. Raises `UploadIncomplete` if it was made by another upload."""
        if upload.upload_id is None:
            with suppress(ObjectMissing):
                info = await self.storage.objects.head(upload.key)
                return StoredObject(upload.key, info.size, info.etag)
            return None
        completed = await self.storage.multipart.find_completed(upload.key)
        if completed is None:
            return None
        if completed.fingerprint != str(upload.id):
            raise UploadIncomplete(f"The object of upload {upload.id} is another one. Upload the file again.")
        return StoredObject(upload.key, completed.size, completed.etag)

    async def _complete(self, upload: Upload, upload_id: str, parts: Sequence[Part]) -> None:
        etags = {part.number: part.etag for part in parts}
        there = {
            part.number: part
            for part in await self.storage.multipart.list_parts(upload.key, upload_id)
            if etags.get(part.number) in {None, part.etag}
        }
        wrong = [
            part.number
            for part in parts
            if part.number not in there or there[part.number].size != upload.size_of(part.number)
        ]
        if wrong:
            names = ", ".join(map(str, wrong[:10])) + (", …" if len(wrong) > len(wrong[:10]) else "")
            raise UploadIncomplete(
                f"The store lacks {len(wrong):,} parts that were reported as sent: {names}. Upload the file again."
            )
        checksums = PartChecksums({part.number: (part.crc32, upload.size_of(part.number)) for part in parts})
        found = [(part.number, there[part.number].etag) for part in parts]
        await self.storage.multipart.complete(upload.key, upload_id, found, checksums)

    async def _check(
        self, upload: Upload, parts: Sequence[Part], stored: StoredObject, reporter: Reporter, record: FileRecord
    ) -> Checked:
        """Checks the type first, which needs the first bytes only, then the CRC-32, and scans the file."""
        head = b"".join([chunk async for chunk in self._read(stored, min(stored.size, HEAD_SIZE))])
        detected = check_type(upload.name, upload.content_type, head)
        expected = combine((part.crc32, upload.size_of(part.number)) for part in parts)
        known = await self.storage.checksums.crc32(stored.key, stored.etag, stored.size) if stored.size else crc32(b"")
        sha256, scan = None, ScanState.NONE
        if self.scanner is None and known is not None:
            reporter.skipped(record.index, stored.size)
        else:
            reading = _WholeFile(self._read(stored, stored.size), reporter, record.index)
            if self.scanner is not None:
                with step("scan file", bytes=stored.size):
                    result = await self.scanner.scan(reading.chunks())
                result.require_accepted()
                scan = ScanState(result.verdict)
            else:
                async for _ in reading.chunks():
                    pass
            known, sha256 = reading.crc32, reading.sha256
        if known != expected:
            raise ChecksumMismatch(
                f"The file has the CRC-32 {known:08x} in the store, not {expected:08x} as was announced."
            )
        return Checked(detected_type=detected, crc32=expected, sha256=sha256, scan=scan)

    def _read(self, stored: StoredObject, stop: int) -> AsyncIterator[bytes]:
        return self.storage.objects.read(stored.key, stored.etag, 0, stop)


class _WholeFile:
    """One read of a file, which computes its checksums on the way."""

    def __init__(self, source: AsyncIterator[bytes], reporter: Reporter, index: int) -> None:
        self._source = source
        self._reporter = reporter
        self._index = index
        self._sha256 = hashlib.sha256()
        self.crc32 = 0

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._source:
            await asyncio.to_thread(self._update, chunk)
            self._reporter.read(self._index, len(chunk))
            yield chunk

    def _update(self, chunk: bytes) -> None:
        self.crc32 = crc32(chunk, self.crc32)
        self._sha256.update(chunk)
