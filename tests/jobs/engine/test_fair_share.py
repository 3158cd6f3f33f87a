"""Places in the queue: owners take turns, however many jobs one of them has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jobs.engine.fair_share import OVERTAKEN_FOR, STEP, is_batch, next_place

NOW = datetime(2026, 11, 29, tzinfo=UTC)
OWNERS = "abcd"
EVENTS = st.lists(st.tuples(st.sampled_from(["enter", "enter", "start"]), st.sampled_from(OWNERS)), max_size=80)


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    place: datetime
    number: int
    owner: str = field(compare=False)
    entered: datetime = field(compare=False)
    others: int = field(compare=False)
    """How many other owners were waiting when it entered."""
    is_first: bool = field(compare=False)
    """Its owner had no other job waiting."""


@dataclass(slots=True)
class Queue:
    """What PostgreSQL has: a job enters at its place, and the first one starts."""

    waiting: list[Waiting] = field(default_factory=list)
    started: list[Waiting] = field(default_factory=list)
    now: datetime = NOW
    count: int = 0

    def enter(self, owner: str) -> Waiting:
        own = [job.place for job in self.waiting if job.owner == owner]
        places = [job.place for job in self.waiting]
        place = next_place(self.now, min(places, default=None), max(own, default=None))
        others = {job.owner for job in self.waiting} - {owner}
        job = Waiting(place, self.count, owner, self.now, len(others), not own)
        self.waiting.append(job)
        self.count += 1
        return job

    def start(self) -> Waiting | None:
        if not self.waiting:
            return None
        job = min(self.waiting)
        self.waiting.remove(job)
        self.started.append(job)
        return job


def run(events: list[tuple[str, str]], seconds: float = 1) -> Queue:
    queue = Queue()
    for what, owner in events:
        if what == "enter":
            queue.enter(owner)
        else:
            queue.start()
        queue.now += timedelta(seconds=seconds)
    return queue


@given(EVENTS)
def test_the_jobs_of_one_owner_start_in_the_order_in_which_they_entered(events: list[tuple[str, str]]) -> None:
    queue = run(events)
    while queue.start():
        pass
    for owner in OWNERS:
        numbers = [job.number for job in queue.started if job.owner == owner]
        assert numbers == sorted(numbers)


@given(EVENTS, st.sampled_from(OWNERS), EVENTS)
def test_who_starts_a_single_job_waits_for_one_of_everybody_elses_at_most(
    before: list[tuple[str, str]], owner: str, after: list[tuple[str, str]]
) -> None:
    queue = run(before)
    job = queue.enter(owner)
    if not job.is_first:
        return
    ahead = len(queue.started)
    for what, other in after:
        if what == "enter":
            queue.enter(other)
        else:
            queue.start()
    while job not in queue.started:
        queue.start()
    assert queue.started.index(job) - ahead <= job.others


@given(EVENTS, st.permutations(OWNERS))
def test_owners_who_wait_at_the_same_time_start_as_many_jobs(events: list[tuple[str, str]], names: list[str]) -> None:
    """Within one job of each: the bound of start-time fair queueing (Goyal, Vin, Cheng, 1996, theorem 1)."""
    first, second, *_ = names
    queue = run(events)
    counts: defaultdict[str, int] = defaultdict(int)
    while {first, second} <= {job.owner for job in queue.waiting}:
        job = queue.start()
        assert job is not None
        counts[job.owner] += 1
        assert abs(counts[first] - counts[second]) <= 2


@given(EVENTS, st.integers(1, 600))
def test_no_job_is_overtaken_for_longer_than_an_hour(events: list[tuple[str, str]], seconds: int) -> None:
    queue = run(events, seconds)
    while queue.start():
        pass
    for index, job in enumerate(queue.started):
        for earlier in queue.started[:index]:
            assert earlier.entered <= job.place + OVERTAKEN_FOR


def test_an_endless_row_of_new_owners_does_not_starve_a_second_job() -> None:
    queue = Queue()
    queue.enter("busy")
    second = queue.enter("busy")
    for number in range(200):
        queue.enter(f"new {number}")
        queue.start()
        queue.now += timedelta(minutes=1)
    assert second in queue.started


@given(st.lists(st.booleans(), max_size=50))
def test_one_owner_alone_is_served_in_order_and_an_empty_queue_begins_now(events: list[bool]) -> None:
    queue = run([("enter" if enters else "start", "a") for enters in events])
    numbers = [job.number for job in queue.started]
    assert numbers == list(range(len(numbers)))
    while queue.start():
        pass
    assert queue.enter("a").place == queue.now


def test_places_of_one_owner_are_a_step_apart() -> None:
    assert next_place(NOW, None, None) == NOW
    assert next_place(NOW, NOW, NOW) == NOW + STEP
    assert next_place(NOW, NOW - timedelta(minutes=5), None) == NOW - timedelta(minutes=5)
    assert next_place(NOW, NOW - timedelta(days=1), None) == NOW - OVERTAKEN_FOR


def test_batch_jobs_take_turns_behind_all_others() -> None:
    late = next_place(NOW + timedelta(days=365), None, NOW + timedelta(days=3_650))
    first = next_place(NOW, None, None, batch=True)
    second = next_place(NOW, first, first, batch=True)
    of_another = next_place(NOW + timedelta(seconds=1), first, None, batch=True)
    assert late < first == of_another < second
    assert [is_batch(place) for place in (late, first, second)] == [False, True, True]
    assert first < next_place(NOW + 2 * OVERTAKEN_FOR, first, None, batch=True), "many new owners can't starve it"
