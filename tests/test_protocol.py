"""docs/protocol.md matches the code, and so do the limits that the conformance tests use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.close_codes import CloseCode
from app.endpoints import sockets, streams
from app.following.connections import MAX_SILENCE
from app.following.slow_consumers import STALL_TIMEOUT
from app.requests import MAX_STREAMED, MAX_WAIT
from app.schemas import JobStatus, Links, ResultView
from app.server import MAX_MESSAGE_BYTES, PING, PONG
from jobs.engine.events import Event, EventType, FileView, Message, ProgressView
from jobs.engine.jobs import Status
from tests.conformance import limits


@pytest.fixture
def page(project: Path) -> str:
    return (project / "docs" / "protocol.md").read_text(encoding="utf-8")


def rows(page: str, title: str) -> set[str]:
    """What the first column of the table that begins with this title names in backticks."""
    table = page.split(f"\n| {title} |", 1)[1].split("\n\n", 1)[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def names(model: type[Message]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_every_field_is_described(page: str) -> None:
    event, rest = page.split("The whole status has all fields above", 1)
    assert rows(event, "field | type") == names(Event)
    assert rows(page, "field of `progress`") == names(ProgressView)
    assert rows(page, "field of a file") == names(FileView)
    assert rows(rest, "field | type") == names(JobStatus) - names(Event)
    assert all(f"`{name}`" in rest for name in names(ResultView) | names(Links))


def test_every_type_and_status_is_described(page: str) -> None:
    assert rows(page, "`type` | when") == set(EventType)
    assert all(f"`{status}`" in page for status in Status)


def test_every_close_code_is_described(page: str) -> None:
    found = dict(re.findall(r"^\| (\d{4}) \| .* \| ([^|]+) \|$", page, re.MULTILINE))
    for closing in CloseCode:
        expected = "after {:g} to {:g} s".format(*closing.retry) if closing.retry else "don't"
        assert found.pop(str(closing.code)) == expected
    assert set(found) == {"1009"}


def test_the_limits_are_those_of_the_code(page: str) -> None:
    said = " ".join(page.split())
    for text in (
        f"at most {MAX_WAIT} (RFC 7240",
        f"follows 1 to {MAX_STREAMED} jobs",
        f"{sockets.MAX_JOBS} jobs at a time, {MAX_MESSAGE_BYTES:,} bytes per message",
        f"pings every {PING:g} s, and expects a pong within {PONG:g} s",
        f"Without a message, a comment is sent after {MAX_SILENCE:g} s at the latest",
        f"`retry: {1000 * streams.RETRY:g}`",
        f"you read nothing for {STALL_TIMEOUT:g} s",
    ):
        assert text in said
    assert sockets.MAX_FAULTS == limits.MAX_FAULTS == 10
    assert (limits.MAX_MESSAGE_BYTES, limits.MAX_JOBS, limits.MAX_STREAM_JOBS, limits.SUBPROTOCOL) == (
        MAX_MESSAGE_BYTES,
        sockets.MAX_JOBS,
        MAX_STREAMED,
        sockets.SUBPROTOCOL,
    )
    assert limits.PING_WATCH > PING
    assert limits.SILENCE > MAX_SILENCE
