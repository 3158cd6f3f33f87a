"""Commands and reads of uploads: the engine's lifecycle, with the rows that only an upload has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.access.audit import Action, record_within
from jobs.database import Database
from jobs.engine.jobs import UNKNOWN_FILE, FileRequest, Job, Progress, Status
from jobs.engine.lifecycle import Lifecycle, NewJob, Within
from jobs.engine.sql.jobs import Idempotency, dead_jobs_page, jobs_page, lock_job
from jobs.engine.sql.queue_places import QueuePlaces
from jobs.engine.sql.snapshots import Snapshots
from jobs.errors import (
    HaulageError,
    IllegalTransition,
    InvalidRequest,
    JobNotFound,
    ObjectMissing,
    PartsMissing,
    TooManyUploads,
    UploadQuotaExceeded,
)
from jobs.files.catalogue import StoredFile, insert_file
from jobs.kinds import Kind, Phase
from jobs.notices import raise_notice
from jobs.replica_reads import ReplicaReads
from jobs.settings import UploadSettings
from jobs.storage import Storage
from jobs.storage.part_signing import SignedPut
from jobs.uploads import notices
from jobs.uploads.sql import appends
from jobs.uploads.sql import uploads as sql
from jobs.uploads.sql.files import find_same_content, lock_same_content
from jobs.uploads.uploads import OCTETS, NewUpload, Part, Upload

log = structlog.get_logger()

SHOWN_MISSING = 100
"""Most missing parts that one error names."""
COPIES = 10
"""Most objects with the same content that are looked at. There is one, unless somebody has changed the store."""
SYSTEM = "haulage"
"""Who acts, in the audit log, where no user does."""


@dataclass(frozen=True, slots=True)
class SignedPart:
    """The URL by which a client sends a part. Size in bytes."""

    number: int
    size: int
    put: SignedPut


class Uploads:
    """Every method raises `DatabaseUnavailable` if the database is unavailable."""

    def __init__(
        self,
        database: Database,
        reads: ReplicaReads,
        lifecycle: Lifecycle,
        places: QueuePlaces,
        storage: Storage,
        settings: UploadSettings,
    ) -> None:
        self.snapshots = Snapshots(database, places, sql.ROWS, sql.upload_of)
        self._database = database
        self._reads = reads
        self._lifecycle = lifecycle
        self._storage = storage
        self._settings = settings

    # --- commands of people --------------------------------------------------------------------------------------------

    async def create(
        self,
        owner: str,
        new: Sequence[NewUpload],
        idempotency: Idempotency | None = None,
        traceparent: str | None = None,
    ) -> list[Upload]:
        """Creates an upload for each file. The same key and request again return those of the first time.

        The store is not called. Raises what `Lifecycle.create` does, `TooManyUploads` and `UploadQuotaExceeded`; then none
        is created.
        """

        async def within(connection: AsyncConnection, created: Sequence[Job]) -> None:
            await sql.lock_owner(connection, owner)
            await sql.insert_uploads(connection, created, new)
            await self._check_limits(connection, owner, len(new), sum(one.size or 0 for one in new))

        wanted = [
            NewJob(
                kind=Kind.UPLOAD,
                owner=owner,
                files=[FileRequest(file_id=UNKNOWN_FILE, name=one.name)],
                receive_for=self._settings.upload_window,
                bytes_total=one.size,
                traceparent=traceparent,
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

        Raises `JobNotFound`, `IllegalTransition` unless the upload is receiving and its parts are sent to the store,
        `InvalidRequest` for a part that it does not have or that was never signed, and the errors of the store.
        """
        upload = await self.read(job_id)
        check_receiving(upload)
        if upload.streamed:
            raise IllegalTransition(
                f"Upload {job_id} is sent to the intake, so no part of it can be sent to the store. Continue it there, or"
                " create a new upload."
            )
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
        if sign and not upload.is_single:
            upload_id = await self.start_multipart(upload)

        async def within(connection: AsyncConnection, _: Job) -> Progress:
            await sql.save_signed(connection, job_id, sign)
            await _record_sent(connection, job_id, sent)
            return await progress_of(connection, upload)

        job = await self._lifecycle.receive(job_id, self._settings.upload_window, within)
        upload = replace(upload, seq=job.seq, progress=job.progress, due_at=job.due_at)
        return upload, [self._sign(upload, upload_id, number, crc32) for number, crc32 in sign]

    async def start_multipart(self, upload: Upload) -> str:
        """The id of the multipart upload of a receiving upload, which is created unless there is one.

        Raises `JobNotFound`, `IllegalTransition` unless the upload is receiving, and the errors of the store.
        """
        if upload.upload_id is not None:
            return upload.upload_id
        upload_id = await self._storage.multipart.create(
            upload.key, upload.content_type or OCTETS, str(upload.id), with_checksums=True
        )
        counted = upload_id
        try:
            async with self._database.begin() as connection:
                job, _ = await lock_job(connection, upload.id)
                check_receiving(job)
                counted = await sql.claim_upload_id(connection, upload.id, upload_id)
        except (IllegalTransition, JobNotFound):  # on any other error the row may name it
            await self._abort(upload.key, upload_id)
            raise
        if counted != upload_id:  # another request was faster
            await self._abort(upload.key, upload_id)
        return counted

    async def _abort(self, key: str, upload_id: str) -> None:
        with suppress(HaulageError):  # a worker looks for orphans
            await self._storage.multipart.abort(key, upload_id)

    def _sign(self, upload: Upload, upload_id: str | None, number: int, crc32: int) -> SignedPart:
        size, signer = upload.size_of(number), self._storage.part_signer
        if upload_id is None:
            return SignedPart(number, size, signer.sign_object(upload.key, size, crc32))
        return SignedPart(number, size, signer.sign_part(upload.key, upload_id, number, size, crc32))

    async def complete(self, job_id: UUID, sent: Sequence[int] = ()) -> Job:
        """Queues an upload all of whose parts were sent, the last ones of them `sent` since the last call of `send`.

        Again, it returns the job as it is by then. Raises `JobNotFound`, `IllegalTransition` if it was cancelled before,
        and `PartsMissing` and `InvalidRequest`, after which nothing of `sent` is recorded.
        """

        async def within(connection: AsyncConnection, job: Job) -> None:
            upload = await sql.load_upload(connection, job.id)
            if not upload.size_known:
                raise IllegalTransition(f"Upload {job_id} is still being sent: its size is not known yet.")
            await _record_sent(connection, job.id, sent)
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
            raise sql.not_found(job_id)
        return snapshot.job

    async def read_any(self, job_id: UUID) -> Upload | None:
        """The upload, even if a person deleted it; None if its rows are deleted."""
        async with self._database.reading() as connection:
            return await sql.find_upload(connection, job_id)

    async def page(
        self, owner: str, statuses: Collection[Status], before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Upload]:
        """The owner's uploads in any of these statuses (none: all), newest first.

        `before`: creation and id of the upload after which they start.
        """
        query = jobs_page(Kind.UPLOAD, owner, statuses, before, limit)
        return await self._reads.query(lambda connection: sql.load_uploads(connection, query))

    async def dead_page(self, owner: str, before: tuple[datetime, UUID] | None, limit: int) -> list[Upload]:
        """The owner's dead uploads, the most recent first, those after the cursor `before`."""
        query = dead_jobs_page(Kind.UPLOAD, owner, before, limit)
        return await self._reads.query(lambda connection: sql.load_uploads(connection, query))

    async def parts(self, job_id: UUID) -> list[Part]:
        """The parts that were signed, by number. A completed upload has none any more."""
        async with self._database.reading() as connection:
            return await sql.load_parts(connection, job_id)

    # --- for attempts and the cleanup ----------------------------------------------------------------------------------

    async def of_job(self, job: Job) -> Upload:
        """The upload of a job that was just claimed. Raises `JobNotFound`."""
        rows = await self._database.fetch("SELECT * FROM upload_jobs WHERE job_id = $1", job.id)
        if not rows:
            raise sql.not_found(job.id)
        return sql.upload_of_job(job, rows[0])

    async def mark_removed(self, held: Job, *, infected: bool = False) -> None:
        """Records that the bytes of an upload are about to be removed. Raises `StaleFence` if its job has changed."""

        async def within(connection: AsyncConnection, job: Job) -> None:
            await sql.mark_removed(connection, job.id)
            if infected:
                await record_within(connection, _action("removeInfected", job))

        await self._lifecycle.write(held, within)

    async def quarantine(self, held: Job, finding: str) -> None:
        """Records what the virus scanner has found in an upload. Raises `StaleFence` if its job has changed."""

        async def within(connection: AsyncConnection, job: Job) -> None:
            await sql.mark_infected(connection, job.id, finding)
            await record_within(connection, _action("quarantine", job))
            await raise_notice(connection, notices.infected(job, finding))

        await self._lifecycle.write(held, within)
        log.warning("upload_quarantined", job_id=str(held.id), owner=held.owner, finding=finding)

    async def require_retryable(self, job_id: UUID) -> None:
        """Raises `IllegalTransition` for an infected upload: its bytes stay in quarantine until they are removed."""
        async with self._database.reading() as connection:
            await check_retryable(connection, job_id)

    async def find_broken_objects(self, file: StoredFile) -> set[str]:
        """The keys of objects with the same content, by the catalogue, that the store does not have as it says.

        Raises the errors of the store.
        """
        if file.sha256 is None:
            return set()
        async with self._database.reading() as connection:
            found = await find_same_content(connection, file, COPIES)
        broken = set()
        for one in found:
            try:
                info = await self._storage.objects.head(one.key)
            except ObjectMissing:
                broken.add(one.key)
            else:
                if (info.etag, info.size) != (one.etag, file.size):
                    broken.add(one.key)
        return broken


async def check_retryable(connection: AsyncConnection, job_id: UUID) -> None:
    """The same on a connection of the caller."""
    upload = await sql.find_upload(connection, job_id)
    if upload is not None and upload.infected_at is not None:
        raise IllegalTransition(f"Upload {job_id} is infected. It cannot be retried.")


def check_receiving(job: Job) -> None:
    """Raises `IllegalTransition` for an upload that accepts no more bytes."""
    if job.status is not Status.RECEIVING:
        raise IllegalTransition(f"Upload {job.id} is {job.status}. It takes no more bytes.")


async def progress_of(connection: AsyncConnection, upload: Upload) -> Progress:
    """How much of the upload has arrived: complete parts, and what follows them."""
    count, last = await sql.count_sent(connection, upload.id, upload.part_count)
    shorter = upload.part_size - upload.size_of(upload.part_count) if last else 0
    done = count * upload.part_size - shorter + await appends.sum_tail(connection, upload.id)
    return Progress(files_total=1, bytes_total=upload.size if upload.size_known else None, bytes_done=done)


async def _record_sent(connection: AsyncConnection, job_id: UUID, sent: Sequence[int]) -> None:
    """Records that parts were sent. Raises `InvalidRequest` for one that was never signed."""
    unsigned = sorted(set(sent) - await sql.save_sent(connection, job_id, sent)) if sent else []
    if unsigned:
        raise InvalidRequest(
            f"Part {unsigned[0]} of upload {job_id} cannot have been sent: no URL was signed for it.",
            [(f"sent[{list(sent).index(number)}]", f"{number} was never signed") for number in unsigned],
        )


def _action(name: str, job: Job) -> Action:
    """An entry of the audit log for what no user has done."""
    return Action(actor=SYSTEM, proof="scanner", action=name, subject=str(job.id))


def with_file(file: StoredFile, detected_type: str | None, broken: Collection[str] = ()) -> Within:
    """Adds the file of an upload to the catalogue, in the transaction that completes it.

    If its owner has uploaded the same content before, by SHA-256, the file has the object of that one, unless its key is
    among those that are `broken`. The cleanup of the upload removes its own.
    """

    async def within(connection: AsyncConnection, job: Job) -> None:
        assert file.crc32 is not None
        shared = None if file.sha256 is None else await lock_same_content(connection, file, broken)
        await insert_file(connection, file if shared is None else replace(file, key=shared.key, etag=shared.etag))
        await sql.record_file(
            connection, job.id, file.id, detected_type=detected_type, crc32=file.crc32, sha256=file.sha256
        )

    return within
