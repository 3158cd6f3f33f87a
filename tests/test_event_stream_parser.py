"""Event streams are parsed as WHATWG HTML, section 9.2.6, says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.event_stream_parser import EventStreamParser, StreamEvent

STREAM = (
    "\ufeff: hello\r\nretry: 2000\nretry: soon\n\n"
    "event: progress\nid: 3.1\ndata: {\ndata:  größe\r\ndata\n\r\n"
    "id: 4\0\rdata:x\r\revent: lost\n\ndata: unfinished"
)


@example(list(range(len(STREAM.encode()))))
@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=9))
def test_events_do_not_depend_on_where_the_stream_is_cut(cuts: list[int]) -> None:
    data = STREAM.encode()
    parser = EventStreamParser()
    cut_points = [0, *sorted(cuts), len(data)]
    chunks = [data[start:stop] for start, stop in pairwise(cut_points)]
    assert [event for chunk in chunks for event in parser.feed(chunk)] == [
        StreamEvent("progress", "{\n größe\n", "3.1"),
        StreamEvent("message", "x", None),
    ]
    assert (parser.retry, parser.comments) == (2000, 1)


@pytest.mark.parametrize(("value", "retry"), [("-1", None), ("1.5", None), ("٣", None), ("", None), ("015", 15)])
def test_retry_must_be_all_digits(value: str, retry: int | None) -> None:
    parser = EventStreamParser()
    list(parser.feed(f"retry:{value}\n".encode()))
    assert parser.retry == retry
