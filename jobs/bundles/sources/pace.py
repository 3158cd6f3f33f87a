"""Whether a host sends fast enough. It does no I/O."""

from __future__ import annotations

from jobs.errors import SourceTooSlow


class Pace:
    """Counts the bytes of a host in the time that was spent waiting for it, in windows of a fixed length."""

    def __init__(self, host: str, least: int, window: float) -> None:
        """`least`: bytes per second, over `window` seconds."""
        self._host = host
        self._least = least
        self._window = window
        self._seconds = 0.0
        self._bytes = 0

    def add(self, amount: int, seconds: float) -> None:
        """Count bytes that arrived after `seconds` of waiting. Raises `SourceTooSlow`."""
        self._bytes += amount
        self._seconds += seconds
        if self._seconds < self._window:
            return
        received, seconds = self._bytes, self._seconds
        self._bytes, self._seconds = 0, 0.0  # the next request begins a window of its own
        if received < self._least * seconds:
            raise SourceTooSlow(
                f"{self._host} sent {received:,} bytes in {seconds:.0f} s; at least {self._least:,} bytes per second are"
                " needed."
            )
