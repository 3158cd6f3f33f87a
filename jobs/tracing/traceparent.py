"""The header `traceparent` (W3C Trace Context, https://www.w3.org/TR/trace-context/): a trace, and a span in it."""

from __future__ import annotations

import re

_FIELDS = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KNOWN_FLAGS = 0b11
"""`sampled` and `random`. All other bits must be zero in what is sent on."""


def parse_traceparent(header: str) -> str | None:
    """The header in the form of version 00, which has 55 characters; None if it is invalid, and so has to be ignored.

    Of a later version, the fields of version 00 are read (section 3.2.4, "Versioning of traceparent").
    """
    match = _FIELDS.fullmatch(header)
    if match is None:
        return None
    version, trace, span, flags, more = match.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    if not int(trace, 16) or not int(span, 16):
        return None
    return format_traceparent(int(trace, 16), int(span, 16), int(flags, 16) & _KNOWN_FLAGS)


def format_traceparent(trace: int, span: int, flags: int) -> str:
    """The header of these 128, 64 and 8 bits."""
    return f"00-{trace:032x}-{span:016x}-{flags:02x}"


def ids_of(traceparent: str) -> tuple[int, int, int]:
    """Trace, span and flags of a valid header."""
    _, trace, span, flags = traceparent.split("-")
    return int(trace, 16), int(span, 16), int(flags, 16)


def trace_id_of(traceparent: str) -> str:
    """The id of the trace, 32 hexadecimal digits, of a valid header."""
    return traceparent.split("-")[1]
