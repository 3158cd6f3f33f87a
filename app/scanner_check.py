"""Whether the virus scanner responds, for `/health`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from jobs.errors import ScannerUnavailable
from jobs.settings import ScanSettings
from jobs.uploads.scanning import open_scanner

MAX_AGE = 5.0
"""Seconds for which an outcome counts: anybody may request `/health`, and clamd has few threads."""


class ScannerCheck:
    """Calls clamd once in `MAX_AGE` seconds at most, whoever requests it. It does not test what clamd finds: workers do."""

    def __init__(self, settings: ScanSettings, clock: Callable[[], float] = monotonic) -> None:
        self._scanner = open_scanner(settings)
        self._clock = clock
        self._checked_at = float("-inf")
        self._failure: ScannerUnavailable | None = None
        self._lock = asyncio.Lock()

    @property
    def is_set(self) -> bool:
        """Whether uploads are scanned at all."""
        return self._scanner is not None

    async def require_responding(self) -> None:
        """Raise `ScannerUnavailable`, with a message that anybody may read, if clamd does not respond."""
        if self._scanner is None:
            return
        async with self._lock:
            if self._clock() - self._checked_at >= MAX_AGE:
                try:
                    await self._scanner.version()
                except ScannerUnavailable as error:
                    self._failure = error
                else:
                    self._failure = None
                self._checked_at = self._clock()
        if self._failure is not None:
            raise ScannerUnavailable(self._failure.message)
