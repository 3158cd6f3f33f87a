"""Children are forked from a template that has loaded what they need. It may end at any time."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.errors import SandboxUnavailable
from jobs.processing.sandbox import Sandbox, choose_sandbox
from jobs.processing.sandbox.sandboxes import Landlock
from jobs.processing.sandbox.templates import Template
from jobs.settings import ProcessingSettings
from tests.helpers.eventually import eventually
from tests.helpers.sandboxes import skip_without
from tests.jobs.processing.sandbox.runner import LIMITS, Runner
from tests.jobs.processing.sandbox.test_children import FOREVER, processes_of

pytestmark = pytest.mark.servers


@pytest.fixture(params=["bubblewrap", "landlock", "off"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """One of its own for each test, so that no other has started its template."""
    skip_without(request.param)
    return choose_sandbox(ProcessingSettings(sandbox=request.param))


def template_of(run: Runner) -> Template:
    [template] = run.sandbox.templates.values()
    return template


async def test_all_children_of_a_kind_share_one(run: Runner) -> None:
    await run("")
    first = template_of(run).pid
    await run("")
    assert template_of(run).pid == first


async def test_many_may_wait_until_it_has_started(run: Runner) -> None:
    """More than a socket takes before anybody reads."""
    every = await asyncio.gather(*(run("print(1)") for _ in range(25)))
    assert [ended.returncode for ended in every] == [0] * 25
    assert len(run.lines) == 25
    template_of(run)


async def test_a_child_that_may_start_a_program_is_a_process_of_its_own(run: Runner) -> None:
    """Nothing else would end the processes that it leaves behind, in the namespace that it would share."""
    program = run.scratch / "program"
    shutil.copy("/bin/true", program)
    assert (await run("", readable=(program,))).returncode == 0
    assert run.sandbox.templates == {}


async def test_if_it_is_killed_its_children_end_and_the_next_gets_another(run: Runner) -> None:
    task = asyncio.create_task(run(FOREVER))
    await eventually(lambda: run.lines == [b"started"])
    killed = template_of(run).pid
    os.kill(killed, signal.SIGKILL)
    ended = await task
    assert (ended.signal, ended.killed_for) == (signal.SIGKILL, None)
    assert not processes_of(run.scratch)
    assert (await run("")).returncode == 0
    assert template_of(run).pid != killed


async def test_if_it_is_killed_between_two_nobody_notices(run: Runner) -> None:
    await run("")
    killed = template_of(run).pid
    family = family_of(killed)
    os.kill(killed, signal.SIGKILL)
    await eventually(lambda: not any(is_running(process) for process in family))
    every = await asyncio.gather(run(""), run(""))
    assert [ended.returncode for ended in every] == [0, 0]
    assert template_of(run).pid != killed


def family_of(process: int) -> list[int]:
    """The process and its descendants: in bubblewrap, the template is one of those."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(descendant for child in children for descendant in family_of(int(child)))]


def is_running(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


async def test_it_ends_when_no_job_needs_it(tmp_path: Path) -> None:
    skip_without("landlock")
    run = Runner(Landlock(idle=0.2), tmp_path)
    assert (await run("import time; time.sleep(1)")).returncode == 0, "not while it has a child"
    idle = os.pidfd_open(template_of(run).pid)
    await asyncio.to_thread(select.select, [idle], [], [])
    os.close(idle)
    assert (await run("")).returncode == 0


async def test_a_decoder_that_cannot_be_loaded_is_told(run: Runner) -> None:
    for _ in range(2):
        with pytest.raises(SandboxUnavailable) as caught:
            await run.sandbox.run(
                [sys.executable, "-I", "-m", "no_such_decoder"], run.scratch, b"", LIMITS, run.lines.append
            )
        assert "No module named 'no_such_decoder'" in caught.value.reason


async def test_children_have_randomness_of_their_own(run: Runner) -> None:
    for _ in range(2):
        await run("import random, os; print(random.random(), os.urandom(8))")
    assert len(set(run.lines)) == 2


def test_a_process_with_a_second_thread_is_no_template(project: Path) -> None:
    """Whatever lock that thread held, the fork would wait for it for ever."""
    program = (
        "import threading; from jobs.processing.confinement.kernel import require_single_thread as check;"
        " check(); print(1);"
        " threading.Thread(target=threading.Event().wait, daemon=True).start(); check()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(project)}, capture_output=True, text=True, check=False
    )
    assert "OSError: [Errno 22] Invalid argument" in done.stderr
    assert done.stdout == "1\n", "as long as there was one thread, nothing was wrong"
