"""Which kinds of work there are, and how each is done. A new kind is a function here (CONTRIBUTING.md)."""

from __future__ import annotations

from collections.abc import Callable

from jobs.bundles.attempt import Bundler
from jobs.bundles.cleanup import Cleanup
from jobs.bundles.orphans import Orphans
from jobs.bundles.packing.memory_budget import MemoryBudget
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.reader import Reader
from jobs.engine.worker.work import Dependency, Work
from jobs.kinds import Kind
from jobs.services import Services
from jobs.uploads.attempt import Receiver
from jobs.uploads.cleanup import FileRemoval, UploadCleanup
from jobs.uploads.scanning import open_scanner


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


def _upload(services: Services) -> Work:
    settings, storage, database = services.settings, services.storage, services.database
    scanner = open_scanner(settings)
    receiver = Receiver(
        uploads=services.uploads, database=database, storage=storage, settings=settings, scanner=scanner
    )
    return Work(
        kind=Kind.UPLOAD,
        concurrency=settings.worker_concurrency,
        time_limit=settings.job_timeout,
        attempt=receiver.attempt,
        clean_up=UploadCleanup(services.uploads, storage, settings).clean_up,
        remove_orphans=FileRemoval(database, storage, settings).remove,
        dependencies=() if scanner is None else (Dependency(scanner.breaker, scanner.test),),
    )


KINDS: dict[Kind, Callable[[Services], Work]] = {Kind.DOWNLOAD: _download, Kind.UPLOAD: _upload}


def works_of(services: Services) -> dict[Kind, Work]:
    """How a worker with these services does each kind."""
    return {kind: make(services) for kind, make in KINDS.items()}
