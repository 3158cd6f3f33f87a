"""`haulage worker` or `serve` with something added that no product has: a probe, or a sabotage.

    python -m tests.faults.entry --with unfenced,lag worker

The extras change what is imported, in this process only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger()

TICK = 0.01
"""Seconds between two samples of the event loop's lag."""
ROUND = 100
"""Samples in one line of the log."""
SCHEDULE = Path("/proc/thread-self/schedstat")
"""Nanoseconds on a CPU, nanoseconds in the run queue, and the number of time slices (Linux, sched-stats)."""
JUMP = 3600.0
"""Seconds by which the clock jumps."""
POISON = "poison.zip"
"""A job with this archive name kills its worker."""


def unfenced() -> None:
    """A worker that writes its results whatever has become of the job meanwhile, and never hears that it lost it."""
    from sqlalchemy import select, update

    from jobs.bundles.attempt import Attempt, Bundler
    from jobs.bundles.commands import Downloads
    from jobs.engine.jobs import Job
    from jobs.engine.lifecycle import Claimed, Lifecycle
    from jobs.engine.sql import jobs, tables
    from jobs.engine.sql.rows import job_columns
    from jobs.engine.transitions import Command, apply
    from jobs.engine.worker.reporter import Reporter
    from jobs.engine.worker.runner import HeldJob
    from jobs.engine.worker.work import Success
    from jobs.errors import StaleFence

    async def move(
        self: Any, held: Job, command: Command, within: Any = None, batch: Any = None, follow_ups: Any = ()
    ) -> Job:
        del batch, follow_ups
        async with self._database.begin() as connection:
            now = await jobs.clock(connection)
            seq = await connection.scalar(select(tables.jobs.c.seq).where(tables.jobs.c.id == held.id))
            after, event = apply(replace(held, seq=seq), command, now)  # another event may have its own seq
            await connection.execute(update(tables.jobs).where(tables.jobs.c.id == held.id).values(job_columns(after)))
            await jobs.insert_event(connection, event)
            if within is not None:
                await within(connection, after)
        await self._announce_move(after, now, ())
        return after

    def deaf(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def called(self: Any, held: Job, *arguments: Any, **options: Any) -> Any:
            try:
                return await method(self, held, *arguments, **options)
            except StaleFence:
                log.info("fence_ignored", job_id=str(held.id), call=method.__name__)
                return held.seq

        return called

    async def attempt(self: Bundler, claimed: Claimed, reporter: Reporter) -> Success:
        download = replace(await self.downloads.read(claimed.job.id), fence=claimed.job.fence)
        return await Attempt(self, download, claimed.records, reporter).run()

    for owner, name in ((Lifecycle, "record"), (Lifecycle, "write"), (Downloads, "set_upload")):
        setattr(owner, name, deaf(getattr(owner, name)))
    Bundler.attempt = attempt  # type: ignore[method-assign]
    Lifecycle._move_held = move  # type: ignore[method-assign] # noqa: SLF001 - it is what is switched off
    for name in ("discard", "release"):
        setattr(HeldJob, name, lambda held: log.info("stop_ignored", job_id=str(held.job.id)))


def lag() -> None:
    """Logs the event loop's lag in milliseconds, a hundred samples a line (`loop_lag`)."""
    import uvicorn

    process: Any = import_module("jobs.worker_process")

    run, startup = process.run_worker, uvicorn.Server.startup

    async def worker(*arguments: Any, **options: Any) -> None:
        sampling = asyncio.create_task(_measure_lag())
        try:
            await run(*arguments, **options)
        finally:
            sampling.cancel()

    async def gateway(self: uvicorn.Server, sockets: Any = None) -> None:
        await startup(self, sockets)
        self.sampling = asyncio.create_task(_measure_lag())  # type: ignore[attr-defined]

    process.run_worker = worker
    uvicorn.Server.startup = gateway  # type: ignore[method-assign]


async def _measure_lag() -> None:
    clock = asyncio.get_running_loop().time
    while True:
        lags = []
        for _ in range(ROUND):
            due, waited = clock() + TICK, _runqueue_seconds()
            await asyncio.sleep(TICK)
            lag = clock() - due - (_runqueue_seconds() - waited)
            lags.append(round(1000 * max(0.0, lag), 1))
        log.info("loop_lag", ms=lags)


def _runqueue_seconds() -> float:
    """Seconds for which this thread was ready to run while the machine ran others (Linux; 0 elsewhere).

    They are no lag of the event loop. What blocks the loop is counted: computing, and waiting for I/O.
    """
    try:
        return int(SCHEDULE.read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def calls() -> None:
    """How long each call to the store took (`store_call`, seconds)."""
    from jobs.storage.bucket import Bucket

    error_boundary = Bucket.error_boundary

    @asynccontextmanager
    async def timed(self: Bucket, action: str) -> AsyncIterator[None]:
        begun = time.monotonic()
        try:
            async with error_boundary(self, action):
                yield
        finally:
            log.info("store_call", action=action, seconds=round(time.monotonic() - begun, 3))

    Bucket.error_boundary = timed  # type: ignore[method-assign]


def poison() -> None:
    """A job whose archive is called `POISON` kills the worker that runs it."""
    from jobs.bundles.attempt import Attempt

    run = Attempt.run

    async def deadly(self: Any) -> Any:
        if self._download.archive_name == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        return await run(self)

    Attempt.run = deadly  # type: ignore[method-assign]


def clock() -> None:
    """The wall clock jumps an hour ahead at SIGUSR1, and an hour back behind the true time at SIGUSR2."""
    shift = 0.0
    real = time.time

    def jump(number: int, _: object) -> None:
        nonlocal shift
        shift = JUMP if number == signal.SIGUSR1 else -JUMP
        said = {"event": "clock_jumped", "seconds": shift, "timestamp": datetime.now(UTC).isoformat()}
        os.write(2, json.dumps(said).encode() + b"\n")  # a log line may be half written: its lock is held

    def shifted() -> float:
        return real() + shift

    time.time = shifted
    signal.signal(signal.SIGUSR1, jump)
    signal.signal(signal.SIGUSR2, jump)
    _shift_datetimes(shifted)


def _shift_datetimes(clock: Callable[[], float]) -> None:
    """Those who sign requests to the store ask `datetime`, which asks the system."""
    import botocore.auth
    import minio.time

    def now(remove_tzinfo: bool = True) -> datetime:
        at = datetime.fromtimestamp(clock(), UTC)
        return at.replace(tzinfo=None) if remove_tzinfo else at

    botocore.auth.get_current_datetime = now
    minio.time.utcnow = lambda: now(remove_tzinfo=False)


def unlocked() -> None:
    """A gateway that counts the jobs of an owner without the lock: as others do it at the same time."""
    lifecycle: Any = import_module("jobs.engine.lifecycle")
    admissions: Any = import_module("jobs.engine.sql.admissions")

    async def no_lock(*_: object) -> None:
        """Nobody waits."""

    class NoTurns(dict[str, object]):
        def setdefault(self, *_: object) -> object:
            return nullcontext()

    admissions._lock_owner = no_lock  # noqa: SLF001 - it is what is switched off
    lifecycle.WeakValueDictionary = NoTurns


EXTRAS = {extra.__name__: extra for extra in (unfenced, lag, calls, poison, clock, unlocked)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.entry")
    parser.add_argument("--with", dest="extras", required=True, metavar="EXTRA,…", help=", ".join(EXTRAS))
    parser.add_argument("part", choices=["serve", "worker"])
    options = parser.parse_args()
    for name in options.extras.split(","):
        EXTRAS[name]()
    from app.cli.commands import components

    getattr(components, options.part)(None)


if __name__ == "__main__":
    main()
