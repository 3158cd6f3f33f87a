"""Who packs: a worker of Haulage, and others that bring the same files from the store into the store.

Each says what it took, from the moment at which its clients stood ready. The others get the list of files on their
standard input; they are in the folder `contenders`, written as one would who wants them fast.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import obstore
from obstore.store import S3Store

from jobs.concurrency import gather, map_limited
from jobs.settings import Settings
from jobs.storage.clients import obstore_client
from tests.bench import bundles, programs
from tests.bench.arena import Arena, cpu_seconds, forget_peak, peak_memory
from tests.bench.effort import MIB
from tests.bench.files import key_of

SOURCES = Path(__file__).parent / "contenders"
LARGE = 8 * MIB
"""From this size on the plain copy streams an object into a multipart upload; below, it is one GET and one PUT."""
LARGE_AT_ONCE, SMALL_AT_ONCE = 4, 32
"""Objects that the plain copy has under way: the best of 1 to 16 and of 8 to 64 here."""
COPIES = "copies/"
TARGET = "contenders/bundle.zip"


@dataclass(frozen=True, slots=True)
class Spent:
    """What it took: seconds, seconds of CPU, and the most bytes that were resident."""

    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True, slots=True)
class File:
    """One file in the store; its size in bytes."""

    id: int
    size: int

    @property
    def key(self) -> str:
        return key_of(self.id)


@dataclass(frozen=True, slots=True)
class Task:
    """These files are to be packed; the settings say how the store is reached, `worker` is the worker that does so."""

    settings: Settings
    files: Sequence[File]
    worker: int


@dataclass(frozen=True, slots=True)
class Made:
    """What it took, and the key and number of entries of the bundle that was made, if it is one."""

    spent: Spent
    key: str | None = None
    entries: int = 0


Packer = Callable[[Arena, Task], Awaitable[Made]]

OURS = "Haulage"
COPY = "obstore copy"
GO_SERIAL = "Go serial"
GO_PREFETCH = "Go with prefetch"
NODE = "Node archiver"


def find() -> tuple[dict[str, Packer], list[str]]:
    """All that this machine can run, by name, and why others are missing."""
    packers: dict[str, Packer] = {OURS: _haulage, COPY: _obstore}
    missing = []
    try:
        program = f"{programs.go(SOURCES / 'go', 'contender')}"
        packers |= {GO_SERIAL: _program(program, "serial"), GO_PREFETCH: _program(program, "prefetch")}
    except programs.NotHere as error:
        missing.append(str(error))
    try:
        node, folder = programs.node(SOURCES / "node", "contender")
        packers[NODE] = _program(node, "--no-warnings", f"{folder / 'pack.mjs'}")
    except programs.NotHere as error:
        missing.append(str(error))
    return packers, missing


async def _haulage(arena: Arena, task: Task) -> Made:
    forget_peak(task.worker)
    before = cpu_seconds(task.worker)
    job = await bundles.make(arena, [file.id for file in task.files])
    spent = Spent(bundles.seconds(job), cpu_seconds(task.worker) - before, peak_memory(task.worker))
    assert job.result is not None
    return Made(spent, job.result.key, len(task.files) + 1)  # and the manifest


async def _obstore(arena: Arena, task: Task) -> Made:
    return Made(await arena.apart(copy_all, task.settings, task.files))


def _program(*command: str) -> Packer:
    async def pack(arena: Arena, task: Task) -> Made:
        del arena
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        said, _ = await process.communicate(_told(task))
        assert process.returncode == 0, command
        return Made(Spent(**json.loads(said)), TARGET, len(task.files))

    return pack


def _told(task: Task) -> bytes:
    settings = task.settings
    work = {
        "endpoint": settings.s3_endpoint,
        "accessKey": settings.s3_access_key_id,
        "secretKey": settings.s3_secret_access_key.get_secret_value(),
        "region": settings.s3_region,
        "bucket": settings.s3_bucket_name,
        "target": TARGET,
        "files": [{"key": file.key, "name": f"file {file.id}.bin", "size": file.size} for file in task.files],
    }
    return json.dumps(work).encode()


def copy_all(settings: Settings, files: Sequence[File]) -> Spent:
    """Copies each file to a key of its own, then removes the copies: every byte goes through this process."""
    return asyncio.run(_copy_all(obstore_client(settings), files))


async def _copy_all(store: S3Store, files: Sequence[File]) -> Spent:
    async def copy_large(file: File) -> None:
        got = await obstore.get_async(store, file.key)
        stream = got.stream(512 * 1024)
        await obstore.put_async(store, COPIES + file.key, stream, chunk_size=LARGE, max_concurrency=4)

    async def copy_small(file: File) -> None:
        got = await obstore.get_async(store, file.key)
        await obstore.put_async(store, COPIES + file.key, await got.bytes_async(), use_multipart=False)

    large = [file for file in files if file.size >= LARGE]
    small = [file for file in files if file.size < LARGE]
    began, cpu = perf_counter(), process_time()
    await gather([map_limited(copy_large, large, LARGE_AT_ONCE), map_limited(copy_small, small, SMALL_AT_ONCE)])
    spent = Spent(perf_counter() - began, process_time() - cpu, peak_memory(os.getpid()))
    await obstore.delete_async(store, [COPIES + file.key for file in files])
    return spent
