"""The filter of system calls refuses what it lists, by the numbers that the kernel knows."""

from __future__ import annotations

import errno
import platform
import re
from pathlib import Path

import pytest

from jobs.processing.confinement.seccomp import ARCHITECTURES, filter_calls
from jobs.processing.confinement.system_calls import CHECKED, NEWEST, REFUSED, STARTING_PROGRAMS
from tests.jobs.processing.sandbox.conftest import CONFINED
from tests.jobs.processing.sandbox.runner import Runner

EVERY = REFUSED | STARTING_PROGRAMS | CHECKED
CALL_EACH = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
for number in map(int, sys.argv[1:]):
    ctypes.set_errno(0)
    result = libc.syscall(number, *[ctypes.c_long(-1)] * 6)
    print(number, ctypes.get_errno() if result < 0 else "done")
"""
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.servers
@pytest.mark.parametrize("sandbox", CONFINED, indirect=True)
async def test_every_call_that_is_listed_is_refused(run: Runner) -> None:
    column, _ = ARCHITECTURES[platform.machine()]
    numbers = {numbers[column] for numbers in (REFUSED | STARTING_PROGRAMS).values()} - {None}
    ended = await run(CALL_EACH, *numbers)
    assert ended.returncode == 0, ended
    assert {tuple(map(int, line.split())) for line in run.lines} == {(number, errno.EPERM) for number in numbers}


@pytest.mark.servers
@pytest.mark.parametrize("sandbox", CONFINED, indirect=True)
async def test_calls_that_are_newer_than_the_list_do_not_exist(run: Runner) -> None:
    x32 = 0x40000000
    numbers = {NEWEST + 1, NEWEST + 100, x32 + 41, CHECKED["clone3"][0], CHECKED["openat2"][0]}
    await run(CALL_EACH, *numbers)
    assert {line.split()[1] for line in run.lines} == {str(errno.ENOSYS).encode()}


@pytest.mark.parametrize("machine", list(HEADERS))
def test_the_numbers_are_those_of_linux(machine: str) -> None:
    header = HEADERS[machine]
    if not header.exists():
        pytest.skip("the headers of Linux are not installed (linux-libc-dev)")
    defined = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)$", header.read_text(), re.MULTILINE)
    known = {name: int(number) for name, number in defined}
    column, _ = ARCHITECTURES[machine]
    ours = {name: numbers[column] for name, numbers in EVERY.items()}
    newest = max(known.values())
    assert {name: number for name, number in ours.items() if number is None or number <= newest} == {
        name: known.get(name) for name in ours if (ours[name] or 0) <= newest
    }


@pytest.mark.parametrize("machine", list(ARCHITECTURES))
@pytest.mark.parametrize("programs", [True, False])
def test_a_filter_fits_into_the_kernel(machine: str, *, programs: bool) -> None:
    """It has a length limit, and every jump ends within it."""
    instructions = filter_calls(machine, 2, 1, programs=programs, own_signals_only=not programs)
    assert len(instructions) < 4096
    for place, (_, if_true, if_false, operand) in enumerate(instructions):
        assert place + max(if_true, if_false) + 1 <= len(instructions)
        assert 0 <= operand < 1 << 32


def test_there_is_none_for_other_machines() -> None:
    with pytest.raises(OSError, match="no filter of system calls for riscv64"):
        filter_calls("riscv64", 2, 1, programs=False, own_signals_only=True)
