"""Simulates how KEDA and the chart's formula scale workers over a day, and prints how long jobs wait for a start.

    python autoscaling.py
    python autoscaling.py --jobs 200000 --seconds 60 --slots 4

Jobs arrive at random, most of them at noon, with a burst at nine. At every polling interval the formula gives the wanted
number of workers, which the HorizontalPodAutoscaler of Kubernetes then sets, with its tolerance of a tenth and at most
twice as many workers (or four more) at once. A new worker starts after the cold start; one that is stopped finishes its
jobs.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

DAY = 24 * 3600
BURST_AT, BURST_SECONDS = 9 * 3600, 60


@dataclass(frozen=True)
class Load:
    """What comes in a day. `burst` is how many of the jobs come within a minute."""

    jobs: int = 37_000
    seconds: float = 20
    burst: int = 300
    seed: int = 1

    def arrivals(self) -> list[int]:
        """How many jobs arrive in each second of the day."""
        generator = random.Random(self.seed)
        arriving = [0] * DAY
        shape = [1 - 0.9 * math.cos(2 * math.pi * second / DAY) for second in range(DAY)]
        for second in generator.choices(range(DAY), weights=shape, k=self.jobs - self.burst):
            arriving[second] += 1
        for _ in range(self.burst):
            arriving[BURST_AT + generator.randrange(BURST_SECONDS)] += 1
        return arriving


@dataclass(frozen=True)
class Rule:
    """`scale_out` and `scale_in` are jobs for each slot: values of the chart. `fixed` is a number of workers that stays."""

    scale_out: float = 2.5
    scale_in: float = 1.25
    minimum: int = 1
    maximum: int = 20
    fixed: int = 0

    def wanted(self, load: float, workers: int) -> float:
        """The chart's formula. `load` is how many workers the jobs that run and wait would fill."""
        if self.fixed:
            return self.fixed
        if load > self.scale_out * workers:
            return math.ceil(load / self.scale_out)
        if load < self.scale_in * workers:
            return max(math.ceil(load / self.scale_in), self.minimum)
        return workers

    def __str__(self) -> str:
        return f"{self.fixed} workers, always" if self.fixed else f"{self.scale_out:g} / {self.scale_in:g}"


@dataclass(frozen=True)
class Cluster:
    """Seconds, but for `slots`: how many jobs a worker runs at once."""

    slots: int = 4
    cold_start: int = 30
    polling: int = 15
    stabilization: int = 120


@dataclass
class Worker:
    """`running` has the ends of its jobs, the earliest first."""

    ready_at: int
    running: deque[float] = field(default_factory=deque)


@dataclass
class Result:
    """Of one day: how long each job waited (s), and how many workers there were in each second."""

    waits: list[float]
    workers: list[int]
    busy_seconds: float
    slots: int

    def wait(self, share: float) -> float:
        """The wait that this share of the jobs does not exceed, in seconds."""
        return sorted(self.waits)[min(int(share * len(self.waits)), len(self.waits) - 1)]

    @property
    def worker_hours(self) -> float:
        return sum(self.workers) / 3600

    @property
    def changes(self) -> int:
        """How often the number of workers changed."""
        return sum(before != after for before, after in pairwise(self.workers))

    @property
    def idle(self) -> float:
        """The share of the slots' time in which no job ran."""
        return 1 - self.busy_seconds / (sum(self.workers) * self.slots)


def simulate(load: Load, rule: Rule, cluster: Cluster) -> Result:
    """A day, second by second."""
    count = rule.fixed or rule.minimum
    working = [Worker(ready_at=0) for _ in range(count)]
    draining: list[Worker] = []
    waiting: deque[int] = deque()
    recommended: deque[tuple[int, int]] = deque()
    result = Result([], [], 0, cluster.slots)
    for second, arriving in enumerate(load.arrivals()):
        waiting.extend([second] * arriving)
        for worker in (*working, *draining):
            while worker.running and worker.running[0] <= second:
                worker.running.popleft()
        draining = [worker for worker in draining if worker.running]
        for worker in working:
            while waiting and worker.ready_at <= second and len(worker.running) < cluster.slots:
                result.waits.append(second - waiting.popleft())
                result.busy_seconds += load.seconds
                worker.running.append(second + load.seconds)
        if second % cluster.polling == 0:
            running = sum(len(worker.running) for worker in (*working, *draining))
            filled = (len(waiting) + running) / cluster.slots
            value = rule.wanted(filled, len(working) + len(draining))
            size = len(working) if abs(value / len(working) - 1) <= 0.1 else math.ceil(value)
            recommended.append((second, size))
            while recommended[0][0] < second - cluster.stabilization:
                recommended.popleft()
            size = max(size, min(len(working), max(wanted for _, wanted in recommended)))
            size = min(max(size, rule.fixed or rule.minimum), rule.fixed or rule.maximum)
            size = min(size, max(2 * len(working), len(working) + 4))
            working += [Worker(ready_at=second + cluster.cold_start) for _ in range(size - len(working))]
            draining += working[size:]
            del working[size:]
        result.workers.append(len(working) + len(draining))
    return result


def table(load: Load, rules: list[Rule], cluster: Cluster) -> str:
    """The days under these rules as a table in Markdown."""
    lines = [
        "| jobs for each slot: more / fewer workers | start wait p95, s | max, s | worker-hours | idle | changes |"
    ]
    lines.append("|---|---|---|---|---|---|")
    for rule in rules:
        day = simulate(load, rule, cluster)
        figures = f"{day.wait(0.95):g} | {max(day.waits):g} | {day.worker_hours:.0f} | {100 * day.idle:.0f} %"
        lines.append(f"| {rule} | {figures} | {day.changes} |")
    return "\n".join(lines)


RULES = [Rule(), Rule(1.5, 0.75), Rule(1.0, 0.5), Rule(0.75, 0.4), Rule(fixed=12)]


def main() -> None:
    parser = argparse.ArgumentParser(description="How the chart's formula scales workers over a day.")
    parser.add_argument("--jobs", type=int, default=Load.jobs, help="jobs in the day")
    parser.add_argument("--seconds", type=float, default=Load.seconds, help="seconds that a job takes")
    parser.add_argument("--burst", type=int, default=Load.burst, help="how many of the jobs come within a minute")
    parser.add_argument("--slots", type=int, default=Cluster.slots, help="jobs that a worker runs at once")
    parser.add_argument("--cold-start", type=int, default=Cluster.cold_start, help="seconds until a new worker runs")
    options = parser.parse_args()
    load = Load(options.jobs, options.seconds, options.burst)
    print(table(load, RULES, Cluster(slots=options.slots, cold_start=options.cold_start)))


if __name__ == "__main__":
    main()
