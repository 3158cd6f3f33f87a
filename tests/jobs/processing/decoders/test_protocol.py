"""The lines between a worker and its child: what one writes, the other reads, and nothing else is accepted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.processing.decoders.protocol import (
    MAX_LINE,
    Bounds,
    BrokenEvent,
    Done,
    Event,
    Failed,
    Made,
    Omitted,
    Probed,
    Progress,
    Rejected,
    Request,
    Started,
    encode_event,
    encode_request,
    parse_event,
    parse_request,
)
from jobs.processing.recipes import OnError, Probe, Wishes

EVENTS: list[Event] = [
    Probed(Probe(width=6000, height=4000, pages=1)),
    Probed(Probe(duration=30.5, width=1920, height=1080)),
    Probed(Probe()),
    Started("thumbnail"),
    Progress("video", 0.25),
    Made("web", 1600, 1067),
    Made("text"),
    Omitted("text", "The document has no text."),
    Failed("page-2", "Die Größe fehlt."),
    Rejected("The image is damaged."),
    Done(),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_read_as_it_was_written(event: Event) -> None:
    line = encode_event(event)
    assert b"\n" not in line
    assert json.loads(line)["event"] == type(event).__name__.lower()
    assert parse_event(line) == event


def test_a_request_is_read_as_it_was_written() -> None:
    request = Request(
        detected="video/mp4",
        wishes=Wishes(avif=True, pages=20, on_error=OnError.FAIL),
        skip=frozenset({"poster"}),
        bounds=Bounds(max_pixels=1, max_frames=2, max_pages=3, max_seconds=4.5),
        ffmpeg="/usr/bin/ffmpeg",
    )
    assert parse_request(encode_request(request)) == request
    assert parse_request(encode_request(Request(detected="image/png"))) == Request(detected="image/png")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"made",
        b"[]",
        b"null",
        b'"made"',
        b'{"event": "made"}',
        b'{"event": "made", "output": "web", "width": 1.5}',
        b'{"event": "made", "output": "web", "width": -1}',
        b'{"event": "made", "output": "web", "width": true}',
        b'{"event": "made", "output": "web", "width": 9007199254740992}',
        b'{"event": "made", "output": ["web"]}',
        b'{"event": "made", "output": ""}',
        b'{"event": "made", "output": "a\\u0000b"}',
        b'{"event": "made", "output": "a\\nb"}',
        b'{"event": "made", "output": "\\ud800"}',
        b'{"event": "progress", "output": "video", "done": 1.01}',
        b'{"event": "progress", "output": "video", "done": NaN}',
        b'{"event": "progress", "output": "video", "done": "1"}',
        b'{"event": "progress", "output": "video"}',
        b'{"event": "probed", "duration": Infinity}',
        b'{"event": "probed", "duration": -1}',
        b'{"event": "rejected", "reason": null}',
        b'{"event": "failed", "output": "web", "reason": "' + b"x" * 501 + b'"}',
        b'{"event": "exit"}',
        b'{"event": ["made"]}',
        b'{"event": {"made": 1}}',
        b'{"output": "web"}',
        b"[" * 4000,
        b'{"event": "done"}' + b" " * MAX_LINE,
        b'{"event": "done\xff"}',
    ],
)
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(BrokenEvent):
        parse_event(line)


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_no_other_error_is_raised_for_any_line(line: bytes) -> None:
    try:
        parse_event(line)
    except BrokenEvent:
        return


def test_a_long_reason_is_cut() -> None:
    assert parse_event(encode_event(Rejected("x" * 9999))) == Rejected("x" * 500)
