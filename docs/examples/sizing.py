"""Computes how much of everything an installation needs, from counts for each job: docs/scaling.md.

    python sizing.py
    python sizing.py --jobs 50000 --files 20 --bytes 2e12 --connections 500

Counts are those that tests pin, so they hold on any machine. Processor times and rates are measurements of
docs/benchmarks.md, on two cores. Sizes are bytes, and all units are decimal.
"""

# ruff: noqa: RUF001 - the formulas that it prints have multiplication signs

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

DAY = 24 * 3600


@dataclass(frozen=True)
class Counts:
    """Of a download, from its request to its end, as a bundle of small files. Tests fail if it costs more."""

    statements: int = 21
    """Of PostgreSQL, BEGIN and COMMIT included, for a job that ends within a second."""
    commits: int = 3
    commands: int = 12
    """Of Redis: messages, wake-ups, and the latest message that is kept."""
    batch_statements: int = 5
    """To record the progress of a job that runs longer, once a second. One of them is COMMIT."""
    batch_commands: int = 14
    """For its live messages in a second, of which there are seven at most."""
    requests_job: int = 1
    """To the store."""
    requests_file: int = 2
    """Fewer, if one page of a listing has many of the files."""
    rows_job: int = 1_000
    """Bytes of rows and indexes in PostgreSQL, after VACUUM. Before it, there are twice as many."""
    rows_file: int = 400
    wal_job: int = 3_000
    """Bytes of the write-ahead log of PostgreSQL."""
    wal_file: int = 1_700


@dataclass(frozen=True)
class Measured:
    """Of docs/benchmarks.md, with the dates of the measurements."""

    delivery: float = 15e-6
    """Seconds of a gateway's CPU for a message to a follower (2026-11-22)."""
    follower: int = 24_000
    """Bytes of a gateway's memory for a WebSocket (2026-11-22)."""
    request: float = 3.0e-3
    """Seconds of a gateway's CPU for `initiate` of 100 files (2026-11-30)."""
    copied: float = 0.19
    """Seconds of a worker's CPU for 1 GB that the store copies (2026-11-22: 0.20 s for 1.07 GB)."""
    read: float = 3.3
    """The same for 1 GB in files of 4 MB, which the worker reads (2026-11-22: 2.77 s for 0.84 GB)."""
    deflated: float = 6.9
    """The same for 1 GB of logs that are deflated (2026-11-22: 3.7 s for 0.54 GB)."""
    file: float = 0.9e-3
    """Seconds of a worker's CPU for a file, however small (2026-11-22: 0.89 s for 1,000)."""
    worker: int = 160_000_000
    """Bytes of memory of a worker."""
    gateway: int = 100_000_000
    """Bytes of memory of a gateway without followers."""
    message: int = 1_000
    """Bytes of a job's latest message in Redis."""


@dataclass(frozen=True)
class Settings:
    """Defaults of docs/configuration.md."""

    max_followers: int = 10_000
    pool: int = 10
    slots: int = 4
    retention_days: int = 32
    """Days for which rows are kept: `JOB_RETENTION`, and two days more at most."""
    bundle_days: float = 25 / 24
    """Days for which a bundle is kept: `BUNDLE_TTL` and `RESULT_GRACE`."""


@dataclass(frozen=True)
class Load:
    """What the installation has to do in a day, and how much faster at its peak than on average."""

    jobs: float = 1_000_000
    files: float = 100
    bytes: float = 100e12
    connections: float = 10_000
    seconds: float = 10
    """How long a job runs."""
    messages: float = 1
    """Messages a second to each connection."""
    peak: float = 3


def size(number: float) -> str:
    """Bytes in the largest unit that leaves at least 1."""
    units = ["bytes", "kB", "MB", "GB", "TB", "PB"]
    power = min(int(math.log(max(number, 1), 1000)), len(units) - 1)
    return f"{number / 1000**power:.3g} {units[power]}"


def needs(load: Load) -> list[tuple[str, str, str]]:
    """Rows of a table: what is needed, the formula, and its value."""
    counts, measured, settings = Counts(), Measured(), Settings()
    rate = load.jobs / DAY * load.peak
    flow = load.bytes / DAY * load.peak
    files = rate * load.files
    gateways = math.ceil(load.connections / (0.9 * settings.max_followers)) + 1
    gateway_cores = load.connections * load.messages * measured.delivery + rate * measured.request
    running = rate * load.seconds
    workers = math.ceil(running / settings.slots)
    statements = rate * counts.statements + running * counts.batch_statements
    commands = rate * counts.commands + running * counts.batch_commands
    copied, read, deflated = (
        flow / 1e9 * seconds + files * measured.file for seconds in (measured.copied, measured.read, measured.deflated)
    )
    rows = load.jobs * (counts.rows_job + load.files * counts.rows_file)
    wal = rate * (counts.wal_job + load.files * counts.wal_file)
    requests = rate * (counts.requests_job + load.files * counts.requests_file)
    hourly = load.jobs / DAY * load.peak * 3600
    return [
        ("jobs a second, at the peak", "jobs ÷ 86,400 × peak", f"{rate:.3g}"),
        ("bytes of files a second, at the peak", "bytes ÷ 86,400 × peak", size(flow)),
        ("gateways", "connections ÷ (0.9 × MAX_FOLLOWERS), rounded up, and one to spare", f"{gateways}"),
        ("… their CPU, in cores", "connections × messages × 15 µs + jobs a second × 3 ms", f"{gateway_cores:.2g}"),
        (
            "… memory of all",
            "connections × 24 kB + gateways × 100 MB",
            size(load.connections * measured.follower + gateways * measured.gateway),
        ),
        ("jobs that run at once", "jobs a second × seconds", f"{running:,.0f}"),
        ("workers", "running jobs ÷ slots, rounded up", f"{workers}"),
        ("… memory of all", "workers × 160 MB", size(workers * measured.worker)),
        ("… CPU, in cores: the store copies", "GB a second × 0.19 s + files a second × 0.9 ms", f"{copied:.2g}"),
        ("… the same: workers read", "GB a second × 3.3 s + files a second × 0.9 ms", f"{read:.2g}"),
        ("… the same: workers deflate", "GB a second × 6.9 s + files a second × 0.9 ms", f"{deflated:.2g}"),
        (
            "statements of PostgreSQL a second",
            f"jobs a second × {counts.statements} + running jobs × {counts.batch_statements}",
            f"{statements:,.0f}",
        ),
        (
            "… commits a second",
            f"jobs a second × {counts.commits} + running jobs",
            f"{rate * counts.commits + running:,.0f}",
        ),
        (
            "… new rows a day",
            f"jobs × ({counts.rows_job:,} + files × {counts.rows_file:,} bytes)",
            size(rows),
        ),
        ("… size of all rows", "rows a day × 32 days (JOB_RETENTION)", size(rows * settings.retention_days)),
        (
            "… write-ahead log a second",
            f"jobs a second × ({counts.wal_job:,} + files × {counts.wal_file:,} bytes)",
            size(wal),
        ),
        (
            "… connections, at most",
            "(gateways + workers) × DATABASE_POOL_SIZE + workers",
            f"{(gateways + workers) * settings.pool + workers:,}",
        ),
        (
            "… the same with DATABASE_POOL_SIZE=4 for workers",
            "gateways × DATABASE_POOL_SIZE + workers × (4 + 1)",
            f"{gateways * settings.pool + workers * (4 + 1):,}",
        ),
        (
            "commands of Redis a second, at most",
            f"jobs a second × {counts.commands} + running jobs × {counts.batch_commands}",
            f"{commands:,.0f}",
        ),
        ("… memory for latest messages", "jobs in an hour × 1 kB", size(hourly * measured.message)),
        (
            "requests to the store a second",
            f"jobs a second × ({counts.requests_job} + files × {counts.requests_file})",
            f"{requests:,.0f}",
        ),
        ("… bytes that it reads, and as many that it writes, a second", "bytes ÷ 86,400 × peak", size(flow)),
        ("… bundles that it keeps", "bytes × 25 h (BUNDLE_TTL, RESULT_GRACE)", size(load.bytes * settings.bundle_days)),
    ]


def table(load: Load) -> str:
    """The needs as a table in Markdown."""
    rows = [f"| {what} | {formula} | {value} |" for what, formula, value in needs(load)]
    return "\n".join(["| what | formula | value |", "|---|---|---|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description="How much of everything an installation needs.")
    parser.add_argument("--jobs", type=float, default=Load.jobs, help="jobs a day")
    parser.add_argument("--files", type=float, default=Load.files, help="files of a job")
    parser.add_argument("--bytes", type=float, default=Load.bytes, help="bytes of all files a day")
    parser.add_argument("--connections", type=float, default=Load.connections, help="streams and WebSockets at once")
    parser.add_argument("--seconds", type=float, default=Load.seconds, help="seconds that a job runs")
    parser.add_argument("--messages", type=float, default=Load.messages, help="messages a second to each connection")
    parser.add_argument("--peak", type=float, default=Load.peak, help="rate at the peak ÷ average rate")
    print(table(Load(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
