"""The state machine: every state with every command, and random walks."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.bundles.downloads import Compression, Download, OnMissing
from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.engine.jobs import Failure, Job, Progress, Status, new_progress
from jobs.engine.transitions import (
    CLEANUP_DELAY,
    SOURCES,
    Abandon,
    Cancel,
    Claim,
    Command,
    Delete,
    Expire,
    Fail,
    Lapse,
    Lose,
    Park,
    Release,
    Retry,
    Submit,
    Succeed,
    apply,
    created,
    sources,
)
from jobs.errors import ErrorClass, IllegalTransition
from jobs.kinds import Kind, Phase
from tests.helpers.samples import NETWORK

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
VALIDATION = Failure(error_class=ErrorClass.VALIDATION, message="no such file")

COMMANDS: dict[str, Command] = {
    "submit": Submit(),
    "lapse": Lapse(),
    "claim": Claim(worker="w", lease=10),
    "succeed": Succeed(lifetime=60),
    "fail_retryable": Fail(failure=NETWORK, retry_in=5),
    "fail_final": Fail(failure=VALIDATION, retry_in=5),
    "release": Release(),
    "park": Park(failure=NETWORK, retry_in=5, deadline=3600),
    "lose": Lose(retry_in=5),
    "abandon": Abandon(),
    "cancel": Cancel(),
    "retry": Retry(),
    "expire": Expire(grace=60),
    "delete": Delete(),
}

LEGAL: dict[tuple[str, str], str] = {
    # Written out by hand, apart from the code: from the table of the design.
    ("receiving", "submit"): "queued",
    ("receiving", "lapse"): "cancelled",
    ("receiving", "cancel"): "cancelled",
    ("queued", "claim"): "processing",
    ("retrying", "claim"): "processing",
    ("processing", "succeed"): "completed",
    ("processing", "fail_retryable"): "retrying",
    ("processing", "fail_final"): "failed",
    ("processing", "release"): "queued",
    ("processing", "park"): "retrying",
    ("processing", "lose"): "queued",
    ("retrying", "abandon"): "failed",
    ("queued", "cancel"): "cancelled",
    ("retrying", "cancel"): "cancelled",
    ("processing", "cancel"): "cancelled",
    ("failed", "retry"): "queued",
    ("cancelled", "retry"): "queued",
    ("expired", "retry"): "queued",
    ("completed", "expire"): "expired",
    ("failed", "delete"): "failed",
}


PHASES = {
    Status.RECEIVING: Phase.RECEIVING,
    Status.PROCESSING: Phase.PACKING,
    Status.COMPLETED: Phase.READY,
    Status.EXPIRED: Phase.READY,
}
PHASES |= {status: Phase.QUEUED for status in Status if status not in PHASES}


def job(status: Status = Status.QUEUED, *, attempt: int = 0, losses: int = 0) -> Job:
    running = status is Status.PROCESSING
    return Job(
        id=UUID(int=1),
        kind=Kind.DOWNLOAD,
        owner="anonymous",
        status=status,
        phase=PHASES[status],
        fence=7,
        attempt=1 if running and not attempt else attempt,
        seq=11,
        losses=losses,
        max_attempts=3,
        created_at=NOW,
        queued_at=NOW,
        due_at=NOW,
        progress=new_progress(2),
        worker="w" if running else None,
        lease_until=NOW + timedelta(seconds=10) if running else None,
        failure=NETWORK if status is Status.FAILED else None,
        finished_at=NOW if status is Status.FAILED else None,
    )


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("status", Status)
def test_every_state_takes_only_the_commands_of_the_table(status: Status, name: str) -> None:
    target = LEGAL.get((status, name))
    if target is None:
        with pytest.raises(IllegalTransition, match=str(status)):
            apply(job(status), COMMANDS[name], NOW)
        return
    after, event = apply(job(status), COMMANDS[name], NOW)
    assert after.status == target
    assert (event.source, event.target) == (status, after.status)
    assert after.fence == event.fence == 8
    assert after.seq == event.seq == 12


def test_sources_say_the_same_as_apply() -> None:
    for name, command in COMMANDS.items():
        legal = {status for status, legal_name in LEGAL if legal_name == name}
        assert sources(type(command)) >= legal
    assert {(s, c.__name__.lower()) for c, found in SOURCES.items() for s in found} == {
        (s, name.partition("_")[0]) for s, name in LEGAL
    }


def test_a_claim_charges_an_attempt_and_starts_the_progress_anew() -> None:
    waiting = replace(job(Status.RETRYING, attempt=1), progress=Progress(files_total=2, bytes_total=9, bytes_done=4))
    after, _ = apply(waiting, COMMANDS["claim"], NOW)
    assert after.attempt == 2
    assert after.progress == new_progress(2)
    assert after.lease_until == NOW + timedelta(seconds=10)
    assert after.phase is Phase.RESOLVING


def test_a_job_is_not_claimed_before_it_is_due() -> None:
    waiting = replace(job(Status.RETRYING, attempt=1), due_at=NOW + timedelta(seconds=1))
    with pytest.raises(IllegalTransition, match="not due"):
        apply(waiting, COMMANDS["claim"], NOW)


@pytest.mark.parametrize("name", ["release", "park"])
def test_a_drain_and_an_outage_charge_no_attempt(name: str) -> None:
    after, _ = apply(job(Status.PROCESSING, attempt=2), COMMANDS[name], NOW)
    assert after.attempt == 1
    assert after.worker is None
    assert after.lease_until is None


def test_an_outage_that_outlasts_the_deadline_ends_the_job() -> None:
    command = Park(failure=NETWORK, retry_in=5, deadline=3600)
    soon, _ = apply(job(Status.PROCESSING), command, NOW + timedelta(seconds=3599))
    late, _ = apply(job(Status.PROCESSING), command, NOW + timedelta(seconds=3600))
    assert (soon.status, late.status) == (Status.RETRYING, Status.FAILED)
    assert late.failure == NETWORK
    assert late.dead
    assert not soon.dead


def test_a_job_that_asked_for_what_is_not_there_is_not_dead() -> None:
    after, _ = apply(job(Status.PROCESSING), COMMANDS["fail_final"], NOW)
    assert not after.dead


def test_a_kind_keeps_what_it_adds_to_a_job_through_every_transition() -> None:
    upload = MultipartUpload(key="k", id="u", fingerprint="f")
    options: dict[str, Any] = {
        "archive_name": "a.zip",
        "name": "a.zip",
        "on_missing": OnMissing.SKIP,
        "compression": Compression.DEFLATE,
    }
    for status, name in LEGAL:
        fields = {field.name: getattr(job(Status(status)), field.name) for field in dataclasses.fields(Job)}
        after, _ = apply(Download(**fields, **options, upload=upload), COMMANDS[name], NOW)
        assert (after.upload, after.archive_name) == (upload, "a.zip")


def test_a_job_whose_bytes_never_arrived_is_not_retried() -> None:
    for command in ("lapse", "cancel"):
        ended, _ = apply(job(Status.RECEIVING), COMMANDS[command], NOW)
        with pytest.raises(IllegalTransition, match="never received its bytes"):
            apply(ended, Retry(), NOW)


def test_a_submitted_job_may_be_claimed_at_once() -> None:
    receiving = replace(job(Status.RECEIVING), due_at=NOW + timedelta(days=1))
    queued, _ = apply(receiving, COMMANDS["submit"], NOW)
    assert (queued.status, queued.phase, queued.queued_at, queued.due_at) == (Status.QUEUED, Phase.QUEUED, NOW, NOW)
    claimed, _ = apply(queued, COMMANDS["claim"], NOW)
    assert claimed.attempt == 1


def test_a_phase_follows_the_state_and_stays_where_a_job_ended() -> None:
    assert apply(job(Status.PROCESSING), COMMANDS["fail_final"], NOW)[0].phase is Phase.PACKING
    assert apply(job(Status.PROCESSING), COMMANDS["lose"], NOW)[0].phase is Phase.QUEUED
    assert apply(job(Status.PROCESSING), COMMANDS["succeed"], NOW)[0].phase is Phase.READY
    assert apply(job(Status.RETRYING, attempt=1), COMMANDS["cancel"], NOW)[0].phase is Phase.QUEUED
    assert apply(job(Status.FAILED), COMMANDS["retry"], NOW)[0].phase is Phase.QUEUED


def test_the_last_attempt_is_final() -> None:
    after, _ = apply(job(Status.PROCESSING, attempt=3), COMMANDS["fail_retryable"], NOW)
    assert after.status is Status.FAILED
    assert after.failure == NETWORK
    assert after.finished_at == NOW


def test_a_retryable_failure_waits_for_its_backoff() -> None:
    after, _ = apply(job(Status.PROCESSING, attempt=2), COMMANDS["fail_retryable"], NOW)
    assert after.due_at == NOW + timedelta(seconds=5)
    assert after.failure == NETWORK


@pytest.mark.parametrize(
    ("attempt", "losses", "status", "delay"),
    [(1, 0, "queued", 0), (2, 0, "queued", 0), (2, 1, "retrying", 5), (3, 0, "failed", 0), (3, 2, "failed", 0)],
)
def test_a_lost_worker_costs_nothing_but_the_attempt_the_first_time(
    attempt: int, losses: int, status: str, delay: int
) -> None:
    after, _ = apply(job(Status.PROCESSING, attempt=attempt, losses=losses), COMMANDS["lose"], NOW)
    assert after.status == status
    assert after.losses == losses + 1
    assert after.failure is not None
    assert after.failure.error_class is ErrorClass.WORKER_LOST
    if status != "failed":
        assert after.due_at == NOW + timedelta(seconds=delay)


@pytest.mark.parametrize("name", ["lose", "release"])
def test_a_job_that_comes_back_to_the_queue_keeps_its_place(name: str) -> None:
    after, _ = apply(job(Status.PROCESSING), COMMANDS[name], NOW + timedelta(seconds=60))
    assert (after.status, after.due_at, after.queued_at) == (Status.QUEUED, NOW, NOW)


def test_a_persons_retry_gives_all_attempts_back_and_forgets_the_result() -> None:
    ended = replace(job(Status.EXPIRED, attempt=3, losses=2), expires_at=NOW, finished_at=NOW, cleanup_at=NOW)
    after, _ = apply(ended, Retry(), NOW + timedelta(hours=1))
    assert (after.attempt, after.losses, after.expires_at) == (0, 0, None)
    assert after.queued_at == NOW + timedelta(hours=1)
    assert after.cleanup_at == ended.cleanup_at, "open downloads of the old result keep their time"


def test_an_expired_bundle_stays_for_the_grace_of_open_downloads() -> None:
    after, _ = apply(job(Status.COMPLETED), Expire(grace=60), NOW)
    assert after.cleanup_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize("error_class", ErrorClass)
def test_only_what_might_have_passed_is_dead_and_can_be_dropped(error_class: ErrorClass) -> None:
    failed = replace(job(Status.FAILED), failure=Failure(error_class=error_class, message="why"))
    assert failed.dead == (error_class is not ErrorClass.VALIDATION)
    if failed.dead:
        assert apply(failed, Delete(), NOW)[0].deleted_at == NOW
        return
    with pytest.raises(IllegalTransition, match="not dead"):
        apply(failed, Delete(), NOW)


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_moves_a_job_that_was_dropped(name: str) -> None:
    dropped, _ = apply(job(Status.FAILED), Delete(), NOW)
    with pytest.raises(IllegalTransition):
        apply(dropped, COMMANDS[name], NOW)


def test_what_a_dropped_job_left_behind_is_removed_as_soon_as_nobody_can_add_to_it() -> None:
    dead = replace(job(Status.FAILED), cleanup_at=NOW + timedelta(days=1))
    for after, due in ((timedelta(), CLEANUP_DELAY), (timedelta(hours=1), timedelta(hours=1))):
        assert apply(dead, Delete(), NOW + after)[0].cleanup_at == NOW + due
    assert apply(replace(dead, cleanup_at=None), Delete(), NOW)[0].cleanup_at == NOW + CLEANUP_DELAY


@given(st.lists(st.sampled_from(sorted(COMMANDS)), max_size=40))
def test_whatever_happens_to_a_job_its_counters_keep_their_rules(names: list[str]) -> None:
    now = NOW
    current = replace(job(), fence=1, seq=1)
    events = [created(current)]
    for name in names:
        now += timedelta(seconds=10)
        try:
            after, event = apply(current, COMMANDS[name], now)
        except IllegalTransition:
            given_up = current.deleted_at is not None or (name == "delete" and not current.dead)
            assert given_up or (current.status, name) not in LEGAL
            continue
        assert current.deleted_at is None
        assert after.fence == current.fence + 1
        assert after.seq == current.seq + 1
        assert 0 <= after.attempt <= after.max_attempts
        assert (after.status is Status.PROCESSING) == (after.lease_until is not None) == (after.worker is not None)
        assert (after.status is Status.COMPLETED) <= (after.expires_at is not None)
        assert after.status.ended == (after.finished_at is not None)
        assert (after.percent == 100.0) == (after.status in (Status.COMPLETED, Status.EXPIRED))
        events.append(event)
        current = after
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    for earlier, later in itertools.pairwise(events):
        assert earlier.target == later.source
