"""Makes a bundle with a running worker, and opens it as a stranger would."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

from jobs.bundles.downloads import Compression, Download, NewDownload
from jobs.bundles.result_links import ResultLinks
from jobs.engine.jobs import FileRequest, Job, Status
from tests.bench.arena import Arena


async def make(arena: Arena, file_ids: Sequence[int], compression: Compression = Compression.STORE) -> Download:
    """The job, completed."""
    files = [FileRequest(file_id=file_id) for file_id in file_ids]
    job = await arena.services.downloads.create(
        NewDownload(files=files, archive_name="bench.zip", compression=compression)
    )
    while not (download := await arena.services.downloads.read(job.id)).status.ended:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.05)
    assert download.status is Status.COMPLETED, download.failure
    return download


def seconds(job: Job) -> float:
    """From its start to its end, on the database's clock."""
    assert job.started_at is not None
    assert job.finished_at is not None
    return (job.finished_at - job.started_at).total_seconds()


async def open_and_remove(arena: Arena, job: Download) -> None:
    """Fetches the bundle by its link, lets `zipfile` and `unzip` check every file of it, and removes it."""
    assert job.result is not None
    link = await ResultLinks(arena.services.storage, arena.settings).link(job)
    path = arena.folder / "bundle.zip"
    try:
        await arena.apart(_check, link.url, path, job.progress.files_total + 1)  # and the manifest
        unzip = shutil.which("unzip")
        if unzip is not None:
            await asyncio.to_thread(lambda: subprocess.run([unzip, "-tqq", path], check=True))
    finally:
        path.unlink(missing_ok=True)
    await arena.services.storage.objects.delete([job.result.key])


async def check(arena: Arena, key: str, entries: int) -> None:
    """Fetches a bundle, whoever made it, and lets `zipfile` check its files, of which there must be so many."""
    url = arena.services.storage.presigner.presign(key, "GET", "bundle.zip", "application/zip", 600)
    path = arena.folder / "bundle.zip"
    try:
        await arena.apart(_check, url, path, entries)
    finally:
        path.unlink(missing_ok=True)


def _check(url: str, path: Path, entries: int) -> None:
    with urlopen(url) as answer, path.open("wb") as file:
        shutil.copyfileobj(answer, file, 1 << 20)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == entries
