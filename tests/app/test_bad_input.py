"""Bad input is refused with a problem that names every offending field, and nothing is written."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest

from jobs.engine.jobs import Status
from tests.app.shared import Shared, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

INITIATE = "/v1/download/initiate"
UNKNOWN = UUID(int=7)
JOB = f"/v1/download/job/{UNKNOWN}"

BODIES: dict[str, tuple[Any, list[str]]] = {
    "nothing": ({}, ["body"]),
    "a text": ("10000", ["body"]),
    "a list": ([10_000], ["body"]),
    "both ways of naming files": ({"file_ids": [10_000], "files": [{"file_id": 10_001}]}, ["body"]),
    "no ids": ({"file_ids": []}, ["file_ids"]),
    "no files": ({"files": []}, ["files"]),
    "1001 ids": ({"file_ids": list(range(10_000, 11_001))}, ["file_ids"]),
    "1001 files": ({"files": [{"file_id": i} for i in range(10_000, 11_001)]}, ["files"]),
    "ids that are no list": ({"file_ids": 10_000}, ["file_ids"]),
    "repeated ids": ({"file_ids": [10_000, 10_001, 10_000, 10_000]}, ["file_ids[2]", "file_ids[3]"]),
    "repeated files": ({"files": [{"file_id": 10_000, "name": "a"}, {"file_id": 10_000}]}, ["files[1].file_id"]),
    "too many and repeated": (
        {"file_ids": [10_000] * 5_000},
        ["file_ids", *(f"file_ids[{n}]" for n in range(1, 1_000))],
    ),
    "ids out of range": (
        {"file_ids": [9_999, 10_000, 100_000_001, -1, 0, 10**4000]},
        ["file_ids[0]", "file_ids[2]", "file_ids[3]", "file_ids[4]", "file_ids[5]"],
    ),
    "ids that are no integers": (
        {"file_ids": [True, 10_000.0, "10000", None, [10_000], {}]},
        [f"file_ids[{n}]" for n in range(6)],
    ),
    "unknown fields": ({"file_ids": [10_000], "fileIds": [], "priority": 1}, ["fileIds", "priority"]),
    "an id and a url": (
        {"files": [{"file_id": 10_000, "url": "http://169.254.169.254/"}]},
        ["files[0].file_id", "files[0].name"],
    ),
    "a url of no host": ({"files": [{"url": "file:///etc/passwd", "name": "a"}]}, ["files[0].url"]),
    "a url as source": ({"files": [{"url": "http://169.254.169.254/", "name": "a"}]}, ["files[0].url"]),
    "files without id": ({"files": [{"name": "a"}, 5]}, ["files[0].file_id", "files[1]"]),
    "names that are none": (
        {"files": [{"file_id": 10_000, "name": ""}, {"file_id": 10_001, "name": 5}], "archiveName": ""},
        ["files[0].name", "files[1].name", "archiveName"],
    ),
    "names of 4 kB": (
        {"files": [{"file_id": 10_000, "name": "a" * 4096}], "archiveName": "b" * 4096},
        ["files[0].name", "archiveName"],
    ),
    "an unknown policy": ({"file_ids": [10_000], "onMissing": "ignore"}, ["onMissing"]),
    "an unknown compression": ({"file_ids": [10_000], "compression": "zstd"}, ["compression"]),
    "a compression that is no text": ({"file_ids": [10_000], "compression": 8}, ["compression"]),
    "all at once": (
        {"file_ids": [1, 10_000, 10_000], "onMissing": 1, "archiveName": [], "x": 1},
        ["file_ids[0]", "file_ids[2]", "onMissing", "archiveName", "x"],
    ),
}


def fields(answer: Any) -> list[str]:
    """The offending fields of a 400, sorted."""
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["error"] == "invalid_request"
    assert all(one["message"] for one in problem["errors"])
    return sorted(one["field"] for one in problem["errors"])


@pytest.mark.parametrize("path", [INITIATE, "/v1/download/check"])
@pytest.mark.parametrize("case", BODIES)
async def test_an_invalid_selection_reports_all_its_fields(shared: Shared, case: str, path: str) -> None:
    body, offending = BODIES[case]
    before = await shared.rows()
    assert fields(await shared.api.post(path, json=body)) == sorted(offending)
    assert await shared.rows() == before


@pytest.mark.parametrize("path", ["/v1/download/start", "/v1/download/check"])
async def test_an_invalid_single_file_is_refused(shared: Shared, path: str) -> None:
    before = await shared.rows()
    for value in (True, "10000", 9_999, None, 1.5, [10_000]):
        assert fields(await shared.api.post(path, json={"file_id": value, "x": 1})) == ["file_id", "x"]
    assert await shared.rows() == before


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"file_ids": [10000],}', b"\xff\xfe", b'{"file_ids": [NaN]}', b"[" * 5_000, b'{"a": "\\ud800"}'],
    ids=["empty", "cut off", "comma", "not UTF-8", "NaN", "deep", "half a surrogate"],
)
async def test_invalid_json_is_refused(shared: Shared, body: bytes) -> None:
    for path in (INITIATE, "/v1/download/check", "/v1/download/start"):
        answer = await shared.api.post(path, content=body, headers={"Content-Type": "application/json"})
        assert fields(answer) == ["body"]


async def test_an_invalid_key_and_an_invalid_body_are_both_reported(shared: Shared) -> None:
    before = await shared.rows()
    for key in (b"", b'""', b"a b", "é".encode(), b"x" * 256):
        answer = await shared.api.post(INITIATE, json={"file_ids": []}, headers=[(b"Idempotency-Key", key)])
        assert fields(answer) == ["Idempotency-Key", "file_ids"]
    assert await shared.rows() == before


@pytest.mark.parametrize("job_id", ["1", "x" * 36, str(UNKNOWN)[:-1], "%00", str(UNKNOWN).replace("-", "")])
async def test_an_invalid_job_id_is_refused_everywhere(shared: Shared, job_id: str) -> None:
    job = f"/v1/download/job/{job_id}"
    for method, path in (
        ("GET", job),
        ("DELETE", job),
        ("POST", f"{job}/retry"),
        ("DELETE", f"{job}/bundle"),
        ("GET", f"{job}/download-url"),
        ("GET", f"{job}/file"),
        ("GET", f"{job}/history"),
        ("DELETE", f"/v1/download/dead/{job_id}"),
    ):
        assert fields(await shared.api.request(method, path)) == ["jobId"]


@pytest.mark.parametrize(
    ("path", "offending"),
    [
        (f"{JOB}?since=-1", ["since"]),
        (f"{JOB}?since=1.5", ["since"]),
        (f"{JOB}?since=9999999999999999999", ["since"]),
        ("/v1/download/job/1?since=x", ["jobId", "since"]),
        ("/v1/download/jobs?limit=0&status=done&cursor=x", ["cursor", "limit", "status"]),
        ("/v1/download/jobs?limit=201", ["limit"]),
        ("/v1/download/dead?limit=0&cursor=x", ["cursor", "limit"]),
        ("/v1/download/job/1/history?limit=x&cursor=x", ["cursor", "jobId", "limit"]),
        ("/v1/download/files?limit=ten&cursor=!&q=a%00", ["cursor", "limit", "q"]),
    ],
)
async def test_invalid_query_parameters_are_all_reported(shared: Shared, path: str, offending: list[str]) -> None:
    assert fields(await shared.api.get(path)) == offending


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{JOB}?since=-1", "since: must be a whole number from 0 to 9223372036854775807, not '-1'"),
        ("/v1/download/jobs?limit=ten", "limit: must be a whole number from 1 to 200, not 'ten'"),
        ("/v1/download/jobs?cursor=x", "cursor: must be the nextCursor of an earlier page, not 'x'"),
        (
            "/v1/download/jobs?status=done",
            f"status: must be one or more, separated by commas, of {', '.join(Status)}, not 'done'",
        ),
        ("/v1/download/job/1", "jobId: must be a UUID, not '1'"),
        ("/v1/download/files?q=a%00", r"q: must have no NUL character, not 'a\x00'"),
        ("/v1/download/stream?jobs=x:1", "jobs: must be 1 to 50 pairs of id:since, separated by commas, not 'x:1'"),
        ("/v1/download/stream", "jobs: must be 1 to 50 pairs of id:since, separated by commas, not 0"),
        ("/v1/diagnose/request?wait=1000", "wait: must be a number of seconds from 0 to 150, not '1000'"),
    ],
)
async def test_a_problem_of_the_address_names_the_parameter_the_value_and_the_rule(
    shared: Shared, path: str, text: str
) -> None:
    problem = (await shared.api.get(path)).json()
    assert problem["message"] == f"The request is not valid: {text}."
    assert [f"{one['field']}: {one['message']}" for one in problem["errors"]] == [text]


@pytest.mark.parametrize(
    "place",
    [
        "",
        "|",
        "2026-01-01|" + str(UNKNOWN),
        "2026-01-01T00:00:00|" + str(UNKNOWN),
        "0001-01-01T00:00:00+14:00|" + str(UNKNOWN),
        "2026-01-01T00:00:00+00:00|1",
        "1|2|3",
        "ünter",
    ],
)
async def test_forged_cursors_are_refused(shared: Shared, place: str) -> None:
    cursor = base64.urlsafe_b64encode(place.encode()).decode()
    for path in ("/v1/download/jobs", "/v1/download/files", "/v1/download/dead", f"{JOB}/history"):
        assert fields(await shared.api.get(path, params={"cursor": cursor})) == ["cursor"]


async def test_an_unknown_job_returns_404_everywhere(shared: Shared) -> None:
    for method, path in (
        ("GET", JOB),
        ("DELETE", JOB),
        ("POST", f"{JOB}/retry"),
        ("DELETE", f"{JOB}/bundle"),
        ("GET", f"{JOB}/download-url"),
        ("GET", f"{JOB}/file"),
        ("GET", f"{JOB}/history"),
        ("DELETE", f"/v1/download/dead/{UNKNOWN}"),
    ):
        answer = await shared.api.request(method, path)
        assert (answer.status_code, answer.json()["error"]) == (404, "job_not_found")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Windows\\system.ini", "C_/Windows/system.ini"),
        ("a\0b", "a_b"),
        ("con", "_con"),
        ("\u202egpj.exe", "gpj.exe"),
        ("..", "file"),
    ],
)
async def test_unsafe_names_are_sanitized(shared: Shared, name: str, safe: str) -> None:
    body = {"files": [{"file_id": 10_000, "name": name}], "archiveName": name}
    answer = await shared.api.post(INITIATE, json=body)
    assert answer.status_code == 202
    status = (await shared.api.get(f"{answer.headers['Location']}?since=0")).json()
    assert status["files"][0]["name"] == safe
    assert status["archiveName"].endswith(".zip")
    assert not {"/", "\\", "\0", "\u202e"} & set(status["archiveName"])


async def test_a_byte_order_mark_is_ignored_and_utf_16_is_named(shared: Shared) -> None:
    """RFC 8259, section 8.1. PowerShell and Notepad write both."""
    body = '{"file_ids": [10000]}'
    for path in (INITIATE, "/v1/download/check"):
        headers = {"Content-Type": "application/json"}
        read = await shared.api.post(path, content=body.encode("utf-8-sig"), headers=headers)
        assert read.status_code in {200, 202}
        refused = await shared.api.post(path, content=body.encode("utf-16"), headers=headers)
        assert problem(refused, 400, "invalid_request").json()["errors"][0]["message"] == "must be UTF-8 (RFC 8259)"
