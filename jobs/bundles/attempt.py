"""One attempt at a download: resolve, fetch what is a URL, plan, pack."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from jobs.bundles.commands import Downloads, with_result, with_shared_result
from jobs.bundles.downloads import Compression, Download, Omission, OnMissing, Result, ResultKind
from jobs.bundles.format.checkpoints import DonePart, MultipartUpload
from jobs.bundles.format.deflated_plan import DeflatedPlan
from jobs.bundles.format.stored_plan import MIN_PART_SIZE, StoredPlan
from jobs.bundles.keys import bundle_key, source_key
from jobs.bundles.packing.callbacks import PackingCallbacks
from jobs.bundles.packing.packer import ZIP, Packer
from jobs.bundles.packing.verification import CatalogueChecksumWrong
from jobs.bundles.planning import (
    archive_name,
    fingerprint_plan,
    hash_content,
    plan_deflated_bundle,
    plan_stored_bundle,
)
from jobs.bundles.resolver import Missing, Resolver, Source, Unfetched
from jobs.bundles.sources.fetcher import MAX_FETCHES, Fetcher
from jobs.bundles.url_sources import UrlSource, shown_url
from jobs.concurrency import map_limited
from jobs.engine.jobs import UNKNOWN_FILE, Failure, FileRecord, FileRequest, FileState
from jobs.engine.lifecycle import Claimed
from jobs.engine.worker.reporter import Reporter
from jobs.engine.worker.work import Success
from jobs.errors import (
    ChecksumMismatch,
    ErrorClass,
    FilesMissing,
    HaulageError,
    ObjectMissing,
    SourceRejected,
    SourceUnavailable,
    StaleFence,
)
from jobs.files.media_types import media_type
from jobs.kinds import Phase
from jobs.metrics import REUSED
from jobs.settings import Settings
from jobs.storage import Storage, UploadUnusable
from jobs.tracing.spans import step

log = structlog.get_logger()

ABORT_TIMEOUT = 2.0
"""Seconds for aborting a multipart upload: a store that hangs must not hold up the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundler:
    """What the attempts of one worker share."""

    downloads: Downloads
    resolver: Resolver
    fetcher: Fetcher
    packer: Packer
    storage: Storage
    settings: Settings

    async def attempt(self, claimed: Claimed, reporter: Reporter) -> Success:
        """Runs one attempt. Raises the `HaulageError` that ended it, or `StaleFence`."""
        download = await self.downloads.of_job(claimed.job)
        return await Attempt(self, download, claimed.records, reporter).run()


class Attempt:
    """Runs once."""

    def __init__(self, bundler: Bundler, download: Download, records: Sequence[FileRecord], reporter: Reporter) -> None:
        self._bundler = bundler
        self._download = download
        self._records = records
        self._reporter = reporter
        self._storage = bundler.storage
        self._settings = bundler.settings
        self._fetched: set[int] = set()
        """The indexes of files that were fetched from URLs: their bytes counted then, and not again while packed."""

    async def run(self) -> Success:
        """Produces the result of the download. Raises the `HaulageError` that ended the attempt."""
        requests = [FileRequest(file_id=record.file_id, name=record.name) for record in self._records]
        # An earlier attempt may have failed because a listing showed other objects than a read finds.
        with step("resolve files", files=len(requests)):
            resolved = await self._bundler.resolver.resolve_all(
                requests, self._download.reader, listings=self._download.attempt == 1
            )
        records = [self._resolved(record, one) for record, one in zip(self._records, resolved, strict=True)]
        unsized = [index for index, one in enumerate(resolved) if isinstance(one, Unfetched)]
        self._reporter.resolved(records, unsized)
        self._check_missing([one for one in resolved if isinstance(one, Missing)], len(resolved))
        found = await self._fetch(resolved)
        missing = [one for one in found if isinstance(one, Missing)]
        available = [(index, one) for index, one in enumerate(found) if isinstance(one, Source)]
        self._check_missing(missing, len(found))
        self._reporter.enter(Phase.PACKING)
        if self._download.result_kind is ResultKind.OBJECT:
            return self._success(self._link(available[0][1]))
        content_hash = hash_content([source for _, source in available], missing, self._download.compression)
        # A file that was fetched is equal to no other, since its host may send another one each time.
        shared = None if self._fetched else await self._find_shared(content_hash, available, missing)
        if shared is not None:
            return Success(self._settings.bundle_ttl, with_shared_result(shared))
        return self._success(await self._pack(content_hash, available, missing))

    def _success(self, result: Result) -> Success:
        return Success(self._settings.bundle_ttl, with_result(result, has_sources=bool(self._fetched)))

    def _check_missing(self, missing: Sequence[Missing], total: int) -> None:
        """Raises `FilesMissing` if the download cannot be made without these of its files."""
        if self._download.on_missing.fails(missing=len(missing), available=total - len(missing)):
            raise FilesMissing(_missing_text(missing, total))

    async def _fetch(self, resolved: Sequence[Source | Missing | Unfetched]) -> list[Source | Missing]:
        """The same files, with those that are URLs fetched. Raises what `_fetch_one` does."""
        if not any(isinstance(one, Unfetched) for one in resolved):
            return [one for one in resolved if not isinstance(one, Unfetched)]
        self._reporter.enter(Phase.FETCHING)
        sources = {source.index: source for source in await self._bundler.downloads.sources(self._download.id)}
        self._fetched = set(sources)

        async def fetched(place: tuple[int, Source | Missing | Unfetched]) -> Source | Missing:
            index, one = place
            return await self._fetch_one(index, one.name, sources[index]) if isinstance(one, Unfetched) else one

        with step("fetch URLs", files=len(sources)):
            # No more wait for a slot at once, so that a job of many URLs does not hold up the URLs of others.
            return await map_limited(fetched, enumerate(resolved), MAX_FETCHES)

    async def _fetch_one(self, index: int, name: str, source: UrlSource) -> Source | Missing:
        """Fetches a file that is a URL. It is missing if that is impossible, and may be left out.

        Raises `FilesMissing` if it may not, and whatever else ends the attempt.
        """
        target = Source(
            file_id=UNKNOWN_FILE,
            name=name,
            key=source_key(self._download.id, index, self._download.fence),
            size=0,
            etag="",
            crc32=None,
            sha256=None,
            content_type=media_type(name),
            modified=self._download.created_at,
            trusted=True,
            url=shown_url(source.request.url),
        )
        found: Source | Missing
        try:
            if self._settings.url_sources == "off":
                reason = "URLs are not fetched here any more; an operator can allow it by URL_SOURCES"
                raise SourceRejected(reason)  # noqa: TRY301 - it is a rejection like those of the host
            fetched = await self._bundler.fetcher.fetch(self._download, source, target, self._reporter)
            found = replace(
                target,
                key=fetched.key,
                size=fetched.size,
                etag=fetched.etag,
                crc32=fetched.crc32,
                sha256=fetched.sha256,
                modified=fetched.modified,
            )
        except SourceRejected as error:
            found = Missing(file_id=UNKNOWN_FILE, name=name, reason=error.message)
        except SourceUnavailable as error:
            is_last = self._download.attempt >= self._download.max_attempts
            if not (is_last and self._download.on_missing is OnMissing.SKIP):
                self._reporter.failed(index, Failure(error_class=error.error_class, message=error.message))
                raise type(error)(f"{name}: {error.message}", error.retry_after) from error
            found = Missing(file_id=UNKNOWN_FILE, name=name, reason=error.message.rstrip("."))
        self._reporter.refined(self._resolved(self._records[index], found))
        if isinstance(found, Missing):
            log.info("fetch_failed", file=index, reason=found.reason)
            if self._download.on_missing is OnMissing.FAIL:
                raise FilesMissing(_missing_text([found], len(self._records)))
        return found

    def _resolved(self, record: FileRecord, found: Source | Missing | Unfetched) -> FileRecord:
        if isinstance(found, Unfetched):
            return replace(record, entry_name=found.name, state=FileState.PENDING, size=None)
        if isinstance(found, Source):
            return replace(
                record,
                entry_name=found.name,
                state=FileState.PENDING,
                key=found.key,
                size=found.size,
                etag=found.etag,
                crc32=found.crc32,
                sha256=found.sha256,
            )
        fails = self._download.on_missing is OnMissing.FAIL
        message = f"Missing: {found.reason}." if fails else f"Skipped: {found.reason}."
        return replace(
            record,
            entry_name=found.name,
            state=FileState.FAILED if fails else FileState.OMITTED,
            failure=Failure(error_class=ErrorClass.VALIDATION, message=message),
        )

    def _link(self, source: Source) -> Result:
        """One file and no archive name: the result is the source object itself."""
        self._read(0, source.size)
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

    def _read(self, index: int, amount: int, *, skipped: bool = False) -> None:
        """Bytes of a file were packed, by this attempt or an earlier one."""
        if index in self._fetched:
            return
        if skipped:
            self._reporter.skipped(index, amount)
        else:
            self._reporter.read(index, amount)

    async def _find_shared(
        self, content_hash: str, available: Sequence[tuple[int, Source]], missing: Sequence[Missing]
    ) -> Result | None:
        """An existing bundle with this content, which spares reading and writing anything."""
        if not self._settings.bundle_reuse:
            return None
        found = await self._bundler.downloads.find_equal(content_hash, self._download.owner)
        if found is None:
            return None
        try:
            info = await self._storage.objects.head(found.key)
        except ObjectMissing:
            return None
        if (info.size, info.etag) != (found.size, found.etag):
            return None
        for index, source in available:
            self._reporter.skipped(index, source.size)
            self._reporter.done(index, source.crc32)
        REUSED.inc(found.size)
        log.info("bundle_reused", key=found.key, size=found.size)
        return replace(found, filename=archive_name(self._download), omitted=_omissions(missing))

    async def _pack(
        self, content_hash: str, available: Sequence[tuple[int, Source]], missing: Sequence[Missing]
    ) -> Result:
        sources = [source for _, source in available]
        indexes = [index for index, _ in available]
        plan = await self._plan(content_hash, sources, missing)
        reporter = self._reporter
        single = isinstance(plan, StoredPlan) and plan.single
        upload, done = await self._upload(fingerprint_plan(plan, content_hash), single=single)
        key = bundle_key(self._download.id, self._download.fence) if upload is None else upload.key

        def entry_failed(entry: int, error: HaulageError) -> None:
            reporter.failed(indexes[entry], Failure(error_class=error.error_class, message=error.message))

        def part_uploaded(part: DonePart) -> None:
            if upload is not None:  # else there is nothing that another attempt could continue
                reporter.part(part.record())

        callbacks = PackingCallbacks(
            bytes_read=lambda entry, amount: self._read(indexes[entry], amount),
            bytes_reused=lambda entry, amount: self._read(indexes[entry], amount, skipped=True),
            part_uploaded=part_uploaded,
            entry_packed=lambda entry, crc32: reporter.done(indexes[entry], crc32),
            entry_failed=entry_failed,
        )
        try:
            packed = await self._bundler.packer.pack(plan, sources, upload or key, done, callbacks)
        except (UploadUnusable, ChecksumMismatch) as error:
            if isinstance(error, CatalogueChecksumWrong):
                await self._bundler.resolver.save_checksums([sources[error.entry]], [error.crc])
            if upload is not None:
                await self._discard(upload)
            raise
        await self._bundler.resolver.save_checksums(sources, packed.source_crcs)
        return Result(
            kind=ResultKind.BUNDLE,
            key=key,
            size=packed.size,
            etag=packed.etag,
            crc32=packed.crc32,
            sha256=None,
            filename=archive_name(self._download),
            content_type=ZIP,
            omitted=_omissions(missing),
            content_hash=content_hash,
            is_public=all(source.is_public for source in sources),
        )

    async def _plan(
        self, content_hash: str, sources: Sequence[Source], missing: Sequence[Missing]
    ) -> StoredPlan | DeflatedPlan:
        download, settings = self._download, self._settings
        if download.compression is Compression.DEFLATE:
            return plan_deflated_bundle(download.created_at, sources, missing, settings)
        copies = any(source.trusted and source.size > MIN_PART_SIZE for source in sources)
        copies = copies and await self._storage.part_copy.is_supported()
        plan = plan_stored_bundle(download.created_at, sources, missing, settings, copies=copies)
        if download.upload is not None and download.upload.fingerprint != fingerprint_plan(plan, content_hash):
            other = plan_stored_bundle(download.created_at, sources, missing, settings, copies=not copies)
            if download.upload.fingerprint == fingerprint_plan(other, content_hash):
                return other  # started by a worker for which the store does, or does not, copy
        return plan

    async def _upload(
        self, plan_fingerprint: str, *, single: bool
    ) -> tuple[MultipartUpload | None, Sequence[DonePart]]:
        """The multipart upload to continue, with its finished parts: that of an earlier attempt, or a new one.

        None if there is none to continue and the bundle has a `single` part: one PUT writes it.
        """
        earlier = self._download.upload
        if earlier is not None:
            if earlier.fingerprint == plan_fingerprint:
                done = await self._bundler.downloads.parts(self._download)
                log.info("upload_resumed", parts=len(done))
                return earlier, done
            await self._discard(earlier)
        if single:
            return None, ()
        key = bundle_key(self._download.id, self._download.fence)
        upload_id = await self._storage.multipart.create(key, ZIP, plan_fingerprint)
        upload = MultipartUpload(key=key, id=upload_id, fingerprint=plan_fingerprint)
        try:
            await self._bundler.downloads.set_upload(self._download, upload)
        except StaleFence:  # on any other error the row may name it, and the next attempt continues it
            await self._abort(upload)
            raise
        return upload, ()

    async def _discard(self, upload: MultipartUpload) -> None:
        """Forgets an upload that no attempt can continue, and then aborts it. Raises `StaleFence`."""
        await self._bundler.downloads.set_upload(self._download, None)
        await self._abort(upload)

    async def _abort(self, upload: MultipartUpload) -> None:
        with suppress(HaulageError, TimeoutError):  # the cleanup aborts it when the job has ended
            async with asyncio.timeout(ABORT_TIMEOUT):
                await self._storage.multipart.abort(upload.key, upload.id)


def _omissions(missing: Sequence[Missing]) -> tuple[Omission, ...]:
    return tuple(Omission(file_id=one.file_id, name=one.name, reason=one.reason) for one in missing)


def _missing_text(missing: Sequence[Missing], total: int) -> str:
    """Which files are missing, and what to do: to skip them helps only if others are available."""
    names = ", ".join(f"{one.label} ({one.reason})" for one in missing)
    if total == 1:
        return f"The file is missing: {names}. Request another one."
    if len(missing) == total:
        return f"All {total} files are missing: {names}. Request others."
    verb, them = ("is", "it") if len(missing) == 1 else ("are", "them")
    return f"{len(missing)} of {total} files {verb} missing: {names}. Remove {them}, or skip missing files."
