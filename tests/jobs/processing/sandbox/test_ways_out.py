"""An evil child finds no way out of a sandbox, neither as root nor as nobody. Without one, the same ways are open."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.nobody import NOBODY, as_nobody
from tests.helpers.sandboxes import skip_without
from tests.jobs.processing.sandbox.attacked_worker import __file__ as attacked_worker
from tests.jobs.processing.sandbox.evil_child import WAYS_OUT

pytestmark = pytest.mark.servers

HELD_BY_LIMITS = {
    "be_a_fork_bomb",
    "read_secrets_of_its_environment",
    "take_2_gib_of_memory",
    "use_a_file_that_the_worker_has_open",
    "write_a_file_beyond_the_limit",
}
"""Refused even without a sandbox."""
DEPENDING_ON_THE_KERNEL = {
    "keep_a_key_in_the_kernel",
    "load_a_program_into_the_kernel",
    "make_a_system_call_that_is_newer_than_its_sandbox",
    "make_namespaces_of_its_own",
    "open_a_socket_as_a_32_bit_program",
    "queue_calls_for_the_kernel",
    "read_the_environment_of_the_first_process",
    "read_the_memory_of_its_launcher",
    "read_the_memory_of_the_worker",
    "trace_its_launcher",
    "trace_the_worker",
}
"""Open on most machines without a sandbox, but refused by some that are set up so."""
FOR_ROOT_ONLY = {
    "change_the_root",
    "have_the_rights_of_root",
    "make_the_device_of_a_disk",
    "mount_a_file_system",
    "open_a_package_for_writing",
    "use_the_processor_without_end",
    "write_to_the_root",
}
"""Some of them not even for root, in a container."""
OTHERWISE_WITH_A_PROGRAM = {
    "be_a_fork_bomb",
    "leave_its_session",
    "let_the_kernel_signal_the_worker",
    "make_namespaces_of_its_own",
    "open_a_socket_as_a_32_bit_program",
    "outlive_the_launcher",
    "run_the_program_that_it_may_start",
    "signal_everybody",
    "signal_its_launcher",
    "signal_the_worker",
    "start_a_program_that_it_has_written",
    "start_a_shell",
    "start_python_again",
}
"""Those that a child may find easier if it may start a program."""
HARMLESS_WITH_A_PROGRAM = {"start_a_program_that_it_has_written", "start_python_again"}
"""It can also start Python, or what it has written itself: under the same restrictions."""


@dataclass
class Attack:
    """What became of the ways out. `outcomes`: what each has brought, or why it was refused."""

    outcomes: dict[str, dict[str, str]]
    noticed: list[str]
    user: int
    templates: int

    @property
    def escaped(self) -> dict[str, str]:
        return {way: outcome["escaped"] for way, outcome in self.outcomes.items() if "escaped" in outcome}


@pytest.fixture(params=["root", "nobody"])
def user(request: pytest.FixtureRequest) -> str:
    """Who runs the worker. Without root, that is always the user who runs the tests."""
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("these tests are not run by root")
    return str(request.param)


@pytest.fixture
def folder(user: str) -> Iterator[Path]:
    """A folder of the worker's user. All folders above it can be entered by everybody."""
    made = Path(tempfile.mkdtemp(prefix="haulage-ways-out-", dir="/tmp"))
    made.chmod(0o755)
    if user == "nobody" and os.geteuid() == 0:
        os.chown(made, NOBODY, NOBODY)
    yield made
    shutil.rmtree(made)


def attack(user: str, folder: Path, project: Path, sandbox: str, ways: Collection[str], *options: str) -> Attack:
    """Run an attacked worker."""
    skip_without(sandbox)
    arguments = [attacked_worker, sandbox, str(folder), *options, *ways]
    command = as_nobody(*arguments) if user == "nobody" and os.geteuid() == 0 else [sys.executable, *arguments]
    environment = {"EVIL_TEST_SECRET": "a secret", "PYTHONPATH": str(project)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = Attack(**json.loads(done.stdout))
    assert (found.user == 0) == (user == "root")
    assert found.outcomes.keys() == set(ways)
    return found


@pytest.mark.parametrize("children", ["forks", "processes"])
@pytest.mark.parametrize("sandbox", ["bubblewrap", "landlock"])
def test_there_is_no_way_out(sandbox: str, children: str, user: str, folder: Path, project: Path) -> None:
    found = attack(user, folder, project, sandbox, WAYS_OUT, f"--{children}")
    assert found.templates == (1 if children == "forks" else 0)
    assert found.escaped == {}
    assert found.noticed == []


@pytest.mark.parametrize("sandbox", ["bubblewrap", "landlock"])
def test_there_is_none_either_for_a_child_that_may_start_a_program(
    sandbox: str, user: str, folder: Path, project: Path
) -> None:
    found = attack(user, folder, project, sandbox, OTHERWISE_WITH_A_PROGRAM, "--programs")
    assert found.escaped.keys() - HARMLESS_WITH_A_PROGRAM == {"run_the_program_that_it_may_start"}
    assert found.noticed == []


@pytest.mark.parametrize("children", ["forks", "processes"])
def test_without_a_sandbox_the_ways_are_open(children: str, user: str, folder: Path, project: Path) -> None:
    """So each is refused by the sandbox, and not because of a mistake in the test."""
    found = attack(user, folder, project, "off", WAYS_OUT, f"--{children}")
    refused = WAYS_OUT.keys() - found.escaped.keys()
    assert refused >= HELD_BY_LIMITS
    assert refused <= HELD_BY_LIMITS | DEPENDING_ON_THE_KERNEL | FOR_ROOT_ONLY
    assert len(found.noticed) == 8
