"""Circuit breakers: after a few failures in a row, a dependency is asked no more until it had time to recover.

    breaker.check()          # raises at once while the circuit is open
    with breaker.watch():    # and counts what the call comes to
        await call()

closed: all calls go through. open: none does, for `recovery` seconds after the last failure. half-open: calls go through
again; the first one decides (seed 004, "Circuit Breaker Pattern").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from time import monotonic

import structlog
from circuitbreaker import CircuitBreaker

from jobs.errors import HaulageError

log = structlog.get_logger()

FAILURES = 5
"""In a row, after which the circuit opens."""


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """One for each dependency of a process. An answer of any kind is a success: `outages` are the errors that are none."""

    def __init__(
        self,
        name: str,
        outages: tuple[type[Exception], ...],
        refusal: HaulageError,
        recovery: float,
        silent: tuple[type[Exception], ...] = (),
    ) -> None:
        """`refusal` is what `check` raises; `recovery` is seconds; errors of `silent` say nothing of the dependency."""
        self._silent = silent
        self._circuit = CircuitBreaker(FAILURES, recovery, outages, name)
        self._refusal = refusal
        self._told = Circuit.CLOSED
        self._closed_at: float | None = None
        """When the last outage was over, on the monotonic clock."""

    @property
    def state(self) -> Circuit:
        return Circuit(self._circuit.state)

    def closed_since(self, moment: float) -> bool:
        """Whether all calls went through from this moment of the monotonic clock on."""
        return self.state is Circuit.CLOSED and (self._closed_at is None or self._closed_at < moment)

    def check(self) -> None:
        """Raises the refusal while the circuit is open."""
        if self._circuit.opened:
            raise type(self._refusal)(self._refusal.message)  # one error raised twice would remember both ways

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Counts what the block comes to. A cancellation says nothing."""
        try:
            yield
        except self._silent:
            raise
        except Exception as error:
            self._count(error)
            raise
        self._count(None)

    def _count(self, error: Exception | None) -> None:
        self._circuit.__exit__(type(error) if error else None, error, None)
        if self.state is not self._told:
            self._told = self.state
            if self._told is Circuit.CLOSED:
                self._closed_at = monotonic()
            log.warning("circuit_changed", dependency=self._circuit.name, circuit=self._told)
