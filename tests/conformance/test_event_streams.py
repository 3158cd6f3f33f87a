"""Event streams (docs/protocol.md, "Event streams"; WHATWG HTML, section 9.2)."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from tests.conformance.job import JobUnderTest, assert_problems, assert_starts_over, summary, unknown_id
from tests.conformance.limits import COMMENT_WATCH, FUTURE, MAX_STREAM_JOBS, SILENCE
from tests.conformance.raw_client import EventStream, RawClient
from tests.conformance.recordings import has_ended


@pytest.mark.slow
def test_a_silent_stream_sends_comments(client: RawClient, job: JobUnderTest) -> None:
    """At least every 15 s; section 9.2.7. Needs a job that has not ended."""
    if has_ended(job.final):
        pytest.skip("only the stream of a job that has not ended can be silent")
    started = time.monotonic()
    stream = client.stream(job.stream_path, timeout=SILENCE, total=COMMENT_WATCH)
    assert time.monotonic() - started > COMMENT_WATCH or stream.ended, f"no byte for {SILENCE:g} s"
    assert stream.parser.comments > 1 or len(stream.events) > 1, f"no comment within {COMMENT_WATCH:g} s"


def test_its_headers_keep_proxies_from_buffering(client: RawClient, job: JobUnderTest) -> None:
    response = client.stream(job.stream_path, timeout=2, total=0.1).response
    headers = {name.lower(): value.lower() for name, value in response.headers.items()}
    media_type = headers.get("content-type", "").partition(";")[0]
    assert (response.status, media_type) == (200, "text/event-stream"), f"{response.status} {media_type}"
    directives = {part.strip() for part in headers.get("cache-control", "").split(",")}
    assert {"no-cache", "no-transform"} <= directives, f"Cache-Control is {headers.get('cache-control')}"
    for name in ("content-length", "content-encoding"):
        assert name not in headers, f"it has {name}: {headers.get(name)}"
    buffering = headers.get("x-accel-buffering")
    if buffering is None and response.proxy:  # nginx obeys and removes it
        pytest.skip(f"X-Accel-Buffering is not seen: a proxy took it ({response.proxy})")
    assert buffering == "no", f"X-Accel-Buffering is {buffering}"


def test_it_begins_with_retry_and_a_comment(client: RawClient, ended_job: JobUnderTest) -> None:
    parser = _read(client, ended_job.stream_path).parser
    assert parser.retry is not None, "there is no retry"
    assert parser.comments, "there is no comment"


def test_an_event_has_the_type_of_its_message_and_the_id_seq_tick(client: RawClient, ended_job: JobUnderTest) -> None:
    stream = _read(client, ended_job.stream_path)
    for event, message in zip(stream.events, stream.messages, strict=True):
        assert event.type == message.get("type"), f"event {event.type}, type {message.get('type')}"
        expected = f"{message.get('seq')}.{message.get('tick')}"
        assert event.id == expected, f"id {event.id} instead of {expected}"


def test_since_omits_what_the_client_has(client: RawClient, ended_job: JobUnderTest) -> None:
    before = ended_job.seq - 1
    first = _read(client, f"{ended_job.stream_path}?since={before}").messages[0]
    assert first.get("since") == before, summary(first)


def test_last_event_id_overrides_since(client: RawClient, ended_job: JobUnderTest) -> None:
    """Section 9.2.4."""
    before = ended_job.seq - 1
    headers = {"Last-Event-ID": f"{before}.0"}
    first = _read(client, f"{ended_job.stream_path}?since=0", headers).messages[0]
    assert first.get("since") == before, summary(first)


@pytest.mark.parametrize("last_event_id", ["hello", "1", "1.2.3", "-1.0", "9" * 40 + ".0"])
def test_an_invalid_last_event_id_is_ignored(client: RawClient, ended_job: JobUnderTest, last_event_id: str) -> None:
    before = ended_job.seq - 1
    headers = {"Last-Event-ID": last_event_id}
    first = _read(client, f"{ended_job.stream_path}?since={before}", headers).messages[0]
    assert first.get("since") == before, summary(first)


def test_a_client_that_has_the_end_of_the_job_gets_204(client: RawClient, ended_job: JobUnderTest) -> None:
    """An `EventSource` then stops reconnecting; section 9.2.3."""
    path, seq = ended_job.stream_path, ended_job.seq
    for url, headers in ((path, {"Last-Event-ID": f"{seq}.0"}), (f"{path}?since={seq}", {})):
        status = client.stream(url, headers).response.status
        assert status == 204, f"{url} {headers or ''} responds {status}"


def test_a_position_from_the_future_starts_over(client: RawClient, ended_job: JobUnderTest) -> None:
    path, future = ended_job.stream_path, ended_job.seq + FUTURE
    assert_starts_over(ended_job, _read(client, f"{path}?since={future}").messages[0])
    assert_starts_over(ended_job, _read(client, path, {"Last-Event-ID": f"{future}.0"}).messages[0])


def test_unknown_jobs_and_invalid_requests_are_problems(client: RawClient, job: JobUnderTest) -> None:
    assert_problems(client, job, "/v1/download/stream")


def test_a_stream_of_many_starts_each_job_from_its_own_since(client: RawClient, ended_job: JobUnderTest) -> None:
    before = ended_job.seq - 1
    first, second = ended_job.id, ended_job.second_id
    stream = _read(client, f"/v1/download/stream?jobs={first}:{before},{second}")
    since = {message["jobId"]: message["since"] for message in reversed(stream.messages)}
    assert since == {str(first): before, str(second): 0}, f"since {since}"
    ids = [event.id for event in stream.events if event.id is not None]
    assert not ids, f"an event of many jobs has the id {ids[0]}"


def test_a_stream_of_many_refuses_unknown_too_many_and_invalid_jobs(client: RawClient, job: JobUnderTest) -> None:
    path = "/v1/download/stream?jobs="
    found = client.problem(f"{path}{job.id}:0,{unknown_id()}:0")
    assert found == (404, "job_not_found"), f"an unknown job: {found}"
    too_many = ",".join(str(unknown_id()) for _ in range(MAX_STREAM_JOBS + 1))
    for jobs in ("", "hello", f"{job.id}:x", f"{job.id}:-1", too_many):
        found = client.problem(path + jobs)
        assert found == (400, "invalid_request"), f"jobs={jobs[:40]}: {found}"


def _read(client: RawClient, path: str, headers: Mapping[str, str] | None = None) -> EventStream:
    """Reads the stream of an ended job to its end."""
    stream = client.stream(path, headers)
    assert stream.response.status == 200, f"{path} {headers or ''} responds {stream.response.status}"
    assert stream.ended, "it does not end although the job has"
    assert stream.events, "it sends no event"
    return stream
