"""Limits on diagnostic requests, which cost nothing but time and may be sent by anyone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from app.client_counts import ClientCounts, client_of
from app.problems import TooManyDiagnoses

MAX_WAIT = 150
"""Longest wait or silence that a client may request, in seconds."""
MAX_OPEN = 1024
"""Diagnostic requests that a process serves at once."""
MAX_OPEN_PER_CLIENT = 256
"""Those of one client address. `haulage doctor --thorough` needs about 150."""
MAX_PER_MINUTE = 600
"""Diagnostic requests that a client address may send in a minute."""
WINDOW = 60.0


class DiagnosisLimits:
    """Counts the diagnostic requests of this process, by client address."""

    def __init__(self) -> None:
        self._open = ClientCounts(MAX_OPEN_PER_CLIENT)
        self._recent: Counter[str] = Counter()
        self._window_ends = 0.0

    @contextmanager
    def acquired(self, client: str) -> Iterator[None]:
        """Counts a request of this address while the block runs. Raises `TooManyDiagnoses`."""
        now = monotonic()
        if now >= self._window_ends:
            self._recent.clear()
            self._window_ends = now + WINDOW
        name = client_of(client)
        if self._open.total >= MAX_OPEN or self._open.is_full(client) or self._recent[name] >= MAX_PER_MINUTE:
            raise TooManyDiagnoses(
                "Too many diagnostic requests, in total or from your address. Try again in a minute."
            )
        self._recent[name] += 1
        with self._open.acquired(client):
            yield
