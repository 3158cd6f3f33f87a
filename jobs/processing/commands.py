"""Commands and reads of processing jobs: the engine's lifecycle, with the rows that only such a job has."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database
from jobs.engine.jobs import UNKNOWN_FILE, FileRequest, Job
from jobs.engine.lifecycle import FollowUp, Lifecycle, NewJob, Within
from jobs.engine.sql.jobs import dead_jobs_page
from jobs.engine.sql.queue_places import QueuePlaces
from jobs.engine.sql.snapshots import Snapshots
from jobs.errors import FileGone, JobNotFound, QueueFull
from jobs.files.catalogue import StoredFile, find_files, insert_file, lock_available
from jobs.files.states import Role, ScanState
from jobs.files.texts import copy_text, insert_text
from jobs.kinds import Kind
from jobs.processing.processing import (
    Derivative,
    Processing,
    Selection,
    Summary,
    kind_of,
    output_file_name,
    plain_type,
)
from jobs.processing.recipes import Probe, Wishes, first_outputs
from jobs.processing.sql import processing as sql
from jobs.processing.sql.processing import Equal
from jobs.replica_reads import ReplicaReads
from jobs.settings import Settings

REPROCESSED = 200
"""Most originals of which one command creates jobs to process them again."""
SCANNED = 10_000
"""Most files that it looks at, so that it takes no longer the more there are."""
EVERY_TYPE = ("image/*", "video/*", "application/pdf")
"""The types among which are all that can be processed."""


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """What a command to process files again has done. `after`: the id to continue with, None if there are no more."""

    jobs: list[Job]
    after: int | None


class ProcessingJobs:
    """Every method raises `DatabaseUnavailable` if the database is unavailable."""

    def __init__(
        self, database: Database, reads: ReplicaReads, lifecycle: Lifecycle, places: QueuePlaces, settings: Settings
    ) -> None:
        self.snapshots = Snapshots(database, places, sql.ROWS, sql.processing_of)
        self._database = database
        self._reads = reads
        self._lifecycle = lifecycle
        self._enabled = settings.processing == "on"

    # --- new jobs ------------------------------------------------------------------------------------------------------

    def follow_up(self, file: StoredFile, detected_type: str | None, wishes: Mapping[str, Any]) -> FollowUp | None:
        """The job that processes a file which is about to be added to the catalogue; None if nothing is made of it.

        `wishes`: as they were written with the upload.
        """
        if not self._enabled or kind_of(detected_type) is None or file.scan not in {ScanState.NONE, ScanState.CLEAN}:
            return None
        new, within = _new_job(file, Wishes.from_json(wishes), batch=False)
        return FollowUp(new, within)

    async def reprocess(self, selection: Selection, wishes: Wishes, after: int) -> Reprocessed:
        """Creates jobs for the next originals of a selection, by id after `after`: `REPROCESSED` at most, or none.

        These are claimed only while no other jobs of their kind wait. Fewer are created when `MAX_QUEUED` of them wait;
        raises `QueueFull` if none could be.
        """
        chosen = selection if selection.types else replace(selection, types=EVERY_TYPE)
        async with self._database.reading() as connection:
            end = await sql.find_scan_end(connection, after, SCANNED)
            found = await sql.select_originals(connection, chosen, after, end, REPROCESSED)
        created: list[Job] = []
        last = after
        for file in found:
            if kind_of(file.content_type) is not None:
                new, within = _new_job(file, wishes, batch=True)
                try:
                    created.append(await self._lifecycle.create(new, within=within))
                except QueueFull:
                    if not created:
                        raise
                    return Reprocessed(created, last)
            last = file.id
        return Reprocessed(created, last if len(found) == REPROCESSED else end)

    # --- reads ---------------------------------------------------------------------------------------------------------

    async def read_any(self, job_id: UUID) -> Processing | None:
        """The job, even if a person deleted it; None if its rows are deleted."""
        async with self._database.reading() as connection:
            return await sql.find_processing(connection, job_id)

    async def dead_page(
        self, kind: Kind, owner: str, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Processing]:
        """The owner's dead jobs of a kind, the most recent first, those after the cursor `before`."""
        query = dead_jobs_page(kind, owner, before, limit)
        return await self._reads.query(lambda connection: sql.load_processing(connection, query))

    async def summaries(self, file_ids: Collection[int]) -> dict[int, Summary]:
        """The latest processing job of each of the files that have one."""
        return await sql.load_summaries(self._database, file_ids) if file_ids else {}

    async def first_of(self, file_id: int) -> tuple[UUID, Kind] | None:
        """The job that the upload of a file has created, and its kind."""
        return await sql.find_first(self._database, file_id)

    async def derivatives(self, file_id: int) -> list[Derivative]:
        """What was made of a file."""
        return await sql.load_derivatives(self._database, file_id)

    # --- for attempts --------------------------------------------------------------------------------------------------

    async def of_job(self, job: Job) -> Processing:
        """The processing job of a job that was just claimed. Raises `JobNotFound`."""
        rows = await self._database.fetch("SELECT * FROM processing_jobs WHERE job_id = $1", job.id)
        if not rows:
            raise JobNotFound(f"There is no job {job.id}.")
        return sql.processing_of_job(job, rows[0])

    async def source(self, job: Processing) -> StoredFile:
        """The file that the job processes. Raises `FileGone`."""
        async with self._database.reading() as connection:
            file = (await find_files(connection, [job.parent_id])).get(job.parent_id)
        if file is None or not file.available:
            raise _gone(job, file)
        return file

    async def made(self, job: Processing) -> dict[str, Derivative]:
        """What earlier attempts of the job have made, by the name of the output."""
        async with self._database.reading() as connection:
            return {one.output: one for one in await sql.load_made(connection, job.id)}

    async def find_equal(self, job: Processing, fingerprint: str) -> Equal | None:
        """The latest equal job of the same owner all of whose outputs are available."""
        async with self._database.reading() as connection:
            return await sql.find_equal(connection, job, fingerprint)

    async def save_probe(self, held: Job, probe: Probe, fingerprint: str) -> None:
        """Records what was found in the header of the file, and what makes the job equal to others.

        Raises `StaleFence` if the job has changed.
        """

        async def within(connection: AsyncConnection, job: Job) -> None:
            await sql.save_probe(connection, job.id, probe, fingerprint)

        await self._lifecycle.write(held, within)

    async def add(
        self,
        job: Processing,
        made: Sequence[Derivative],
        shared_with: Sequence[StoredFile] = (),
        text: bytes | None = None,
    ) -> bool:
        """Adds files to the catalogue that the job has made. `shared_with`: files whose objects they share.

        `text`: the start of the one that is a text, whose words are indexed.

        Returns False, and adds none, if one of these is not available any more. Raises `StaleFence` if the job has changed,
        and `FileGone` if its source is gone.
        """
        added = True

        async def within(connection: AsyncConnection, _: Job) -> None:
            nonlocal added
            if not await lock_available(connection, job.parent_id):
                raise _gone(job, (await find_files(connection, [job.parent_id])).get(job.parent_id))
            for other in shared_with:
                added = added and await lock_available(connection, other.id)
            for one in made if added else ():
                await insert_file(connection, one.file)
                await sql.insert_derived(connection, one)
                if text is not None:
                    await insert_text(connection, one.file, text)
                elif one.file.role is Role.TEXT:
                    await copy_text(connection, next(it.id for it in shared_with if it.key == one.file.key), one.file)

        await self._lifecycle.write(job, within)
        return added


def with_newer(job: Processing) -> Within:
    """Removes what the job has made anew from the catalogue, in the transaction that completes it."""

    async def within(connection: AsyncConnection, _: Job) -> None:
        await sql.mark_replaced(connection, job)

    return within


def _new_job(file: StoredFile, wishes: Wishes, *, batch: bool) -> tuple[NewJob, Within]:
    kind = kind_of(file.content_type)
    assert kind is not None
    names = [output_file_name(file.name, output) for output in first_outputs(plain_type(file.content_type), wishes)]

    async def within(connection: AsyncConnection, job: Job) -> None:
        await sql.insert_processing(connection, job, file, wishes)

    files = [FileRequest(file_id=UNKNOWN_FILE, name=name) for name in names]
    return NewJob(kind=kind, owner=file.owner, files=files, batch=batch), within


def _gone(job: Processing, file: StoredFile | None) -> FileGone:
    why = "it is not available" if file is None or file.gone is None else file.gone
    return FileGone(f"Nothing can be made of {job.name}: {why}.")
