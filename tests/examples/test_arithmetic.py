"""docs/scaling.md has the tables that its programs print, and these count what the tests of costs allow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobs.settings import Settings
from tests.helpers.examples import EXAMPLES, load_example
from tests.jobs import test_costs

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
TESTED = Settings.model_construct()


def printed(name: str, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.servers  # a program, though it does not serve
@pytest.mark.parametrize("name", ["sizing", "autoscaling"])
def test_the_page_has_what_the_program_prints(name: str) -> None:
    """`HAULAGE_WRITE_DOCS=1` writes it."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    written = before + begin + printed(name) + end + after
    if os.environ.get("HAULAGE_WRITE_DOCS"):
        PAGE.write_text(written, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == written


def test_a_job_is_counted_as_the_tests_of_its_costs_allow() -> None:
    test: Any = test_costs.test_a_small_job_costs_no_more_than_this
    [mark] = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    names, cases = mark.args
    allowed = [dict(zip(names, case.values, strict=True)) for case in cases]
    counts = load_example("sizing").Counts()
    for name in ("statements", "commits", "commands"):
        assert getattr(counts, name) == max(case[name] for case in allowed), name


def test_the_arithmetic_starts_from_the_default_settings() -> None:
    settings = load_example("sizing").Settings()
    assert settings.max_followers == TESTED.max_followers
    assert settings.pool == TESTED.database_pool_size
    assert settings.slots == TESTED.worker_concurrency == load_example("autoscaling").Cluster().slots
    assert settings.retention_days == TESTED.job_retention / 86_400 + 2
    assert settings.bundle_days == (TESTED.bundle_ttl + TESTED.result_grace) / 86_400


def test_other_numbers_make_another_table() -> None:
    sizing = load_example("sizing")
    small = {what: value for what, _, value in sizing.needs(sizing.Load(jobs=86_400, files=10, bytes=86.4e12, peak=1))}
    assert small["jobs a second, at the peak"] == "1"
    assert small["bytes of files a second, at the peak"] == "1 GB"
    assert small["workers"] == "3"
    assert small["commands of Redis a second, at most"] == str(12 + 10 * 14)


def test_more_workers_for_a_job_mean_shorter_waits() -> None:
    simulation = load_example("autoscaling")
    load, cluster = simulation.Load(jobs=5_000, burst=100), simulation.Cluster()
    few, many = (simulation.simulate(load, simulation.Rule(*rule), cluster) for rule in ((2.5, 1.25), (1.0, 0.5)))
    assert len(few.waits) == len(many.waits) == 5_000
    assert many.wait(0.95) < few.wait(0.95)
    assert many.worker_hours > few.worker_hours
    assert few.idle > 0
