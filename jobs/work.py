"""Which kinds of work there are, and how each is done. A new kind is a function here (CONTRIBUTING.md)."""

from __future__ import annotations

from collections.abc import Callable

from jobs.bundles.attempt import Bundler
from jobs.bundles.cleanup import Cleanup
from jobs.bundles.orphans import Orphans
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.reader import Reader
from jobs.engine.worker.work import Dependency, Work
from jobs.kinds import Kind
from jobs.memory_budget import MemoryBudget
from jobs.services import Services
from jobs.settings import Settings
from jobs.uploads.attempt import Receiver
from jobs.uploads.cleanup import FileRemoval, UploadCleanup
from jobs.uploads.scanning import TESTS, open_scanner


def _download(services: Services) -> Work:
    settings, storage, database = services.settings, services.storage, services.database
    packer = Packer(
        Reader(storage.objects, settings),
        storage,
        MemoryBudget(settings.worker_memory_budget),
        settings.worker_concurrency,
    )
    bundler = Bundler(
        downloads=services.downloads, resolver=services.resolver, packer=packer, storage=storage, settings=settings
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
        uploads=services.uploads, database=database, storage=storage, settings=settings, scanner=scanner
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
    )


KINDS: dict[Kind, Callable[[Services], Work]] = {Kind.DOWNLOAD: _download, Kind.UPLOAD: _upload}


def works_of(services: Services) -> dict[Kind, Work]:
    """How a worker with these services does each kind."""
    return {kind: make(services) for kind, make in KINDS.items()}
