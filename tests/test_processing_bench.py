"""The bench of processing runs from its start to its end, with a few files. What it measures here says nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.bench import processing
from tests.bench.arena import Arena, open_arena
from tests.bench.effort import QUICK
from tests.helpers.databases import execute


@pytest.fixture
async def arena(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Arena]:
    name = uuid4().hex
    try:
        async with open_arena(environment | {"S3_BUCKET_NAME": f"bench-{name}"}, tmp_path, name) as opened:
            yield opened
    finally:
        await execute(environment["DATABASE_URL"], f"DROP DATABASE IF EXISTS bench_{name} WITH (FORCE)")


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_everything_is_made_of_valid_files_and_the_others_end_in_a_clear_state(arena: Arena) -> None:
    figures = {one.what: one for one in await processing.measure(arena, replace(QUICK, mixed=50))}
    assert sum(one.met is not None for one in figures.values()) == 8, figures.keys()
    for what, one in figures.items():
        assert not what.startswith("50 mixed files") or one.met is not False, one
