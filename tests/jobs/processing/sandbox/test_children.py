"""A child is fed, followed and held to its limits, in every sandbox."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.helpers.eventually import eventually
from tests.jobs.processing.sandbox.runner import Runner

pytestmark = pytest.mark.servers

FOREVER = "import sys, time; print('started', flush=True); time.sleep(1000)"


async def test_it_reads_its_request_and_its_lines_are_passed_on(run: Runner) -> None:
    ended = await run(
        "import os, sys\nprint(sys.stdin.read())\nprint(sys.argv[1:], os.getcwd(), os.environ['TMPDIR'])",
        "a",
        "b",
        request=b"first\nsecond",
    )
    assert (ended.returncode, ended.signal, ended.timed_out, ended.stderr) == (0, None, False, "")
    scratch = str(run.scratch)
    assert run.lines == [b"first", b"second", f"['a', 'b'] {scratch} {scratch}".encode()]


async def test_a_request_that_it_does_not_read_does_no_harm(run: Runner) -> None:
    ended = await run("import sys; sys.stdin.close()", request=bytes(1 << 20))
    assert ended.returncode == 0


async def test_how_it_ended_and_the_end_of_its_standard_error_are_told(run: Runner) -> None:
    ended = await run("import os, sys; sys.stderr.write('x' * 9000 + 'end'); sys.stderr.flush(); sys.exit(3)")
    assert (ended.returncode, ended.signal) == (3, None)
    assert (len(ended.stderr), ended.stderr[-4:]) == (4096, "xend")
    ended = await run("import os; os.kill(os.getpid(), 11)")
    assert (ended.returncode, ended.signal) == (None, signal.SIGSEGV)


async def test_its_memory_and_processor_time_are_measured(run: Runner) -> None:
    small = await run("")
    large = await run("x = bytearray(100 << 20)\nfor number in range(3_000_000): pass")
    assert large.peak_rss - small.peak_rss == pytest.approx(100 << 20, rel=0.05)
    assert small.peak_rss < 40 << 20, "the memory of the worker must not count"
    assert large.cpu_seconds > small.cpu_seconds + 0.02


async def test_it_is_killed_when_its_time_is_over(run: Runner) -> None:
    ended = await run("import time\nwhile True: print(1, flush=True); time.sleep(0.1)", seconds=1)
    assert (ended.returncode, ended.signal, ended.timed_out) == (None, signal.SIGKILL, True)
    assert ended.killed_for == "It took longer than 1 s."
    assert ended.peak_rss > 0


async def test_it_is_killed_when_it_is_silent(run: Runner) -> None:
    ended = await run(FOREVER, silence=1)
    assert (ended.signal, ended.timed_out) == (signal.SIGKILL, True)
    assert ended.killed_for == "It reported nothing for 1 s."
    assert run.lines == [b"started"]


async def test_it_is_killed_when_it_floods_the_worker(run: Runner) -> None:
    ended = await run("print('x' * 100_000, flush=True)\nimport time; time.sleep(1000)")
    assert (ended.signal, ended.timed_out) == (signal.SIGKILL, False)
    assert ended.killed_for == "It wrote a line of more than 65536 bytes."
    ended = await run("while True: print('x' * 1000)")
    assert ended.killed_for == "It wrote more than 16777216 bytes of lines."


async def test_an_error_of_the_callback_kills_it(run: Runner) -> None:
    def refuse(line: bytes) -> None:
        raise LookupError(line)

    run.on_line = refuse
    with pytest.raises(LookupError):
        await run(FOREVER)
    assert not processes_of(run.scratch)


async def test_cancelling_kills_it_and_all_that_it_has_started(run: Runner) -> None:
    task = asyncio.create_task(run(FOREVER))
    await eventually(lambda: run.lines == [b"started"])
    assert processes_of(run.scratch)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not processes_of(run.scratch)


def processes_of(scratch: Path) -> list[int]:
    """The processes in whose command this folder is named."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has just ended
    return [pid for pid in found if pid != os.getpid()]
