"""What a job says of files that do not exist."""

from __future__ import annotations

import pytest

from jobs.engine.jobs import Status
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, until_ended
from tests.helpers.running import working


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ([99_999], "1 of 2 files is missing: 99999 (no such file). Remove it, or skip missing files."),
        (
            [99_998, 99_999],
            "2 of 3 files are missing: 99998 (no such file), 99999 (no such file). Remove them, or skip missing files.",
        ),
    ],
)
async def test_missing_files_are_named_in_a_sentence_that_fits_their_number(
    services: Services, settings: Settings, catalogue: Catalogue, missing: list[int], said: str
) -> None:
    file_id = await catalogue.add(b"x")
    async with working(settings):
        job = await until_ended(services, await create(services, file_id, *missing))
    assert job.status is Status.FAILED
    assert job.failure is not None
    assert job.failure.message == said
