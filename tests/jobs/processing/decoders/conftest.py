from __future__ import annotations

from pathlib import Path

import pytest

from jobs.processing.sandbox import choose_sandbox
from jobs.settings import ProcessingSettings
from tests.jobs.processing.decoders.children import Decoder
from tests.jobs.processing.decoders.sandboxed import Confined


@pytest.fixture
def decode(tmp_path: Path) -> Decoder:
    """Runs the decoder of a type on a file, in a child with limits."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return Decoder(folder)


@pytest.fixture
def confined(tmp_path: Path) -> Confined:
    """Runs the decoder of a type on a file, in the sandbox that works on this machine."""
    return confined_by("auto", tmp_path)


@pytest.fixture(params=["bubblewrap", "landlock"])
def confined_in_each(request: pytest.FixtureRequest, tmp_path: Path) -> Confined:
    """The same in each sandbox."""
    return confined_by(request.param, tmp_path)


def confined_by(name: str, folder: Path) -> Confined:
    scratch = folder / "confined"
    scratch.mkdir()
    return Confined(choose_sandbox(ProcessingSettings.model_validate({"sandbox": name})), scratch)
