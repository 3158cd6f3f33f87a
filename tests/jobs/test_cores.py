"""The cores that a process may use: those of the machine, and of its container."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs.cores import usable_cores


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000\n", 4),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("10000 100000\n", 1),
        ("900000 100000\n", 4),
        ("", 4),
    ],
)
def test_a_quota_of_the_container_limits_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    assert usable_cores(quota) == expected


def test_without_a_container_all_cores_count_that_the_process_may_run_on(tmp_path: Path) -> None:
    assert usable_cores(tmp_path / "missing") == len(os.sched_getaffinity(0))
