"""What a host says of when to try again. It does no I/O."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(text: str, now: float) -> float | None:
    """Seconds of a `Retry-After`, which has a number or a date; None for anything else."""
    if text.strip().isdecimal():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter: of a zone with too many digits
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.fromtimestamp(now, UTC)).total_seconds())
