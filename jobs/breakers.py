"""Circuit breakers: after several failures in a row, a dependency is no longer called until it had time to recover.

    breaker.check()           # raises at once while the circuit is open
    with breaker.record("read"):    # counts the outcome, and the time as that of a "read"
        await call()

closed: all calls go through. open: none does, for `recovery` seconds after the last failure. half-open: calls go through
again, and the outcome of the first one decides (seed 004, "Circuit Breaker Pattern"). A refusal opens the circuit at once:
the dependency responds, and says that it will not work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from time import monotonic, perf_counter

import structlog
from circuitbreaker import CircuitBreaker

from jobs.errors import HaulageError
from jobs.metrics import CIRCUIT, DEPENDENCY_ERRORS, DEPENDENCY_TIME

log = structlog.get_logger()

FAILURE_THRESHOLD = 5
"""Consecutive failures that open the circuit."""


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """The circuit breaker of one dependency in this process. Only errors of `outages` count as failures."""

    def __init__(
        self,
        name: str,
        outages: tuple[type[Exception], ...],
        error: HaulageError,
        recovery: float,
        ignored: tuple[type[Exception], ...] = (),
        refusals: tuple[type[Exception], ...] = (),
    ) -> None:
        """`check` raises `error`. `recovery` is in seconds. `ignored` errors count neither as failure nor as success."""
        self._name = name
        self._outages = (*outages, *refusals)
        self._circuit_gauge = CIRCUIT.labels(name)
        self._failures = DEPENDENCY_ERRORS.labels(name)
        self._ignored = ignored
        self._refusals = refusals
        self._circuit = CircuitBreaker(FAILURE_THRESHOLD, recovery, outages, name)
        self._error = error
        self._logged_state = Circuit.CLOSED
        self._closed_at: float | None = None
        """When the last outage ended, on the monotonic clock."""

    @property
    def state(self) -> Circuit:
        return Circuit(self._circuit.state)

    def closed_since(self, moment: float) -> bool:
        """Return True if the circuit is closed and has been since this moment of the monotonic clock."""
        return self.state is Circuit.CLOSED and (self._closed_at is None or self._closed_at < moment)

    def check(self) -> None:
        """Raise the error while the circuit is open."""
        if self._circuit.opened:
            raise type(self._error)(self._error.message)  # a new one each time: it gets a traceback when raised

    @contextmanager
    def record(self, call: str, *, decisive: bool = True) -> Iterator[None]:
        """Count the outcome of the block, and how long it took. A cancellation is ignored.

        `call` is what metrics name it: one of few words.
        `decisive=False`: a success is not counted, because other calls may still fail. A Redis that refuses writes reads.
        """
        time, began = DEPENDENCY_TIME.labels(self._name, call), perf_counter()
        try:
            yield
        except self._ignored:
            time.observe(perf_counter() - began)
            raise
        except Exception as error:
            time.observe(perf_counter() - began)
            self._count(error)
            raise
        time.observe(perf_counter() - began)
        if decisive:
            self._count(None)

    def _count(self, error: Exception | None) -> None:
        if isinstance(error, self._outages):
            self._failures.inc()
        for _ in range(FAILURE_THRESHOLD if isinstance(error, self._refusals) else 1):
            self._circuit.__exit__(type(error) if error else None, error, None)
        if self.state is not self._logged_state:
            self._logged_state = self.state
            if self._logged_state is Circuit.CLOSED:
                self._closed_at = monotonic()
            self._circuit_gauge.set(self._logged_state is not Circuit.CLOSED)
            log.warning("circuit_changed", dependency=self._circuit.name, circuit=self._logged_state)
