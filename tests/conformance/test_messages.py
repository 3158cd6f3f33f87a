"""Messages and their order: the same on every transport (docs/protocol.md, "Messages" and "Order")."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from app.schemas import JobStatus
from jobs.engine.events import Event, EventType, FileView, ProgressView
from jobs.engine.events import Message as MessageModel
from jobs.engine.order import Verdict, judge, requested_since
from tests.conformance.job import Followed, JobUnderTest
from tests.conformance.raw_client import Message
from tests.conformance.recordings import Recording, has_ended

_LIVE = frozenset({EventType.PROGRESS, EventType.RETRYING, EventType.GONE})
"""The types that do not carry the whole status."""


def test_the_job_ends(job: JobUnderTest, request: pytest.FixtureRequest) -> None:
    timeout = request.config.getoption("--job-timeout", 60.0)
    assert has_ended(job.final), f"it is {job.final.get('status')} after {timeout:g} s: is a worker running?"


def test_every_transport_delivers_messages(followed: Followed) -> None:
    for recording in followed.recordings:
        assert recording.messages, f"{recording.transport}: {recording.fault or 'no message'}"


def test_every_message_has_the_fields_of_its_type(followed: Followed) -> None:
    for recording in followed.recordings:
        for message in recording.messages:
            try:
                event_type = EventType(str(message.get("type")))
                model = Event if event_type in _LIVE else JobStatus
                missing = sorted(_names(model) - set(message))
                assert not missing, f"{recording.transport}: a {event_type} without {', '.join(missing)}"
                _assert_values(model.model_validate(message), message)
            except (ValidationError, ValueError) as error:
                pytest.fail(f"{recording.transport}: {' '.join(str(error).split())[:200]}")


def _names(model: type[MessageModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _assert_values(event: Event, message: Message) -> None:
    progress = event.progress
    assert _names(ProgressView) <= set(message["progress"]), f"progress has only {sorted(message['progress'])}"
    assert event.ts.tzinfo is not None, f"ts {message['ts']} has no time zone"
    assert progress.percent is None or 0 <= progress.percent <= 100, f"percent is {progress.percent}"
    assert 0 <= event.since <= event.seq, f"since is {event.since}, seq {event.seq}"
    assert event.tick >= 0, f"tick is {event.tick}"
    for file in message["files"]:
        assert _names(FileView) <= set(file), f"a file has only {sorted(file)}"


def test_the_first_message_is_the_whole_status_since_the_requested_seq(followed: Followed) -> None:
    for recording, messages in _by_job(followed):
        if not recording.summary_only:
            first = messages[0]
            assert first.get("type") not in _LIVE, f"{recording.transport}: {first.get('type')}"
            assert first.get("since") == 0, f"{recording.transport}: since {first.get('since')} instead of 0"


def test_the_order_never_goes_back(followed: Followed) -> None:
    for recording, messages in _by_job(followed):
        have = requested_since(0)
        for message in messages:
            order = (message["seq"], message["tick"])
            grows = order >= have if recording.summary_only else order > have
            assert grows, f"{recording.transport}: {order} after {have}"
            have = order


def test_no_message_leaves_a_gap(followed: Followed) -> None:
    """No message has a `since` above the `seq` that the client has."""
    for recording, messages in _by_job(followed):
        if recording.summary_only:
            continue
        have = requested_since(0)
        for message in messages:
            order = (message["seq"], message["tick"])
            verdict = judge(have, message["since"], order)
            assert verdict is not Verdict.GAP, f"{recording.transport}: since {message['since']} after {have}"
            have = order


def test_the_last_message_is_the_end_of_the_job_on_every_transport(followed: Followed, ended_job: JobUnderTest) -> None:
    expected = _lasting(ended_job.final)
    for recording in followed.recordings:
        messages = recording.of(ended_job.id)
        last = messages[-1] if messages else {}
        assert has_ended(last), f"{recording.transport}: {recording.fault or last.get('status')}"
        found = _lasting(last)
        differing = [name for name in sorted(expected | found) if expected.get(name) != found.get(name)]
        assert not differing, f"{recording.transport}: {', '.join(differing)} differ from GET ?since=0"
        assert last["type"] == last["status"], f"{recording.transport}: type {last['type']}, status {last['status']}"


def _lasting(message: Message) -> Message:
    """Returns what does not depend on the request."""
    return {name: value for name, value in message.items() if name not in {"since", "ts", "files"}}


def test_the_files_of_all_messages_are_the_files_of_the_job(followed: Followed, ended_job: JobUnderTest) -> None:
    expected = {file["index"]: file for file in ended_job.final["files"]}
    for recording in followed.recordings:
        if recording.summary_only:
            continue
        files = {file["index"]: file for message in recording.of(ended_job.id) for file in message["files"]}
        differing = [index for index in sorted(expected | files) if expected.get(index) != files.get(index)]
        assert not differing, f"{recording.transport}: file {differing[0]} is {files.get(differing[0])}"


@pytest.mark.usefixtures("ended_job")
def test_connections_end_with_their_jobs_except_a_websocket_of_many(followed: Followed) -> None:
    endings = {
        "event stream": "ended",
        "event stream of many": "ended",
        "WebSocket": "closed with 1000",
        "WebSocket of many": "open",
    }
    for recording in followed.recordings:
        expected = endings.get(recording.transport, "")
        found = recording.fault or recording.ending or "open"
        assert recording.ending == expected, f"{recording.transport}: {found}"


def _by_job(followed: Followed) -> Iterator[tuple[Recording, list[Message]]]:
    """Yields the messages of each transport about each job."""
    for recording in followed.recordings:
        for job_id in (followed.job.id, followed.job.second_id):
            messages = recording.of(job_id)
            if messages:
                yield recording, messages
