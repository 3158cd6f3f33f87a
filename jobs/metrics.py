"""What a process counts: the instruments, and the metrics that workers and the engine observe.

Each metric is defined here once, or, if only servers observe it, in `app.metrics`. It is observed with one line where it
happens. An instrument counts nothing until `turn_on`: a process without `METRICS_PORT` pays for a comparison.

Only the thread of the event loop may observe. The numbers become text in `jobs.metrics_server`, with prometheus_client; its
own instruments would be imported by every process, take locks, and cost four times as much (decision 46).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Generic, Literal, TypeVar

from jobs.kinds import Kind

Type = Literal["counter", "gauge", "histogram"]


class Switch:
    """Whether the instruments of this process count."""

    is_on: ClassVar[bool] = False


def turn_on() -> None:
    """Lets all instruments of this process count, from now on."""
    Switch.is_on = True


def is_on() -> bool:
    """Whether the instruments of this process count."""
    return Switch.is_on


class Counter:
    """How often something happened, or how many bytes moved."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, amount: int = 1) -> None:
        """Adds `amount`, which is not negative."""
        if Switch.is_on:
            self.value += amount


class Gauge:
    """How much there is now. It follows also while nothing counts, so that it is right from the start."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def set(self, value: float) -> None:
        """Replaces the value."""
        self.value = value

    def add(self, amount: float) -> None:
        """Adds `amount`, which may be negative."""
        self.value += amount

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Adds one while the block runs."""
        self.add(1)
        try:
            yield
        finally:
            self.add(-1)


class Histogram:
    """How long something took, in seconds: how many were at most each of `bounds`, and the sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Those between two neighbouring bounds; the last one has those above all bounds."""
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one that took so long."""
        if Switch.is_on:
            self.counts[bisect_left(self.bounds, seconds)] += 1
            self.sum += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """The bounds as text, the last one `+Inf`, each with how many were at most that."""
        found: list[tuple[str, float]] = []
        total = 0
        for bound, count in zip([*(str(float(bound)) for bound in self.bounds), "+Inf"], self.counts, strict=True):
            total += count
            found.append((bound, total))
        return found


I = TypeVar("I", Counter, Gauge, Histogram)  # noqa: E741 - an instrument


class Metric(Generic[I]):
    """A metric: an instrument for each combination of the values of its labels.

    No label may have a value of a user, a job or a file: each combination is kept for as long as the process runs.
    """

    type: ClassVar[Type]

    def __init__(self, name: str, description: str, labels: Sequence[str] = (), bounds: Sequence[float] = ()) -> None:
        """`bounds`, in seconds and ascending, are those of a histogram."""
        self.name = name
        self.description = description
        self.label_names = tuple(labels)
        self.bounds = tuple(bounds)
        self._instruments: dict[tuple[str, ...], I] = {}
        _METRICS.append(self)

    def labels(self, *values: str) -> I:
        """The instrument of these values, one for each label. Where it is observed often, keep it."""
        found = self._instruments.get(values)
        if found is None:
            assert len(values) == len(self.label_names), f"{self.name} has the labels {self.label_names}"
            found = self._instruments[values] = self._new()
        return found

    def clear(self) -> None:
        """Forgets all instruments, for a gauge whose values are not known any more."""
        self._instruments.clear()

    def __iter__(self) -> Iterator[tuple[tuple[str, ...], I]]:
        """The values of the labels, with their instruments."""
        return iter(self._instruments.items())

    def _new(self) -> I:
        raise NotImplementedError


class Counters(Metric[Counter]):
    """A metric that only grows."""

    type: ClassVar[Type] = "counter"

    def _new(self) -> Counter:
        return Counter()


class Gauges(Metric[Gauge]):
    """A metric that goes up and down."""

    type: ClassVar[Type] = "gauge"

    def _new(self) -> Gauge:
        return Gauge()


class Histograms(Metric[Histogram]):
    """A metric of durations."""

    type: ClassVar[Type] = "histogram"

    def _new(self) -> Histogram:
        return Histogram(self.bounds)


_METRICS: list[Metric[Counter] | Metric[Gauge] | Metric[Histogram]] = []


def metrics() -> Sequence[Metric[Counter] | Metric[Gauge] | Metric[Histogram]]:
    """Those of the modules that this process has imported, in the order of their definition."""
    return _METRICS


# --- jobs ------------------------------------------------------------------------------------------------------------

JOBS_CREATED = Counters("haulage_jobs_created_total", "Jobs that were created.", ("kind",))

JOB_WAIT = Histograms(
    "haulage_job_wait_seconds",
    "From the moment that a job was due until its first attempt started. Batch jobs, which let others go first, do not "
    "count.",
    ("kind",),
    (0.05, 0.25, 1, 5, 30, 300),
)
"""The objective is that 99 % start within 5 s."""

JOB_TIME = Histograms(
    "haulage_job_seconds",
    "From the start of a job's first attempt to its end. result: completed; dead, of an error that was not its request's; "
    "failed, of one that was.",
    ("result", "kind"),
    (1, 5, 30, 130, 600, 3600),
)

ATTEMPTS = Counters(
    "haulage_attempts_total",
    "Attempts that have ended. outcome: succeeded; failed; parked, uncharged, since a dependency was unavailable or it "
    "made progress; released by a worker that stops; lost with its worker. class: that of the error.",
    ("outcome", "class"),
)

BYTES = Counters(
    "haulage_bytes_total",
    "Bytes of files that went into bundles. way: streamed through the worker, copied by the store, or reused with a bundle "
    "that existed.",
    ("way",),
)
STREAMED, COPIED, REUSED = (BYTES.labels(way) for way in ("streamed", "copied", "reused"))

UPLOADED = Counters(
    "haulage_uploaded_bytes_total",
    "Bytes of uploads that became files. way: sent to the store, or to the intake.",
    ("way",),
)

# --- the fleet, from PostgreSQL ----------------------------------------------------------------------------------------

JOBS = Gauges(
    "haulage_jobs",
    "Jobs that have not ended, by status, and dead ones. Every gateway has the same: use max().",
    ("status",),
)
QUEUE_OLDEST = Gauges(
    "haulage_queue_oldest_seconds",
    "For how long the job that has been due longest has waited for a worker; 0 if none waits. Batch jobs do not count. "
    "Use max().",
    ("kind",),
)
WORKERS = Gauges("haulage_workers", "Running workers that run jobs of a kind. Use max().", ("kind",))
NOTICES = Gauges("haulage_notices", "Open notices for operators, by kind. Use max().", ("kind",))

# --- what this process depends on --------------------------------------------------------------------------------------

DEPENDENCY_TIME = Histograms(
    "haulage_dependency_seconds",
    "Calls to a dependency, whether they succeed or not. A transaction includes what is done within it.",
    ("dependency", "call"),
    (0.005, 0.05, 0.5, 5),
)
DEPENDENCY_ERRORS = Counters(
    "haulage_dependency_errors_total",
    "Calls that failed because the dependency was unavailable or refused to work.",
    ("dependency",),
)
CIRCUIT = Gauges(
    "haulage_circuit",
    "1 while calls to the dependency are paused, or tried again after a pause; else 0.",
    ("dependency",),
)
REPLICA_READS = Counters(
    "haulage_replica_reads_total",
    "Lists, histories and searches, by the server that was read: the replica, or the primary because the replica lagged or "
    "was unavailable.",
    ("server",),
)
LOOP_LAG = Histograms(
    "haulage_loop_lag_seconds",
    "By how much the event loop was late, sampled four times a second.",
    (),
    (0.005, 0.02, 0.1, 0.5, 2),
)

for _kind in Kind:
    JOBS_CREATED.labels(_kind)
