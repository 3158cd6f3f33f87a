"""The bench of uploads runs from its start to its end, but for the link. What it measures here says nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.bench import uploads
from tests.bench.arena import Arena, open_arena
from tests.bench.effort import MIB, QUICK
from tests.helpers.databases import execute

TINY = replace(
    QUICK, uploaded=17 * MIB, returned=10 * 6 * MIB, seconds=0.5, paced=1, streams=(4, 6 * MIB), forms=1, is_far=False
)


@pytest.fixture
async def arena(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Arena]:
    name = uuid4().hex
    try:
        async with open_arena(environment | {"S3_BUCKET_NAME": f"bench-{name}"}, tmp_path, name) as opened:
            yield opened
    finally:
        await execute(environment["DATABASE_URL"], f"DROP DATABASE IF EXISTS bench_{name} WITH (FORCE)")


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_all_figures_are_measured_and_nothing_is_left(arena: Arena) -> None:
    figures = {one.what: one for one in await uploads.measure(arena, TINY)}
    targets = [one.target for one in figures.values() if one.met is not None]
    assert len(targets) >= 8, figures.keys()
    [read] = [one for what, one in figures.items() if "bytes that the store sent" in what]
    assert "kB for the uploads" in read.measured, read  # of files this small, a bundle reads some
    assert [path.name for path in arena.folder.iterdir() if path.suffix == ".bin"] == []
