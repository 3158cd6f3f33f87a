"""What a job says of files that do not exist."""

from __future__ import annotations

import pytest

from jobs.bundles.downloads import OnMissing
from jobs.engine.jobs import Status
from jobs.kinds import Phase
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, until_ended
from tests.helpers.running import working


@pytest.mark.parametrize(
    ("available", "missing", "on_missing", "said"),
    [
        (
            1,
            [99_999],
            OnMissing.FAIL,
            "1 of 2 files is missing: 99999 (no such file). Remove it, or skip missing files.",
        ),
        (
            1,
            [99_998, 99_999],
            OnMissing.FAIL,
            "2 of 3 files are missing: 99998 (no such file), 99999 (no such file). Remove them, or skip missing files.",
        ),
        (
            0,
            [99_998, 99_999],
            OnMissing.SKIP,
            "All 2 files are missing: 99998 (no such file), 99999 (no such file). Request others.",
        ),
        (0, [99_999], OnMissing.FAIL, "The file is missing: 99999 (no such file). Request another one."),
    ],
)
async def test_missing_files_are_named_in_a_sentence_that_says_what_helps(
    services: Services,
    settings: Settings,
    catalogue: Catalogue,
    available: int,
    missing: list[int],
    on_missing: OnMissing,
    said: str,
) -> None:
    file_ids = [await catalogue.add(b"x") for _ in range(available)]
    async with working(settings):
        job = await until_ended(services, await create(services, *file_ids, *missing, on_missing=on_missing))
    assert job.status is Status.FAILED
    assert job.failure is not None
    assert job.failure.message == said
    assert job.phase is Phase.RESOLVING, "it failed before anything was packed"
