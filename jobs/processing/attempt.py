"""One attempt at a processing job: fetch the source, let a child in the sandbox make outputs of it, and add each of them.

The worker itself never decodes. An output is sent to the store and added to the catalogue as soon as the child has made it,
so an attempt that ends early leaves finished outputs behind, which the next one skips. Each is added while the job is at
this attempt's fence, and only once for a job: neither a stale worker nor a second attempt adds it again.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import structlog

from jobs.concurrency import cancel_and_wait, first_error_group
from jobs.database import Database
from jobs.engine.lifecycle import Claimed
from jobs.engine.worker.reporter import Reporter
from jobs.engine.worker.work import Success
from jobs.errors import ChecksumMismatch, DecoderFailed, DecoderTimeout, ObjectMissing, ScratchFull
from jobs.files.catalogue import StoredFile
from jobs.files.ingest import free_file_ids
from jobs.files.states import Role
from jobs.files.texts import MAX_INDEXED
from jobs.processing.commands import ProcessingJobs, with_newer
from jobs.processing.decoders.protocol import (
    OUT,
    SOURCE,
    BrokenEvent,
    Done,
    Event,
    Failed,
    Made,
    Omitted,
    Probed,
    Progress,
    Rejected,
    Request,
    Started,
    encode_request,
    parse_event,
)
from jobs.processing.output_file import CHUNK, OutputFile
from jobs.processing.processing import Derivative, fingerprint, output_file_name, output_key
from jobs.processing.programs import Program
from jobs.processing.recipes import Output
from jobs.processing.results import Results
from jobs.processing.sandbox import Ended, Limits, Sandbox
from jobs.processing.scratch import Scratch
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.storage.crc32 import crc32
from jobs.storage.part_buffer import PartBuffer
from jobs.tracing.spans import step

log = structlog.get_logger()

MAX_WAITING_EVENTS = 1_000
"""Events of a child that wait to be handled. One that reports more is stopped: it has no reason to."""
MOST_RESERVED_IDS = 8
"""Ids of files that an attempt reserves at once. Those that it does not need are never used."""
CRASHES = frozenset(
    {
        signal.SIGABRT,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGSEGV,
        signal.SIGSYS,
        signal.SIGTRAP,
    }
)
"""Signals by which a decoder dies of what it decodes. Any other one comes from outside, as that of the OOM killer."""
MAX_CRASHES = 5
"""Children of one attempt that may crash. After the last one, nothing more is made of the file."""
CRASHED = "The decoder crashed on this file."
"""Why an output cannot be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """What the attempts of one worker at jobs of one kind share."""

    jobs: ProcessingJobs
    database: Database
    storage: Storage
    settings: Settings
    sandbox: Sandbox
    scratch: Scratch
    program: Program
    children: asyncio.Semaphore
    """How many children may decode at once in this process."""

    async def attempt(self, claimed: Claimed, reporter: Reporter) -> Success:
        """Runs one attempt. Raises the `HaulageError` that ended it, or `StaleFence`."""
        job = await self.jobs.of_job(claimed.job)
        source = await self.jobs.source(job)
        results = Results(job, source, claimed.records, await self.jobs.made(job), reporter)
        if not await self._share(results) and not results.are_complete:
            needed = source.size + self.program.room(source.size)
            if needed > self.scratch.size:
                results.reject(f"The file is too large to be processed here: it has {source.size:,} bytes.")
            else:
                async with self.scratch.folder(needed) as folder:
                    with step("fetch source", bytes=source.size):
                        await self._fetch(source, folder / SOURCE, reporter)
                    with step("decode"):
                        await self._decode(results, folder)
        results.require_accepted()
        return Success(None, with_newer(job))

    async def _share(self, results: Results) -> bool:
        """Takes over what an equal job of the same owner has made. Returns False if there is none.

        Files of another source are added, with the same objects. What was made of this one is there already.
        """
        job, source = results.job, results.source
        if results.made:
            return False
        mark = fingerprint(source, job.wishes)
        equal = await self.jobs.find_equal(job, mark)
        if equal is None:
            return False
        for one in equal.made:
            try:
                info = await self.storage.objects.head(one.file.key)
            except ObjectMissing:
                return False
            if (info.etag, info.size) != (one.file.etag, one.file.size):
                return False
        results.plan(equal.probe)
        found = {one.output: one for one in equal.made}
        mine = {
            output.name: found[output.name]
            if found[output.name].file.parent_id == source.id
            else await self._shared(results, output, found[output.name])
            for output in results.planned
            if output.name in found
        }
        added = [one for one in mine.values() if one.file.job_id == job.id]
        if added and not await self.jobs.add(job, added, shared_with=[one.file for one in equal.made]):
            return False
        await self.jobs.save_probe(job, equal.probe, mark)
        for output in results.planned:
            if output.name in mine:
                results.add(mine[output.name])
            else:
                results.omit(output.name)
        log.info("outputs_reused", equal=str(equal.job_id), outputs=len(mine))
        return True

    async def _shared(self, results: Results, output: Output, equal: Derivative) -> Derivative:
        file = await self._file(results, output)
        same = equal.file
        return replace(
            equal,
            file=replace(file, key=same.key, etag=same.etag, size=same.size, crc32=same.crc32, sha256=same.sha256),
        )

    async def _file(self, results: Results, output: Output) -> StoredFile:
        """A new file of the catalogue, whose object is still to be written."""
        job, source = results.job, results.source
        return StoredFile(
            id=await self._file_id(results),
            key=output_key(job.id, output, job.fence),
            name=output_file_name(source.name, output),
            size=0,
            etag=None,
            crc32=None,
            sha256=None,
            content_type=output.content_type,
            owner=source.owner,
            visibility=source.visibility,
            groups=source.groups,
            modified_at=source.modified_at,
            job_id=job.id,
            role=output.role,
            parent_id=source.id,
            scan=source.scan,
        )

    async def _file_id(self, results: Results) -> int:
        """The id of a new file. Those of the next outputs are reserved with it, by one query."""
        if not results.reserved_ids:
            left = len(results.planned) - len(results.settled)
            results.reserved_ids = await free_file_ids(
                self.database, self.storage, self.settings.s3_key_template, min(max(left, 1), MOST_RESERVED_IDS)
            )
        return results.reserved_ids.pop(0)

    async def _fetch(self, source: StoredFile, path: Path, reporter: Reporter) -> None:
        """Copies the source to the scratch folder, and verifies its CRC-32 if that is known."""
        etag = source.etag or (await self.storage.objects.head(source.key)).etag
        found = 0
        try:
            with path.open("xb") as file:
                async for chunk in self.storage.objects.read(source.key, etag, 0, source.size):
                    found = await asyncio.to_thread(_append, file, chunk, found)
                    reporter.on_read()
        except OSError as error:
            raise ScratchFull(f"The source could not be written to SCRATCH_DIR: {error.strerror}.") from error
        if source.crc32 is not None and found != source.crc32:
            raise ChecksumMismatch(f"File {source.id} has the CRC-32 {found:08x} in the store, not {source.crc32:08x}.")

    async def _decode(self, results: Results, folder: Path) -> None:
        """Lets children make the outputs that are not made yet. Raises `DecoderFailed`, `DecoderTimeout`.

        An output during which a child crashes has failed, and the next child makes the others. If two of them in a row
        crash at something else, or `MAX_CRASHES` in all, no output that is left can be made.
        """
        (folder / OUT).mkdir(mode=0o700)
        crashed_elsewhere = False
        for _ in range(MAX_CRASHES):
            last, ended = await self._run_child(results, folder)
            if ended.signal not in CRASHES or ended.killed_for is not None:
                _check_end(results, ended, last, self.program.limits(results.source.size))
                return
            if isinstance(last, Started):
                output = results.unsettled(last.output)
                with suppress(BrokenEvent), OutputFile(folder, f"{output.name}{output.suffix}") as unfinished:
                    unfinished.remove()
                results.fail(output.name, CRASHED)
            elif crashed_elsewhere:
                break
            crashed_elsewhere = not isinstance(last, Started)
            if results.are_complete:
                return
        results.reject(CRASHED)

    async def _run_child(self, results: Results, folder: Path) -> tuple[Event | None, Ended]:
        """Runs a child that makes what is left, and returns its last event, and how it has ended.

        Raises `DecoderFailed` if it breaks its protocol.
        """
        program, job = self.program, results.job
        request = Request(detected=job.type, wishes=job.wishes, skip=frozenset(results.settled), ffmpeg=program.ffmpeg)
        events = _Events(results)
        async with self.children:
            child = asyncio.create_task(
                self.sandbox.run(
                    program.argv,
                    folder,
                    encode_request(request) + b"\n",
                    program.limits(results.source.size),
                    events.receive,
                    readable=program.readable,
                )
            )
            child.add_done_callback(lambda _: events.end())
            last: Event | None = None
            try:
                while (event := await events.next()) is not None:
                    await self._handle(results, folder, event)
                    last = event
                ended = await child
            except BrokenEvent as error:
                raise DecoderFailed(f"The {job.kind} decoder has broken its protocol: {error}") from error
            finally:
                await cancel_and_wait(child)
        log.info(
            "decoder_stopped",
            returncode=ended.returncode,
            signal=ended.signal,
            killed_for=ended.killed_for,
            peak_rss=ended.peak_rss,
            cpu_seconds=round(ended.cpu_seconds, 3),
            stderr=ended.stderr or None,
        )
        return last, ended

    async def _handle(self, results: Results, folder: Path, event: Event) -> None:
        match event:
            case Probed(probe):
                mark = fingerprint(results.source, results.job.wishes)
                await self.jobs.save_probe(results.job, probe, mark)
                results.plan(probe)
            case Made(name, width, height):
                output = results.unsettled(name)
                with step("store output", output=output.name) as span:
                    derivative, text = await self._store(results, output, folder)
                    span.set({"haulage.bytes": derivative.file.size})
                made = replace(derivative, width=width, height=height)
                await self.jobs.add(results.job, [made], text=text)
                results.add(made)
            case Omitted(name, _):
                results.omit(results.unsettled(name).name)
            case Failed(name, reason):
                results.fail(results.unsettled(name).name, reason)
            case Rejected(reason):
                results.reject(reason)
            case Started(name):
                results.unsettled(name)
            case Progress() | Done():
                pass

    async def _store(self, results: Results, output: Output, folder: Path) -> tuple[Derivative, bytes | None]:
        """Writes an output to the store, and removes it from the scratch folder. Of a text, returns the start, too."""
        key = output_key(results.job.id, output, results.job.fence)
        with OutputFile(folder, f"{output.name}{output.suffix}") as content:
            text = content.start(MAX_INDEXED) if output.role is Role.TEXT else None
            async with first_error_group() as group:
                writing = group.create_task(self._write(key, content, output.content_type))
                naming = group.create_task(self._file(results, output))
            content.remove()
        (etag, size), file = writing.result(), naming.result()
        derivative = Derivative(
            file=replace(file, size=size, etag=etag, crc32=content.crc32, sha256=content.sha256),
            output=output.name,
            page=output.page,
            width=None,
            height=None,
        )
        return derivative, text

    async def _write(self, key: str, content: OutputFile, content_type: str) -> tuple[str, int]:
        """Writes the object, and returns its ETag and size. A small one takes a single request, with its checksum."""
        objects = self.storage.objects
        first = await content.first()
        if 0 < len(first) < CHUNK:
            return await objects.put_buffer(key, PartBuffer.of(first), content.crc32, content_type), len(first)
        info = await objects.put(key, content.chunks(first), content_type)
        return info.etag, info.size


class _Events:
    """The events of a child, in their order. Its progress is passed on at once."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._waiting: asyncio.Queue[Event | BrokenEvent | None] = asyncio.Queue()

    def receive(self, line: bytes) -> None:
        try:
            event = parse_event(line)
        except BrokenEvent as error:
            self._waiting.put_nowait(error)
            return
        if isinstance(event, Progress):
            self._results.progress(event.output, event.done)
        elif self._waiting.qsize() < MAX_WAITING_EVENTS:
            self._waiting.put_nowait(event)
        elif self._waiting.qsize() == MAX_WAITING_EVENTS:
            self._waiting.put_nowait(BrokenEvent("It reports too much."))

    def end(self) -> None:
        self._waiting.put_nowait(None)

    async def next(self) -> Event | None:
        """The next event, or None at the end. Raises `BrokenEvent`."""
        event = await self._waiting.get()
        if isinstance(event, BrokenEvent):
            raise event
        return event


def _append(file: BinaryIO, chunk: bytes, crc: int) -> int:
    file.write(chunk)
    return crc32(chunk, crc)


def _check_end(results: Results, ended: Ended, last: Event | None, limits: Limits) -> None:
    """Raises `DecoderTimeout`, or `DecoderFailed` if a child has not ended as it should."""
    kind = results.job.kind
    if ended.timed_out:
        raise DecoderTimeout(
            f"The {kind} decoder was stopped: it took longer than {limits.seconds:g} s, or reported nothing for"
            f" {limits.silence:g} s."
        )
    if ended.signal is not None:
        raise DecoderFailed(f"The {kind} decoder was killed (signal {ended.signal}).")
    if ended.returncode != 0 or not isinstance(last, (Done, Rejected)):
        raise DecoderFailed(f"The {kind} decoder has crashed on this file (exit code {ended.returncode}).")
    if isinstance(last, Done) and not results.are_complete:
        raise DecoderFailed(f"The {kind} decoder has not made all outputs.")
