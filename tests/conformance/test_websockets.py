"""WebSockets (docs/protocol.md, "WebSocket"; RFC 6455)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conformance.job import Followed, JobUnderTest, assert_starts_over, summary, unknown_id
from tests.conformance.limits import FUTURE, MAX_FAULTS, MAX_JOBS, MAX_MESSAGE_BYTES, PING_WATCH, SUBPROTOCOL
from tests.conformance.raw_client import ProtocolViolation, RawClient, WebSocket
from tests.conformance.recordings import has_ended

MANY = "/v1/download/subscribe"
_FOREIGN_HOST = "haulage.invalid"
_FOREIGN_ORIGIN = f"https://{_FOREIGN_HOST}"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [((SUBPROTOCOL,), SUBPROTOCOL), (("other", SUBPROTOCOL), SUBPROTOCOL), ((), None)],
    ids=["offered", "offered among others", "none offered"],
)
def test_haulage_v1_is_chosen_where_it_is_offered(
    client: RawClient, offered: tuple[str, ...], chosen: str | None
) -> None:
    """RFC 6455, section 4.2.2."""
    with client.websocket(MANY, subprotocols=offered) as websocket:
        assert websocket.subprotocol == chosen, f"{websocket.subprotocol} was chosen"
        websocket.assert_open()


def test_other_subprotocols_are_closed_with_4406(client: RawClient) -> None:
    with client.websocket(MANY, subprotocols=("other", "third")) as websocket:
        assert websocket.subprotocol == "other", f"{websocket.subprotocol} was chosen"
        _assert_closed(websocket, 4406)


def test_an_unknown_job_is_closed_with_4404(client: RawClient) -> None:
    with client.websocket(f"{MANY}/{unknown_id()}") as websocket:
        _assert_closed(websocket, 4404)


def test_invalid_ids_and_since_are_closed_with_4400(client: RawClient, job: JobUnderTest) -> None:
    for path in (f"{MANY}/hello", *(f"{job.websocket_path}?since={value}" for value in ("x", "-1", "1.5"))):
        with client.websocket(path) as websocket:
            _assert_closed(websocket, 4400, path)


def test_the_origin_of_the_server_is_allowed(client: RawClient, job: JobUnderTest) -> None:
    with client.websocket(job.websocket_path, origin=client.origin) as websocket:
        if has_ended(job.final):
            _assert_closed(websocket, 1000)
        else:
            websocket.assert_open()


def test_a_foreign_origin_is_closed_with_4403(client: RawClient, job: JobUnderTest) -> None:
    """RFC 6455, section 10.2."""
    response = client.request(job.status_path, {"Origin": _FOREIGN_ORIGIN})
    allowed = response.headers.get("Access-Control-Allow-Origin")
    if allowed is not None:
        pytest.skip(f"the server allows pages of {allowed}")
    with client.websocket(job.websocket_path, origin=_FOREIGN_ORIGIN) as websocket:
        _assert_closed(websocket, 4403)


def test_a_foreign_host_name_is_closed_with_4421(client: RawClient, job: JobUnderTest) -> None:
    try:
        status = client.request(job.status_path, {"Host": _FOREIGN_HOST}).json
    except ProtocolViolation:  # no response of a Haulage server
        pytest.skip("the request of a foreign host name is not seen: a proxy took it")
    if status.get("error") != "wrong_host":
        pytest.skip("the server serves every host name, or a proxy replaces it")
    with client.websocket(job.websocket_path, host=_FOREIGN_HOST) as websocket:
        _assert_closed(websocket, 4421)


def test_an_ended_job_sends_its_end_and_is_closed_with_1000(client: RawClient, ended_job: JobUnderTest) -> None:
    for since in (0, ended_job.seq - 1, ended_job.seq):
        with client.websocket(f"{ended_job.websocket_path}?since={since}") as websocket:
            message = websocket.receive()
            assert has_ended(message), f"since={since}: {summary(message)}"
            assert message["since"] == since, f"since={since}: {summary(message)}"
            _assert_closed(websocket, 1000)


def test_a_since_from_the_future_starts_over(client: RawClient, ended_job: JobUnderTest) -> None:
    with client.websocket(f"{ended_job.websocket_path}?since={ended_job.seq + FUTURE}") as websocket:
        assert_starts_over(ended_job, websocket.receive())


def test_a_ping_is_answered(client: RawClient) -> None:
    """RFC 6455, section 5.5.3."""
    with client.websocket(MANY) as websocket:
        websocket.assert_open()


@pytest.mark.slow
def test_an_idle_connection_is_pinged_every_30_s(client: RawClient) -> None:
    with client.websocket(MANY) as websocket:
        time.sleep(PING_WATCH)
        assert websocket.pings, f"no ping within {PING_WATCH:g} s"
        websocket.assert_open()


def test_an_invalid_message_gets_an_error_and_changes_nothing(client: RawClient, ended_job: JobUnderTest) -> None:
    follow: dict[str, Any] = {"type": "follow", "jobs": [{"jobId": str(ended_job.id), "since": ended_job.seq}]}
    no_jobs = {"type": "follow", "jobs": []}
    with client.websocket(MANY) as websocket:
        for message in ("hello", b"\x00", {"type": "dance"}, no_jobs, follow | {"more": 1}, "[]", ""):
            websocket.send(message)
            error = websocket.receive_error()
            found = (error["error"], error["jobId"])
            assert found == ("invalid_request", None), f"{message!r} gets {found}"
        websocket.send(follow)
        assert has_ended(websocket.receive()), "it does not follow any more"


def test_an_unknown_job_gets_an_error_and_the_others_are_followed(client: RawClient, ended_job: JobUnderTest) -> None:
    unknown = str(unknown_id())
    with client.websocket(MANY) as websocket:
        jobs = [{"jobId": unknown}, {"jobId": str(ended_job.id), "since": ended_job.seq}]
        websocket.send({"type": "follow", "jobs": jobs})
        messages = [websocket.receive(), websocket.receive()]  # in any order
        errors = [(it.get("error"), it.get("jobId")) for it in messages if it.get("type") == "error"]
        assert errors == [("job_not_found", unknown)], f"{errors}"
        assert any(map(has_ended, messages)), "the other job is not followed"


def test_an_unfollowed_job_sends_no_more_and_the_others_do(followed: Followed, ended_job: JobUnderTest) -> None:
    recording = followed.unfollowed
    assert not recording.fault, recording.fault
    if recording.ending == "late":
        pytest.skip("a job had ended before it was unfollowed")
    unwanted = recording.of(ended_job.second_id)
    assert not unwanted, summary(unwanted[0])
    assert recording.of(ended_job.id), "no message of the other job"


def test_a_job_of_many_from_the_future_starts_over(client: RawClient, ended_job: JobUnderTest) -> None:
    with client.websocket(MANY) as websocket:
        jobs = [{"jobId": str(ended_job.id), "since": ended_job.seq + FUTURE}]
        websocket.send({"type": "follow", "jobs": jobs})
        assert_starts_over(ended_job, websocket.receive())


def test_more_than_100_jobs_get_an_error_and_none_is_followed(client: RawClient, job: JobUnderTest) -> None:
    with client.websocket(MANY) as websocket:
        jobs = [{"jobId": str(job_id)} for job_id in (job.id, *(unknown_id() for _ in range(MAX_JOBS)))]
        websocket.send({"type": "follow", "jobs": jobs})
        error = websocket.receive_error()
        assert error["error"] == "too_many_jobs", f"{error}"
        websocket.send({"type": "unfollow", "jobs": [str(unknown_id())]})
        websocket.send({"type": "dance"})
        error = websocket.receive_error()
        assert error["error"] == "invalid_request", f"then {error}"


def test_a_message_above_64_kib_is_closed_with_1009(client: RawClient) -> None:
    """RFC 6455, section 7.4.1."""
    with client.websocket(MANY) as websocket:
        websocket.send("x" * MAX_MESSAGE_BYTES)
        websocket.receive_error()
        websocket.send("x" * (MAX_MESSAGE_BYTES + 1))
        _assert_closed(websocket, 1009)


def test_the_tenth_fault_is_closed_with_4400(client: RawClient) -> None:
    with client.websocket(MANY) as websocket:
        for _ in range(MAX_FAULTS - 1):
            websocket.send("hello")
            websocket.receive_error()
        websocket.assert_open()
        websocket.send("hello")
        _assert_closed(websocket, 4400)


def _assert_closed(websocket: WebSocket, code: int, what: str = "it") -> None:
    found = websocket.close_code()
    assert found == code, f"{what} is closed with {found}"
