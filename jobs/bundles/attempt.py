"""One attempt at a job: resolve, plan, pack. It returns the result, or raises why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from jobs.bundles.format.checkpoints import DonePart, Upload
from jobs.bundles.format.deflated_plan import DeflatePlan
from jobs.bundles.format.stored_plan import MIN_PART_SIZE, BundlePlan
from jobs.bundles.packing.callbacks import PackingCallbacks
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.verification import CatalogueWrong
from jobs.bundles.planning import ZIP, archive_name, bundle_key, content, deflated_plan_of, fingerprint, plan_of
from jobs.bundles.resolver import Missing, Resolver, Source
from jobs.engine.jobs import (
    Compression,
    Failure,
    FileRecord,
    FileRequest,
    FileState,
    Omission,
    OnMissing,
    Result,
    ResultKind,
)
from jobs.engine.lifecycle import Claimed, Lifecycle
from jobs.engine.worker.reporter import Reporter
from jobs.errors import (
    ChecksumMismatch,
    ErrorClass,
    FilesMissing,
    HaulageError,
    ObjectMissing,
    StaleFence,
)
from jobs.settings import Settings
from jobs.storage import Storage, UploadUnusable

log = structlog.get_logger()

ABORT_PATIENCE = 2.0
"""Seconds that an attempt spends on removing an upload: a store that hangs must not hold up the job."""


@dataclass(frozen=True, slots=True)
class Reused:
    """The result is a bundle that another job hands out, too: it counts only if one still does when it is written."""

    result: Result


class Attempt:
    """Runs once."""

    def __init__(
        self,
        claimed: Claimed,
        reporter: Reporter,
        *,
        lifecycle: Lifecycle,
        resolver: Resolver,
        packer: Packer,
        storage: Storage,
        settings: Settings,
    ) -> None:
        self._job = claimed.job
        self._records = claimed.records
        self._reporter = reporter
        self._lifecycle = lifecycle
        self._resolver = resolver
        self._packer = packer
        self._storage = storage
        self._settings = settings

    async def run(self) -> Result | Reused:
        """The job's result. Raises the `HaulageError` that ended the attempt."""
        requests = [FileRequest(file_id=record.file_id, name=record.name) for record in self._records]
        # What ended an attempt may be a listing that tells of other objects than a read finds.
        found = await self._resolver.resolve(requests, pages=self._job.attempt == 1)
        self._reporter.resolved([self._resolved(record, one) for record, one in zip(self._records, found, strict=True)])
        await self._reporter.flush()
        missing = [one for one in found if isinstance(one, Missing)]
        there = [(index, one) for index, one in enumerate(found) if isinstance(one, Source)]
        if self._job.on_missing.fails(missing=len(missing), available=len(there)):
            raise FilesMissing(_all_named(missing, len(found)))
        if self._job.result_kind is ResultKind.OBJECT:
            return self._object(there[0][1])
        wanted = content([source for _, source in there], missing, self._job.compression)
        return await self._equal(wanted, there, missing) or await self._bundle(wanted, there, missing)

    def _resolved(self, record: FileRecord, one: Source | Missing) -> FileRecord:
        if isinstance(one, Source):
            return replace(
                record,
                entry_name=one.name,
                state=FileState.PENDING,
                key=one.key,
                size=one.size,
                etag=one.etag,
                crc32=one.crc32,
                sha256=one.sha256,
            )
        state = FileState.FAILED if self._job.on_missing is OnMissing.FAIL else FileState.OMITTED
        failure = Failure(error_class=ErrorClass.VALIDATION, message=f"Left out: {one.reason}.")
        if state is FileState.FAILED:
            failure = replace(failure, message=f"Missing: {one.reason}.")
        return replace(record, entry_name=one.name, state=state, failure=failure)

    def _object(self, source: Source) -> Result:
        """One file and no archive name: the link points at the source itself."""
        self._reporter.read(0, source.size)
        self._reporter.done(0, source.crc32)
        return Result(
            kind=ResultKind.OBJECT,
            key=source.key,
            size=source.size,
            etag=source.etag,
            crc32=source.crc32,
            sha256=source.sha256,
            filename=source.name.rpartition("/")[2],
            content_type=source.content_type,
        )

    async def _equal(
        self, wanted: str, there: Sequence[tuple[int, Source]], missing: Sequence[Missing]
    ) -> Reused | None:
        """A bundle with the wanted content that is there: nothing has to be read or written."""
        found = await self._lifecycle.find_equal(wanted) if self._settings.bundle_reuse else None
        if found is None or not await self._is_there(found):
            return None
        for index, source in there:
            self._reporter.kept(index, source.size)
            self._reporter.done(index, source.crc32)
        log.info("bundle_reused", key=found.key, size=found.size)
        return Reused(replace(found, filename=archive_name(self._job), omitted=_omissions(missing)))

    async def _is_there(self, result: Result) -> bool:
        try:
            info = await self._storage.objects.head(result.key)
        except ObjectMissing:
            return False
        return (info.size, info.etag) == (result.size, result.etag)

    async def _bundle(self, wanted: str, there: Sequence[tuple[int, Source]], missing: Sequence[Missing]) -> Result:
        sources = [source for _, source in there]
        plan = await self._plan(wanted, sources, missing)
        places = [index for index, _ in there]
        watch = PackingCallbacks(
            read=lambda entry, amount: self._reporter.read(places[entry], amount),
            kept=lambda entry, amount: self._reporter.kept(places[entry], amount),
            part=self._reporter.part,
            done=lambda entry, crc32: self._reporter.done(places[entry], crc32),
            failed=lambda entry, error: self._reporter.failed(places[entry], note_of(error)),
        )
        upload, done = await self._upload(fingerprint(plan, wanted))
        try:
            packed = await self._packer.pack(plan, sources, upload, done, watch)
        except (UploadUnusable, ChecksumMismatch) as error:
            if isinstance(error, CatalogueWrong):
                await self._resolver.learn([sources[error.entry]], [error.crc])
            await self._give_up(upload)
            raise
        await self._resolver.learn(sources, packed.crcs)
        return Result(
            kind=ResultKind.BUNDLE,
            key=upload.key,
            size=packed.size,
            etag=packed.etag,
            crc32=packed.crc32,
            sha256=None,
            filename=archive_name(self._job),
            content_type=ZIP,
            omitted=_omissions(missing),
            fingerprint=wanted,
        )

    async def _plan(
        self, wanted: str, sources: Sequence[Source], missing: Sequence[Missing]
    ) -> BundlePlan | DeflatePlan:
        if self._job.compression is Compression.DEFLATE:
            return deflated_plan_of(self._job.created_at, sources, missing, self._settings)
        copies = any(source.certain and source.size > MIN_PART_SIZE for source in sources)
        copies = copies and await self._storage.copying.works()
        plan = self._plan_with(copies, sources, missing)
        if self._job.upload is not None and self._job.upload.fingerprint != fingerprint(plan, wanted):
            other = self._plan_with(not copies, sources, missing)
            if self._job.upload.fingerprint == fingerprint(other, wanted):
                return other  # a worker that sees the store otherwise has begun it
        return plan

    def _plan_with(self, copies: bool, sources: Sequence[Source], missing: Sequence[Missing]) -> BundlePlan:
        return plan_of(self._job.created_at, sources, missing, self._settings, copies=copies)

    async def _upload(self, wanted: str) -> tuple[Upload, Sequence[DonePart]]:
        """The upload to go on with and the parts that it has: that of the attempt before, or a new one."""
        if self._job.upload is not None:
            if self._job.upload.fingerprint == wanted:
                done = await self._lifecycle.parts(self._job)
                log.info("upload_resumed", parts=len(done))
                return self._job.upload, done
            await self._give_up(self._job.upload)
        key = bundle_key(self._job.id, self._job.fence)
        upload = Upload(key=key, id=await self._storage.uploads.create(key, ZIP, wanted), fingerprint=wanted)
        try:
            await self._lifecycle.set_upload(self._job, upload)
        except StaleFence:  # else the row may name it, and whoever reads that goes on with it
            await self._abort(upload)
            raise
        return upload, ()

    async def _give_up(self, upload: Upload) -> None:
        """Forgets an upload that nobody can go on with, and then removes it. Raises `StaleFence`."""
        await self._lifecycle.set_upload(self._job, None)
        await self._abort(upload)

    async def _abort(self, upload: Upload) -> None:
        with suppress(HaulageError, TimeoutError):  # the sweeper looks again when the job has ended
            async with asyncio.timeout(ABORT_PATIENCE):
                await self._storage.uploads.abort(upload.key, upload.id)


def note_of(error: HaulageError) -> Failure:
    """What is kept of an error."""
    return Failure(error_class=error.error_class, message=error.message)


def _omissions(missing: Sequence[Missing]) -> tuple[Omission, ...]:
    return tuple(Omission(file_id=one.file_id, name=one.name, reason=one.reason) for one in missing)


def _all_named(missing: Sequence[Missing], total: int) -> str:
    names = ", ".join(f"{one.file_id} ({one.reason})" for one in missing)
    return f"{len(missing)} of {total} files are missing: {names}. Ask without them, or with onMissing: skip."
