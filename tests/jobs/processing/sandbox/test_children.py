"""A child is fed, followed and held to its limits, in every sandbox."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
import uvloop

from jobs.errors import SandboxUnavailable
from jobs.processing.confinement.plan import NICENESS
from tests.helpers.eventually import eventually
from tests.jobs.processing.sandbox.dying_worker import __file__ as dying_worker
from tests.jobs.processing.sandbox.runner import LIMITS, Runner

pytestmark = pytest.mark.servers


FOREVER = "import sys, time; print('started', flush=True); time.sleep(1000)"


def has_huge_pages() -> bool:
    """Whether the kernel gives them to programs that ask."""
    mode = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return mode.exists() and "[never]" not in mode.read_text(encoding="ascii")


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


async def test_its_environment_has_nothing_but_the_folder_for_its_files(run: Runner) -> None:
    await run("import os; print(dict(os.environ))")
    assert run.lines == [str({"TMPDIR": str(run.scratch)}).encode()]


async def test_a_fork_gets_its_memory_in_huge_pages(run: Runner) -> None:
    if not run.sandbox.has_templates or not has_huge_pages():
        pytest.skip("only templates tell glibc so, and only some kernels have them")
    await run(
        "from resource import RUSAGE_SELF, getrusage\n"
        "before = getrusage(RUSAGE_SELF).ru_minflt\n"
        "block = b'x' * (12 << 20)\n"
        "print(getrusage(RUSAGE_SELF).ru_minflt - before)"
    )
    [faults] = run.lines
    assert int(faults) < 1000, "12 MiB are 3,072 small pages"


async def test_a_request_that_it_does_not_read_does_no_harm(run: Runner) -> None:
    ended = await run("import sys; sys.stdin.close()", request=bytes(1 << 20))
    assert ended.returncode == 0


async def test_how_it_ended_and_the_end_of_its_standard_error_are_told(run: Runner) -> None:
    ended = await run("import os, sys; sys.stderr.write('x' * 9000 + 'end'); sys.stderr.flush(); sys.exit(3)")
    assert (ended.returncode, ended.signal) == (3, None)
    assert (len(ended.stderr), ended.stderr[-4:]) == (4096, "xend")
    ended = await run("import os; os.kill(os.getpid(), 11)")
    assert (ended.returncode, ended.signal) == (None, signal.SIGSEGV)


async def test_it_gives_way_to_what_people_wait_for(run: Runner) -> None:
    await run("import os; print(os.getpriority(os.PRIO_PROCESS, 0))")
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert run.lines == [str(min(19, own + NICENESS)).encode()]
    groups = [autogroup_of(template.pid) for template in run.sandbox.templates.values()]
    assert all(group is None or group.endswith(f" nice {NICENESS}\n") for group in groups)


def autogroup_of(process: int) -> str | None:
    """What the kernel says of the group of its session; None if there are no such groups."""
    path = Path(f"/proc/{process}/autogroup")
    return path.read_text() if path.exists() else None


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
    for flood in ("while True: print('x' * 1000)", "while True: print()"):
        ended = await run(flood)
        assert ended.killed_for == "It wrote more than 100000 lines, or more than 16777216 bytes."


async def test_a_flood_of_lines_leaves_others_their_turn(run: Runner) -> None:
    seen = [0]

    async def other() -> None:
        while True:
            seen.append(len(run.lines))
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await run("print('\\n' * 20_000)")
    task.cancel()
    assert len(run.lines) > 20_000
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) <= 200


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


async def test_it_dies_with_the_worker_and_so_does_what_it_has_started(run: Runner, project: Path) -> None:
    """A program may be started, so that the child can start processes. One of them ignores what it can."""
    program = run.scratch / "program"
    shutil.copy("/bin/true", program)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, dying_worker, run.sandbox.name, str(run.scratch), str(program)),
        env={"PYTHONPATH": str(project)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert await worker.stdout.readline() == b"started\n"
    assert len(processes_of(run.scratch)) >= 4, "the worker, the launcher, the child and its child"
    worker.kill()
    await worker.wait()
    await eventually(lambda: not processes_of(run.scratch))


async def test_it_is_killed_when_its_processor_time_is_over(run: Runner) -> None:
    ended = await run("while True: pass", cpu_seconds=1)
    assert (ended.signal, ended.timed_out) == (signal.SIGXCPU, False)
    assert ended.cpu_seconds == pytest.approx(1, abs=0.3)


async def test_it_gets_no_more_memory_than_its_limit(run: Runner) -> None:
    ended = await run("bytearray(300 << 20)", memory=256 << 20)
    assert ended.returncode == 1
    assert "MemoryError" in ended.stderr


async def test_it_is_killed_when_its_files_are_too_large_together(run: Runner) -> None:
    ended = await run(
        """
        import itertools, pathlib
        for number in itertools.count():
            pathlib.Path(f"file-{number}").write_bytes(bytes(1 << 20))
        """,
        scratch=20 << 20,
    )
    assert ended.killed_for == "It wrote more than 20971520 bytes, or more than 10000 files."


async def test_it_is_killed_when_it_has_too_many_files(run: Runner) -> None:
    ended = await run(
        """
        import itertools, os
        for number in itertools.count():
            if number % 1000 == 0:
                os.mkdir(str(number // 1000))
            open(f"{number // 1000}/{number}", "w").close()
        """
    )
    assert ended.killed_for == f"It wrote more than {4 << 30} bytes, or more than 10000 files."


async def test_a_link_to_a_folder_is_not_followed_when_its_files_are_measured(run: Runner) -> None:
    (run.scratch / "everything").symlink_to("/")
    assert (await run("import time; time.sleep(0.5)", scratch=1 << 20)).returncode == 0


async def test_what_cannot_be_started_is_told(run: Runner, tmp_path: Path) -> None:
    """The folder is gone, so it can neither be mounted nor entered."""
    with pytest.raises(SandboxUnavailable) as caught:
        await run.sandbox.run([sys.executable, "-I", "-m", "this"], tmp_path / "gone", b"", LIMITS, run.lines.append)
    assert "No such file or directory" in caught.value.reason
    assert run.lines == []


async def test_a_child_that_ends_its_launcher_fails_alone(run: Runner) -> None:
    """Without a sandbox it can. The sandbox is not to blame, so that no other job waits for it."""
    ended = await run("import os, time; os.kill(os.getppid(), 9); time.sleep(1000)")
    if run.sandbox.name == "off":
        assert (ended.signal, ended.killed_for) == (signal.SIGKILL, None)
    else:
        assert "PermissionError" in ended.stderr


def test_all_this_is_the_same_on_uvloop(run: Runner) -> None:
    """Workers run on it. It starts processes in its own way."""

    async def several() -> None:
        for number in range(10):
            ended = await run(f"import sys; print({number}, sys.stdin.read())", request=b"request")
            assert (ended.returncode, run.lines.pop()) == (0, f"{number} request".encode())
        assert (await run("import sys; sys.stderr.write('x' * 9000); sys.exit(3)")).stderr == "x" * 4096
        assert (await run("", request=bytes(1 << 20))).returncode == 0
        assert (await run(FOREVER, silence=0.5)).timed_out
        run.lines.clear()
        task = asyncio.create_task(run(FOREVER))
        await eventually(lambda: run.lines == [b"started"])
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert not processes_of(run.scratch)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(several())


def processes_of(scratch: Path) -> list[int]:
    """The processes that work in this folder, and those in whose command it is named."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            works_there = (folder / "cwd").readlink() == scratch
            if works_there or str(scratch).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has just ended
    return [pid for pid in found if pid != os.getpid()]
