"""A child starts fast, since its launcher imports little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.processing.confinement.plan import Plan

SLOW = {
    "argparse",
    "asyncio",
    "dataclasses",
    "enum",
    "inspect",
    "json",
    "logging",
    "pathlib",
    "re",
    "subprocess",
    "typing",
}


@pytest.mark.servers
def test_it_imports_nothing_that_is_slow_and_no_package(project: Path) -> None:
    """`-S`: without packages."""
    program = (
        f"import sys; sys.path.insert(0, {str(project)!r}); import jobs.processing.confinement.launcher;"
        " print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "jobs.processing.confinement.seccomp" in imported
    assert imported & SLOW == set()


def test_a_plan_is_read_as_it_was_written() -> None:
    plan = Plan(
        sandbox="landlock",
        control=7,
        scratch="/a folder",
        memory=1 << 40,
        cpu_seconds=2,
        file_size=3,
        tasks=4,
        landlock=True,
        readable=["/b", "-m", ""],
        programs=["/c"],
    )
    parsed, rest = Plan.parse([*plan.arguments(), "-m", "module", "argument"])
    assert vars(parsed) == vars(plan)
    assert rest == ["-m", "module", "argument"]
