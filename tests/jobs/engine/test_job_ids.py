"""Job ids: UUIDs of version 7, in the order in which they were made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import RFC_4122

from jobs.engine.job_ids import JobIds, first_id, new_job_id

NOW = datetime(2026, 11, 29, 10, 0, 0, 123_000, tzinfo=UTC)
MILLISECONDS = 1_795_946_400_123


def test_an_id_begins_with_its_time_and_is_of_version_7() -> None:
    job_id = JobIds(lambda: MILLISECONDS).next()
    assert (job_id.version, job_id.variant) == (7, RFC_4122)
    assert job_id.int >> 80 == MILLISECONDS == round(NOW.timestamp() * 1000)


def test_ids_increase_also_within_a_millisecond_and_when_the_clock_goes_back() -> None:
    times = iter([5, 5, 5, 3, 3, 6, 6])
    ids = JobIds(lambda: next(times))
    made = [ids.next() for _ in range(7)]
    assert all(one < other for one, other in pairwise(made))
    assert [job_id.int >> 80 for job_id in made] == [5, 5, 5, 5, 5, 6, 6]
    assert {(job_id.version, job_id.variant) for job_id in made} == {(7, RFC_4122)}


def test_the_first_id_of_a_time_divides_earlier_from_later_ones() -> None:
    ids = JobIds(lambda: MILLISECONDS)
    assert first_id(NOW) <= ids.next() < first_id(NOW + timedelta(milliseconds=1))


def test_new_ids_are_of_now() -> None:
    before = datetime.now(UTC)
    assert first_id(before - timedelta(milliseconds=1)) < new_job_id() < first_id(before + timedelta(minutes=1))
