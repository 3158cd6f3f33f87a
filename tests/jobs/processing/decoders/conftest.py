from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.processing.decoders.children import Decoder


@pytest.fixture
def decode(tmp_path: Path) -> Decoder:
    """Runs the decoder of a type on a file, in a child with limits."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return Decoder(folder)
