"""Sandboxes, and programs to run in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.processing.sandbox import Sandbox, choose_sandbox
from jobs.settings import ProcessingSettings
from tests.helpers.sandboxes import skip_without
from tests.jobs.processing.sandbox.runner import Runner


@pytest.fixture(scope="session", params=["bubblewrap", "landlock", "off"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each sandbox. It must work wherever the kernel allows it."""
    skip_without(request.param)
    return choose_sandbox(ProcessingSettings(sandbox=request.param))


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Runner:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Runner(sandbox, scratch)
