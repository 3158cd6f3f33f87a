"""Polling and long-polling (docs/protocol.md, "Polling")."""

from __future__ import annotations

import time

from tests.conformance.job import JobUnderTest, assert_problems, assert_starts_over, summary
from tests.conformance.limits import FUTURE
from tests.conformance.raw_client import RawClient


def test_an_unchanged_etag_is_answered_with_304_and_no_body(client: RawClient, ended_job: JobUnderTest) -> None:
    """RFC 9110, section 13.1.2."""
    etag = client.request(ended_job.status_path).headers.get("ETag", "")
    assert etag, "there is no ETag"
    for condition in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        response = client.request(ended_job.status_path, {"If-None-Match": condition})
        assert response.status == 304, f"If-None-Match: {condition} responds {response.status}"
        assert response.headers.get("ETag") == etag, f"the 304 has ETag {response.headers.get('ETag')}"
        assert not response.body, "the 304 has a body"
    other = client.request(ended_job.status_path, {"If-None-Match": '"other"'})
    assert other.status == 200, f"another tag responds {other.status}"


def test_since_lists_the_files_that_changed_after_it(client: RawClient, ended_job: JobUnderTest) -> None:
    seq = ended_job.seq
    none = client.request(f"{ended_job.status_path}?since={seq}").json
    assert (none.get("since"), none.get("files")) == (seq, []), f"since={seq}: {summary(none)}"
    short = client.request(ended_job.status_path).json
    assert (short.get("since"), short.get("files")) == (seq, []), f"without since: {summary(short)}"
    everything = client.request(f"{ended_job.status_path}?since=0").json
    total = everything["progress"]["filesTotal"]
    assert len(everything["files"]) == total, f"since=0 lists {len(everything['files'])} of {total} files"


def test_a_since_from_the_future_starts_over(client: RawClient, ended_job: JobUnderTest) -> None:
    assert_starts_over(ended_job, client.request(f"{ended_job.status_path}?since={ended_job.seq + FUTURE}").json)


def test_a_long_poll_of_an_ended_job_responds_at_once(client: RawClient, ended_job: JobUnderTest) -> None:
    """RFC 7240, section 4.3."""
    started = time.monotonic()
    response = client.request(ended_job.status_path, {"Prefer": "wait=9"})
    elapsed = time.monotonic() - started
    assert response.status == 200, f"it responds {response.status}"
    assert elapsed < 5, f"it responds after {elapsed:.1f} s"
    applied = response.headers.get("Preference-Applied")
    assert applied == "wait=9", f"Preference-Applied is {applied}"


def test_unknown_jobs_and_invalid_requests_are_problems(client: RawClient, job: JobUnderTest) -> None:
    assert_problems(client, job, "/v1/download/job")
