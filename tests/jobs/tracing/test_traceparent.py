"""The header `traceparent` is read as W3C Trace Context says, and ignored if it is broken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.tracing.traceparent import format_traceparent, ids_of, parse_traceparent, trace_id_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize("flags", ["00", "01", "02", "03"])
def test_a_valid_header_stays_as_it_is(flags: str) -> None:
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-{flags}") == f"00-{TRACE}-{SPAN}-{flags}"


def test_flags_that_version_00_does_not_know_are_zero() -> None:
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-ff") == f"00-{TRACE}-{SPAN}-03"


@pytest.mark.parametrize("header", [f"01-{TRACE}-{SPAN}-01", f"cc-{TRACE}-{SPAN}-01-what-is-new"])
def test_a_later_version_is_read_as_far_as_it_is_known(header: str) -> None:
    assert parse_traceparent(header) == f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        TRACE,
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"01-{TRACE}-{SPAN}-01.more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0g",
        f"00_{TRACE}_{SPAN}_01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"0\u0660-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
    ],
)
def test_a_broken_header_is_none(header: str) -> None:
    assert parse_traceparent(header) is None


@given(trace=st.integers(1, 2**128 - 1), span=st.integers(1, 2**64 - 1), flags=st.integers(0, 3))
def test_what_is_formatted_is_read_again(trace: int, span: int, flags: int) -> None:
    header = format_traceparent(trace, span, flags)
    assert len(header) == 55
    assert parse_traceparent(header) == header
    assert ids_of(header) == (trace, span, flags)
    assert int(trace_id_of(header), 16) == trace


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert parse_traceparent(text) is None
