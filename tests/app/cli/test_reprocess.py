"""`haulage reprocess`."""

from __future__ import annotations

import pytest

from app.cli.errors import Refused
from app.cli.reprocess_command import PAUSE, reprocess
from app.schemas import Reprocessed
from jobs.kinds import Kind
from jobs.services import Services
from tests.app.cli.processes import Cli
from tests.helpers.catalogue import Catalogue


async def test_files_are_processed_again_by_type_and_date(cli: Cli, services: Services, catalogue: Catalogue) -> None:
    photos = [await catalogue.add(b"x", f"{n}.jpg", content_type="image/jpeg") for n in range(3)]
    pdf = await catalogue.add(b"x", "a.pdf", content_type="application/pdf")
    done = await cli("reprocess", "--type", "image/*", "--missing")
    assert (done.code, done.out) == (0, "3 files will be processed again.\n"), done.error
    found = await services.processing.summaries([*photos, pdf])
    assert {one.kind for one in found.values()} == {Kind.IMAGE}
    assert set(found) == set(photos)
    assert (await cli("reprocess", "--since", "2100-01-01", "--json")).json == {"jobs": 0}
    assert (await cli("reprocess", "--since", "2026-01-01", "--json")).json == {"jobs": 1}, "the others are waiting"
    assert (await cli("reprocess", "--type", "*")).code == 2


def test_it_waits_while_many_jobs_wait(capsys: pytest.CaptureFixture[str]) -> None:

    answers: list[Reprocessed | Refused] = [
        Reprocessed(jobs=2, next=10_001),
        Refused("many wait", "queue_full"),
        Reprocessed(jobs=1, next=None),
    ]
    asked: list[object] = []
    slept: list[float] = []

    class Client:
        def reprocess(self, selection: dict[str, object]) -> Reprocessed:
            asked.append(selection["after"])
            answer = answers.pop(0)
            if isinstance(answer, Reprocessed):
                return answer
            raise answer

    reprocess(Client(), (), None, missing=False, as_json=False, sleep=slept.append)  # type: ignore[arg-type]
    assert (asked, slept) == ([0, 10_001, 10_001], [PAUSE])
    assert "3 files" in capsys.readouterr().out
