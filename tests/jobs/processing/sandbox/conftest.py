"""Sandboxes, and programs to run in them."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from jobs.processing.sandbox import Sandbox, choose_sandbox
from jobs.settings import ProcessingSettings
from tests.helpers.sandboxes import skip_without
from tests.jobs.processing.sandbox.runner import Runner

CONFINED = list(product(("bubblewrap", "landlock"), ("forks", "processes")))
"""The sandboxes that confine, and how children start in them."""


@pytest.fixture(scope="session", params=[*CONFINED, ("off", "forks"), ("off", "processes")], ids="-".join)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each sandbox, whose children are forked from a template, or are processes of their own.

    It must work wherever the kernel allows it.
    """
    name, way = request.param
    skip_without(name)
    return choose_sandbox(ProcessingSettings(sandbox=name), templates=way == "forks")


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Runner:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Runner(sandbox, scratch)
