"""Which jobs an operator means."""

from __future__ import annotations

from uuid import UUID

import pytest

from jobs.engine.job_filters import JobFilter
from jobs.engine.jobs import Status

JOB = UUID("0193abcd-1234-7abc-8def-0123456789ab")


@pytest.mark.parametrize(
    "text", [str(JOB), str(JOB).upper(), JOB.hex, "0193abcd", "0193abcd-", "0193abcd-1234-7a", f"  {JOB}\n"]
)
def test_the_beginning_of_an_id_is_a_range_of_ids(text: str) -> None:
    found = JobFilter(text=text).id_range
    assert found is not None
    assert found[0] <= JOB <= found[1]


@pytest.mark.parametrize("text", ["", "0193abc", "0193-abcd", "0193abcdz", f"{JOB}0", "report.pdf", "0193abcd-12345"])
def test_any_other_text_is_none(text: str) -> None:
    assert JobFilter(text=text).id_range is None


def test_a_whole_id_is_one_job() -> None:
    assert JobFilter(text=str(JOB)).id_range == (JOB, JOB)


def test_dead_jobs_have_failed() -> None:
    assert JobFilter(dead=True).matched_statuses == {Status.FAILED}
    assert JobFilter(dead=True, statuses=frozenset({Status.FAILED, Status.QUEUED})).matched_statuses == {Status.FAILED}
    assert not JobFilter(dead=True, statuses=frozenset({Status.COMPLETED})).matched_statuses
    assert JobFilter().matched_statuses == frozenset(Status)
