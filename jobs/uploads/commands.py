"""Commands and reads of uploads: the engine's lifecycle, with the rows that only an upload has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database
from jobs.engine.jobs import FileRequest, Job, Progress, Status
from jobs.engine.lifecycle import Lifecycle, NewJob, Within
from jobs.engine.sql.jobs import Idempotency, jobs_page
from jobs.engine.sql.queue_places import QueuePlaces
from jobs.engine.sql.snapshots import Snapshots
from jobs.errors import (
    HaulageError,
    IllegalTransition,
    InvalidRequest,
    JobNotFound,
    PartsMissing,
    TooManyUploads,
    UploadQuotaExceeded,
)
from jobs.files.catalogue import StoredFile, insert_file
from jobs.kinds import Kind, Phase
from jobs.settings import UploadSettings
from jobs.storage import Storage
from jobs.storage.part_signing import SignedPut
from jobs.uploads.sql import uploads as sql
from jobs.uploads.uploads import NewUpload, Part, Upload

log = structlog.get_logger()

SHOWN_MISSING = 100
"""Most missing parts that one error names."""
UNKNOWN_FILE = 0
"""The `file_id` of an upload's file record until it is in the catalogue."""


@dataclass(frozen=True, slots=True)
class SignedPart:
    """The URL by which a client sends a part. Size in bytes."""

    number: int
    size: int
    put: SignedPut


class Uploads:
    """Every method raises `DatabaseUnavailable` if the database is unavailable."""

    def __init__(
        self, database: Database, lifecycle: Lifecycle, places: QueuePlaces, storage: Storage, settings: UploadSettings
    ) -> None:
        self.snapshots = Snapshots(database, places, sql.ROWS, sql.upload_of)
        self._database = database
        self._lifecycle = lifecycle
        self._storage = storage
        self._settings = settings

    # --- commands of people --------------------------------------------------------------------------------------------

    async def create(
        self, owner: str, new: Sequence[NewUpload], idempotency: Idempotency | None = None
    ) -> list[Upload]:
        """Creates an upload for each file. The same key and request again return those of the first time.

        The store is not called. Raises what `Lifecycle.create` does, `TooManyUploads` and `UploadQuotaExceeded`; then none
        is created.
        """

        async def within(connection: AsyncConnection, created: Sequence[Job]) -> None:
            await sql.lock_owner(connection, owner)
            await sql.insert_uploads(connection, created, new)
            await self._check_limits(connection, owner, len(new), sum(one.size for one in new))

        wanted = [
            NewJob(
                kind=Kind.UPLOAD,
                owner=owner,
                files=[FileRequest(file_id=UNKNOWN_FILE, name=one.name)],
                receive_for=self._settings.upload_window,
                bytes_total=one.size,
            )
            for one in new
        ]
        first = (await self._lifecycle.create_receiving(wanted, idempotency, within))[0]
        async with self._database.reading() as connection:
            return await sql.load_batch(connection, first.id)

    async def _check_limits(self, connection: AsyncConnection, owner: str, count: int, size: int) -> None:
        """Checks the limits of an owner with new uploads, `count` of `size` bytes together, which are written already."""
        most, daily = self._settings.max_open_uploads, self._settings.upload_bytes_per_day
        others = await sql.count_open(connection, owner) - count
        if others + count > most:
            raise TooManyUploads(
                f"At most {most:,} uploads may be open at once, and {others:,} are: {count:,} more are too many. None was"
                " created. Complete or cancel some, or create fewer at once."
            )
        if daily and (total := await sql.sum_bytes(connection, owner)) > daily:
            raise UploadQuotaExceeded(
                f"At most {daily:,} bytes may be uploaded within 24 hours, of which {max(daily - total + size, 0):,} are"
                f" left: {size:,} are too many. None was created. Try again later."
            )

    async def send(
        self, job_id: UUID, sign: Sequence[tuple[int, int]], sent: Sequence[int]
    ) -> tuple[Upload, list[SignedPart]]:
        """Signs the URLs of parts (number, CRC-32), and records those that were `sent` by earlier ones.

        Raises `JobNotFound`, `IllegalTransition` unless the upload is receiving, `InvalidRequest` for a part that it does
        not have or that was never signed, and the errors of the store.
        """
        upload = await self.read(job_id)
        if upload.status is not Status.RECEIVING:
            raise IllegalTransition(f"Upload {job_id} is {upload.status}. It takes no more parts.")
        problems = [
            (field, f"must be from 1 to {upload.part_count}, not {number}")
            for field, number in (
                *((f"sign[{place}].number", number) for place, (number, _) in enumerate(sign)),
                *((f"sent[{place}]", number) for place, number in enumerate(sent)),
            )
            if not 1 <= number <= upload.part_count
        ]
        if problems:
            raise InvalidRequest(
                f"Parts of upload {job_id} have the numbers 1 to {upload.part_count}, not {problems[0][1].split()[-1]}.",
                problems,
            )
        upload_id = upload.upload_id
        if sign and upload_id is None and not upload.is_single:
            upload_id = await self._storage.multipart.create(
                upload.key, upload.content_type or "application/octet-stream", str(job_id), with_checksums=True
            )
        counted = upload_id

        async def within(connection: AsyncConnection, _: Job) -> Progress:
            nonlocal counted
            if upload_id is not None:
                counted = await sql.claim_upload_id(connection, job_id, upload_id)
            await sql.save_signed(connection, job_id, sign)
            unsigned = sorted(set(sent) - await sql.save_sent(connection, job_id, sent))
            if unsigned:
                raise InvalidRequest(
                    f"Part {unsigned[0]} of upload {job_id} cannot have been sent: no URL was signed for it.",
                    [(f"sent[{list(sent).index(number)}]", f"{number} was never signed") for number in unsigned],
                )
            count, last = await sql.count_sent(connection, job_id, upload.part_count)
            shorter = upload.part_size - upload.size_of(upload.part_count) if last else 0
            return Progress(files_total=1, bytes_total=upload.size, bytes_done=count * upload.part_size - shorter)

        try:
            job = await self._lifecycle.receive(job_id, self._settings.upload_window, within)
        except (IllegalTransition, InvalidRequest, JobNotFound):  # on any other error the row may name it
            if upload_id is not None and upload.upload_id is None:
                await self._abort(upload.key, upload_id)
            raise
        if upload_id is not None and counted != upload_id:  # another request was faster
            await self._abort(upload.key, upload_id)
        upload = replace(upload, seq=job.seq, progress=job.progress, due_at=job.due_at)
        return upload, [self._sign(upload, counted, number, crc32) for number, crc32 in sign]

    async def _abort(self, key: str, upload_id: str) -> None:
        with suppress(HaulageError):  # a worker looks for orphans
            await self._storage.multipart.abort(key, upload_id)

    def _sign(self, upload: Upload, upload_id: str | None, number: int, crc32: int) -> SignedPart:
        size, signer = upload.size_of(number), self._storage.part_signer
        if upload_id is None:
            return SignedPart(number, size, signer.sign_object(upload.key, size, crc32))
        return SignedPart(number, size, signer.sign_part(upload.key, upload_id, number, size, crc32))

    async def complete(self, job_id: UUID) -> Job:
        """Queues an upload all of whose parts were sent; again, returns its job as it is by then.

        Raises `JobNotFound`, `PartsMissing`, and `IllegalTransition` if it was cancelled before.
        """

        async def within(connection: AsyncConnection, job: Job) -> None:
            upload = await sql.load_upload(connection, job.id)
            if upload is None:
                raise JobNotFound(f"There is no upload {job_id}.")
            missing = await sql.find_missing(connection, job.id, upload.part_count, upload.part_count)
            if missing:
                names = ", ".join(map(str, missing[:SHOWN_MISSING])) + (", …" if len(missing) > SHOWN_MISSING else "")
                raise PartsMissing(
                    f"{len(missing):,} of {upload.part_count:,} parts were not sent: {names}. Send them, then complete the"
                    " upload again.",
                    missing[:SHOWN_MISSING],
                )

        try:
            return await self._lifecycle.submit(job_id, within)
        except IllegalTransition:
            upload = await self.read(job_id)
            if upload.phase is Phase.RECEIVING:
                raise
            return upload

    # --- reads ---------------------------------------------------------------------------------------------------------

    async def read(self, job_id: UUID) -> Upload:
        """The upload as it is now. Raises `JobNotFound`."""
        snapshot = await self.snapshots.read(job_id)
        if snapshot is None:
            raise JobNotFound(f"There is no upload {job_id}.")
        return snapshot.job

    async def read_any(self, job_id: UUID) -> Upload | None:
        """The upload, even if a person deleted it; None if its rows are deleted."""
        async with self._database.reading() as connection:
            return await sql.load_upload(connection, job_id)

    async def page(
        self, owner: str, statuses: Collection[Status], before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Upload]:
        """The owner's uploads in any of these statuses (none: all), newest first.

        `before`: creation and id of the upload after which they start.
        """
        async with self._database.reading() as connection:
            return await sql.load_uploads(connection, jobs_page(Kind.UPLOAD, owner, statuses, before, limit))

    async def parts(self, job_id: UUID) -> list[Part]:
        """The parts that were signed, by number. A completed upload has none any more."""
        async with self._database.reading() as connection:
            return await sql.load_parts(connection, job_id)

    # --- for attempts and the cleanup ----------------------------------------------------------------------------------

    async def of_job(self, job: Job) -> Upload:
        """The upload of a job that was just claimed. Raises `JobNotFound`."""
        rows = await self._database.fetch("SELECT * FROM upload_jobs WHERE job_id = $1", job.id)
        if not rows:
            raise JobNotFound(f"There is no upload {job.id}.")
        return sql.upload_of_job(job, rows[0])

    async def mark_removed(self, held: Job) -> None:
        """Records that the bytes of an upload are about to be removed. Raises `StaleFence` if its job has changed."""

        async def within(connection: AsyncConnection, job: Job) -> None:
            await sql.mark_removed(connection, job.id)

        await self._lifecycle.write(held, within)


def with_file(file: StoredFile, detected_type: str | None) -> Within:
    """Adds the file of an upload to the catalogue, in the transaction that completes it."""

    async def within(connection: AsyncConnection, job: Job) -> None:
        assert file.crc32 is not None
        await insert_file(connection, file)
        await sql.record_file(
            connection, job.id, file.id, detected_type=detected_type, crc32=file.crc32, sha256=file.sha256
        )

    return within
