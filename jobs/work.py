"""Which kinds of work there are, and how each is done. A new kind is a function here (CONTRIBUTING.md)."""

from __future__ import annotations

import asyncio
import atexit
import socket
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import structlog

from jobs.bundles.attempt import Bundler
from jobs.bundles.cleanup import Cleanup
from jobs.bundles.orphans import Orphans
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.reader import Reader
from jobs.bundles.sources.fetcher import Fetcher
from jobs.bundles.sources.shared import Shared
from jobs.engine.lifecycle import Claimed
from jobs.engine.worker.conditions import Condition, nearly_full, out_of_order
from jobs.engine.worker.reporter import Reporter
from jobs.engine.worker.work import Dependency, Success, Work
from jobs.errors import SandboxUnavailable
from jobs.kinds import Kind
from jobs.memory_budget import MemoryBudget
from jobs.notices import Notice, NoticeKind
from jobs.processing.attempt import Processor
from jobs.processing.cleanup import ProcessingCleanup
from jobs.processing.processing import KINDS as PROCESSING
from jobs.processing.programs import program_of
from jobs.processing.sandbox import Sandbox, choose_sandbox
from jobs.processing.scratch import Scratch
from jobs.services import Services
from jobs.settings import ProcessingSettings, SandboxName, Settings
from jobs.uploads.attempt import Receiver
from jobs.uploads.cleanup import FileRemoval, UploadCleanup
from jobs.uploads.notices import SCANNER_AWAY
from jobs.uploads.scanning import TESTS, open_scanner

log = structlog.get_logger()

FETCHED = 2
"""Jobs for each slot of images and PDFs: while a child decodes for one, the files of another are fetched or stored."""


def _download(services: Services) -> Work:
    settings, storage, database = services.settings, services.storage, services.database
    reader = Reader(storage.objects, settings)
    packer = Packer(
        reader,
        storage,
        MemoryBudget(settings.worker_memory_budget),
        settings.worker_concurrency,
    )
    fetcher = Fetcher(
        Shared(
            egress=services.egress,
            storage=storage,
            downloads=services.downloads,
            reader=reader,
            settings=settings,
        )
    )
    bundler = Bundler(
        downloads=services.downloads,
        resolver=services.resolver,
        fetcher=fetcher,
        packer=packer,
        storage=storage,
        settings=settings,
    )
    return Work(
        kind=Kind.DOWNLOAD,
        concurrency=settings.worker_concurrency,
        time_limit=settings.job_timeout,
        attempt=bundler.attempt,
        clean_up=Cleanup(database, services.downloads, storage, settings).clean_up,
        remove_orphans=Orphans(database, storage, settings).remove,
    )


def upload_time_limit(settings: Settings) -> float:
    """Seconds that an attempt at an upload may take without reading a byte.

    clamd may be silent for longer than any job may take otherwise: it responds once it has scanned a whole file, or, before
    the first byte, each of the two files that test it.
    """
    return settings.job_timeout + (0 if settings.clamd_url is None else TESTS * settings.clamd_timeout)


def _upload(services: Services) -> Work:
    settings, storage, database = services.settings, services.storage, services.database
    scanner = open_scanner(settings)
    receiver = Receiver(
        uploads=services.uploads,
        database=database,
        storage=storage,
        settings=settings,
        scanner=scanner,
        follow_up=services.processing.follow_up,
    )
    return Work(
        kind=Kind.UPLOAD,
        concurrency=settings.worker_concurrency,
        time_limit=upload_time_limit(settings),
        progress_extends=True,
        attempt=receiver.attempt,
        clean_up=UploadCleanup(database, services.uploads, storage, settings).clean_up,
        remove_orphans=FileRemoval(database, storage, settings).remove,
        dependencies=() if scanner is None else (Dependency(scanner.breaker, scanner.test),),
        conditions=() if scanner is None else (out_of_order(scanner.breaker, SCANNER_AWAY),),
    )


def _processing(services: Services) -> dict[Kind, Work]:
    """How files of each kind are processed: not at all where its program is missing, or no sandbox works."""
    settings = services.settings
    sandbox: Sandbox | None = None
    conditions: tuple[Condition, ...] = ()
    if set(PROCESSING) & set(settings.worker_kinds):
        sandbox = _sandbox(settings.sandbox, settings.scratch_dir)
        folder = _scratch_folder(settings)
        conditions = (no_sandbox,) if sandbox is None else (nearly_full(folder),)
    cores = asyncio.Semaphore(settings.processing_slots)
    videos = asyncio.Semaphore(settings.video_slots)
    return {
        Kind.IMAGE: _processing_work(
            Kind.IMAGE, services, sandbox, conditions, cores, FETCHED * settings.processing_slots
        ),
        Kind.PDF: _processing_work(Kind.PDF, services, sandbox, conditions, cores, FETCHED * settings.processing_slots),
        Kind.VIDEO: _processing_work(Kind.VIDEO, services, sandbox, conditions, videos, settings.video_slots),
    }


def _processing_work(
    kind: Kind,
    services: Services,
    sandbox: Sandbox | None,
    conditions: Sequence[Condition],
    children: asyncio.Semaphore,
    concurrency: int,
) -> Work:
    settings, storage, database = services.settings, services.storage, services.database
    program = program_of(kind, settings)
    if program is None and kind in settings.worker_kinds:
        log.warning("decoder_missing", kind=kind)
    processor = None
    if program is not None and sandbox is not None:
        processor = Processor(
            jobs=services.processing,
            database=database,
            storage=storage,
            settings=settings,
            sandbox=sandbox,
            scratch=_scratch(_scratch_folder(settings), settings.scratch_bytes),
            program=program,
            children=children,
        )
    cleanup = ProcessingCleanup(database, storage)
    return Work(
        kind=kind,
        concurrency=0 if processor is None else concurrency,
        time_limit=settings.job_timeout + (0 if processor is None else processor.program.seconds),
        progress_extends=True,
        attempt=_refuse if processor is None else processor.attempt,
        clean_up=cleanup.clean_up,
        remove_orphans=cleanup.remove_orphans if kind is Kind.IMAGE else _nothing,
        conditions=conditions,
    )


async def no_sandbox() -> Notice:
    """The condition that no sandbox works here."""
    host = socket.gethostname()
    return Notice(
        kind=NoticeKind.NO_SANDBOX,
        key=f"{NoticeKind.NO_SANDBOX}:{host}",
        message=f"The worker on {host} processes no files, since no sandbox works there. `haulage check` says why.",
    )


@cache
def _sandbox(name: SandboxName, scratch_dir: Path | None) -> Sandbox | None:
    """The sandbox of this process; None if none works, which is logged once."""
    try:
        sandbox = choose_sandbox(ProcessingSettings(sandbox=name, scratch_dir=scratch_dir))
    except SandboxUnavailable as error:
        log.error("sandbox_failed", reason=error.reason)  # noqa: TRY400 - it says where to look
        return None
    log.info("sandbox_probed", sandbox=sandbox.name)
    return sandbox


def _scratch_folder(settings: Settings) -> Path:
    return settings.scratch_dir or Path(tempfile.gettempdir())


@cache
def _scratch(folder: Path, size: int) -> Scratch:
    """The scratch space of this process, for all kinds."""
    scratch = Scratch(folder, size)
    atexit.register(scratch.close)
    return scratch


async def _refuse(claimed: Claimed, _: Reporter) -> Success:
    """No such job is claimed here."""
    raise SandboxUnavailable(f"Jobs of kind {claimed.job.kind} cannot be processed here.")


async def _nothing() -> None:
    """One kind looks for the orphans of all that share a folder."""


KINDS: dict[Kind, Callable[[Services], Work]] = {Kind.DOWNLOAD: _download, Kind.UPLOAD: _upload}


def works_of(services: Services) -> dict[Kind, Work]:
    """How a worker with these services does each kind. The first call blocks while the sandbox is tried."""
    return {kind: make(services) for kind, make in KINDS.items()} | _processing(services)
