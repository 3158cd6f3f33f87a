"""Attempts at processing jobs, made by hand: with the real decoders, or with programs that behave as the test says."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

from jobs.engine.jobs import FileRecord, Job
from jobs.engine.lifecycle import Claimed
from jobs.engine.worker.outcomes import Outcomes
from jobs.engine.worker.reporter import Reporter
from jobs.engine.worker.work import Success
from jobs.errors import HaulageError
from jobs.files.catalogue import StoredFile
from jobs.processing.attempt import Processor
from jobs.processing.processing import Processing
from jobs.processing.programs import program_of
from jobs.processing.sandbox import choose_sandbox
from jobs.processing.scratch import Scratch
from jobs.services import Services
from tests.helpers.media import encoded, photo
from tests.helpers.uploads import completed, files_of
from tests.jobs.uploads.attempts import claimed, receiver

PHOTO = encoded(photo(2000, 1000))
"""A JPEG."""


async def uploaded(
    services: Services, data: bytes = PHOTO, name: str = "sea/holiday.jpg", **more: Any
) -> tuple[StoredFile, Processing]:
    """A file that was uploaded just now, and the job that processes it."""
    held = await claimed(services, await completed(services, data, name, **more))
    reporter = Reporter(held.job, held.records, services.lifecycle, services.feed)
    success = await receiver(services, follow_up=services.processing.follow_up).attempt(held, reporter)
    await Outcomes(services).write(held.job, success, reporter.last_batch())
    [file] = await files_of(services, held.job.id)
    return file, await processing_of(services, file)


async def processing_of(services: Services, file: StoredFile) -> Processing:
    """The latest job that processes the file."""
    summary = (await services.processing.summaries([file.id]))[file.id]
    return await now_is(services, summary.job_id)


async def now_is(services: Services, job_id: Any) -> Processing:
    job = await services.processing.read_any(job_id)
    assert job is not None
    return job


def processor(services: Services, tmp_path: Path, job: Job, script: str | None = None, **changes: Any) -> Processor:
    """One with the decoder of the job's kind, or a program that runs a script. `changes`: of the program."""
    program = program_of(job.kind, services.settings)
    assert program is not None
    if script is not None:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.py"
        path.write_text(_PRELUDE + dedent(script))
        program = replace(program, argv=(sys.executable, "-I", str(path)), readable=(path,))
    return Processor(
        jobs=services.processing,
        database=services.database,
        storage=services.storage,
        settings=services.settings,
        sandbox=choose_sandbox(services.settings),
        scratch=Scratch(tmp_path, services.settings.scratch_bytes),
        program=replace(program, **changes),
        children=asyncio.Semaphore(1),
    )


_PRELUDE = """
import json, os, signal, sys, time

request = json.loads(sys.stdin.readline())

def emit(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)

def make(name, content=b"RIFF", suffix=".webp"):
    with open(f"out/{name}{suffix}", "wb") as file:
        file.write(content)
    emit("made", output=name, width=3, height=2)

"""


async def claim(services: Services, job: Job, worker: str = "w") -> Claimed:
    found = await services.lifecycle.claim(job.id, job.fence, worker)
    assert found is not None
    return found


async def attempted(services: Services, held: Claimed, by: Processor) -> tuple[Success | HaulageError, Reporter]:
    """One attempt, whose outcome is not written yet."""
    reporter = Reporter(held.job, held.records, services.lifecycle, services.feed)
    try:
        return await by.attempt(held, reporter), reporter
    except HaulageError as error:
        return error, reporter


async def processed(services: Services, job: Job, by: Processor) -> Processing:
    """The job after one attempt, however it ends."""
    held = await claim(services, job)
    outcome, reporter = await attempted(services, held, by)
    outcomes = Outcomes(services)
    if isinstance(outcome, HaulageError):
        judged = await outcomes.judge(outcome, started_at=0, made_progress=False)
        await outcomes.write(held.job, judged, reporter.last_batch())
    else:
        await outcomes.write(held.job, outcome, reporter.last_batch())
    return await now_is(services, job.id)


async def records(services: Services, job: Job) -> dict[str | None, FileRecord]:
    """The outputs of a job as followers see them, by name."""
    return {record.name: record for record in await services.lifecycle.files(job.id, 0)}
