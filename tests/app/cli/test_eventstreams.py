"""Event streams, read as WHATWG HTML, section 9.2.6 says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.cli.eventstreams import StreamEvent, StreamParser

STREAM = (
    "\ufeff: hello\r\nretry: 2000\nretry: soon\n\n"
    "event: progress\nid: 3.1\ndata: {\ndata:  größe\r\ndata\n\r\n"
    "id: 4\0\rdata:x\r\revent: lost\n\ndata: unfinished"
)


@example(list(range(len(STREAM.encode()))))
@given(st.lists(st.integers(0, len(STREAM.encode())), max_size=9))
def test_it_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    data = STREAM.encode()
    parser = StreamParser()
    places = [0, *sorted(cuts), len(data)]
    pieces = [data[start:stop] for start, stop in pairwise(places)]
    assert [event for piece in pieces for event in parser.feed(piece)] == [
        StreamEvent("progress", "{\n größe\n", "3.1"),
        StreamEvent("message", "x", None),
    ]
    assert (parser.retry, parser.comments) == (2000, 1)


@pytest.mark.parametrize(("said", "retry"), [("-1", None), ("1.5", None), ("٣", None), ("", None), ("015", 15)])
def test_only_digits_say_when_to_come_back(said: str, retry: int | None) -> None:
    parser = StreamParser()
    list(parser.feed(f"retry:{said}\n".encode()))
    assert parser.retry == retry
