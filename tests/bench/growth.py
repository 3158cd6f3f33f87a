"""What becomes slower when much has been done: lists, searches, status, an idle worker; and how fast rows are deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from time import perf_counter

import asyncpg
import httpx

from jobs.database import Database
from jobs.engine.job_ids import JobIds
from jobs.engine.sql.partitions import make_partitions
from jobs.engine.worker.retention import SLACK, Retention
from jobs.migrate import migrate
from tests.bench.arena import Arena, cpu_seconds
from tests.bench.effort import Effort
from tests.bench.report import Figure

SMALL = 100
"""The few rows that the many are compared with are a hundredth of them."""
FILES = 10
"""Files of a job."""
EVENTS = 5
PER_DAY = 1_000_000
"""Jobs a day that retention has to keep up with."""
AGES = (0, 3, 10, 40)
"""Days ago when the jobs were made, an equal share each. The retention is 30 days."""
REQUESTS = 101
COPIED = 50_000
"""Rows that are copied into a table at once."""
IDLE = 20.0
WORDS = (
    "annual",
    "backup",
    "budget",
    "client",
    "draft",
    "Ergebnis",
    "final",
    "invoice",
    "notes",
    "photo",
    "report",
    "отчёт",
)


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Fills one database with few rows and another one with many, and measures both in turns."""
    jobs, files = effort.grown
    async with _second_database(arena) as few_url:
        few, many = Filler(few_url), Filler(str(arena.settings.database_url))
        await few.add(jobs=jobs // SMALL, files=files // SMALL)
        await many.add(jobs=jobs, files=files)
        figures = await _reads(arena, few, many)
    return [*figures, await _idle(arena), *await _retention(arena)]


@asynccontextmanager
async def _second_database(arena: Arena) -> AsyncIterator[str]:
    url = arena.settings.database_url
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE DATABASE bench_growth_few")
        few = url.rpartition("/")[0] + "/bench_growth_few"
        database = Database.open(few, pool_size=2, timeout=10)
        await migrate(database)
        await database.close()
        yield few
        await connection.execute("DROP DATABASE bench_growth_few WITH (FORCE)")
    finally:
        await connection.close()


class Filler:
    """Fills the tables with what jobs leave behind."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._random = Random(1)
        self.job = ""
        """One of the jobs."""
        self.name = ""
        """The name of the last file; no other one has it."""

    async def add(self, *, jobs: int, files: int) -> None:
        """Adds jobs of all ages with their files and events, and files of the catalogue."""
        now = datetime.now(UTC)
        database = Database.open(self.url, pool_size=2, timeout=10)
        for age in AGES:
            async with database.begin() as transaction:
                await make_partitions(transaction, (now - timedelta(days=age)).date())
        await database.close()
        connection = await asyncpg.connect(self.url)
        try:
            await self._add_files(connection, files)
            for age in AGES:
                await self._add_jobs(connection, jobs // len(AGES), now - timedelta(days=age, hours=1))
            await connection.execute("VACUUM ANALYZE")
        finally:
            await connection.close()

    async def _add_files(self, connection: asyncpg.Connection, count: int) -> None:
        columns = ["id", "key", "name", "size", "etag", "crc32", "sha256", "owner"]
        index = await connection.fetchval("SELECT pg_get_indexdef('stored_files_search'::regclass)")
        await connection.execute("DROP INDEX stored_files_search")  # it is built faster than filled row by row
        for first in range(10_000, 10_000 + count, COPIED):
            ids = range(first, min(first + COPIED, 10_000 + count))
            rows = [(n, f"files/{n}", self._name(), 1000, "e", 1, "0" * 64, "anonymous") for n in ids]
            self.name = rows[-1][2]
            await connection.copy_records_to_table("stored_files", columns=columns, records=rows)
        await connection.execute(index)

    def _name(self) -> str:
        words = "-".join(self._random.choices(WORDS, k=3))
        return f"{self._random.choice(WORDS)}/{words} {self._random.getrandbits(40):010x}.pdf"

    async def _add_jobs(self, connection: asyncpg.Connection, count: int, at: datetime) -> None:
        milliseconds = round(at.timestamp() * 1000)
        ids = JobIds(lambda: milliseconds)
        of = [ids.next() for _ in range(count)]
        self.job = str(of[0])
        await connection.execute(_JOBS, of, at, FILES)
        await connection.execute(_DOWNLOADS, of)
        await connection.execute(_FILES, of, FILES)
        await connection.execute(_EVENTS, of, EVENTS)


_JOBS = """
    INSERT INTO jobs (id, kind, owner, status, phase, error_class, error_message, created_at, queued_at, due_at, started_at,
        finished_at, fence, attempt, seq, losses, max_attempts, files_total, files_done, bytes_total, bytes_done)
    SELECT id, 'download', 'anonymous', status, CASE status WHEN 'expired' THEN 'ready' ELSE 'packing' END,
        CASE status WHEN 'failed' THEN 'network' END, CASE status WHEN 'failed' THEN 'It failed.' END,
        at, at, at, at, at + n * interval '10 ms', 3, 1, 3, 0, 3, $3, $3, 10000, 10000
    FROM unnest($1::uuid[]) WITH ORDINALITY AS of (id, n), CAST($2 AS timestamptz) AS at,
        LATERAL (SELECT CASE n % 100 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'expired' END AS status) AS it
"""
_DOWNLOADS = """
    INSERT INTO download_jobs (job_id, archive_name, name, on_missing, compression, result_kind, result_key, result_size,
        result_etag, result_filename, result_content_type, result_content_hash, result_expires_at)
    SELECT id, 'bundle.zip', 'bundle.zip', 'fail', 'store', 'bundle', 'bundles/' || id || '/2.zip', 10000, 'e',
        'bundle.zip', 'application/zip', encode(sha256(convert_to(id::text, 'UTF8')), 'hex'), now()
    FROM unnest($1::uuid[]) AS id
"""
_FILES = """
    INSERT INTO file_records (job_id, index, file_id, entry_name, state, key, size, etag, crc32, sha256, bytes_done, seq)
    SELECT id, n, 10000 + n, 'file ' || n, 'done', 'files/' || n, 1000, 'e', 1, repeat('0', 64), 1000, 3
    FROM unnest($1::uuid[]) AS id, generate_series(0, $2 - 1) AS n
"""
_EVENTS = """
    INSERT INTO job_events (job_id, seq, fence, attempt, command, source, target, at, worker)
    SELECT id, n, n, 1, 'claim', 'queued', 'processing', now(), 'host:1234:abcdef'
    FROM unnest($1::uuid[]) AS id, generate_series(1, $2) AS n
"""


async def _reads(arena: Arena, few: Filler, many: Filler) -> list[Figure]:
    """How much longer each kind of read takes with many rows than with few: the medians of requests in turns."""
    figures = []
    async with (
        arena.gateway_process(database_url=few.url) as (few_port, _),
        arena.gateway() as many_port,
        httpx.AsyncClient(timeout=30) as client,
    ):
        urls = await _urls(client, few_port, few), await _urls(client, many_port, many)
        for what in urls[0]:
            times: tuple[list[float], list[float]] = [], []
            for _ in range(REQUESTS):
                for its, taken in zip(urls, times, strict=True):
                    began = perf_counter()
                    (await client.get(its[what])).raise_for_status()
                    taken.append(1000 * (perf_counter() - began))
            less, more = (median(taken) for taken in times)
            figures.append(Figure(what, f"{more / less:.2f} ({more:.1f} ÷ {less:.1f} ms)", "≤ 2", more / less <= 2))
    return figures


async def _urls(client: httpx.AsyncClient, port: int, filler: Filler) -> dict[str, str]:
    server = f"http://127.0.0.1:{port}"
    deep = "/v1/download/jobs?limit=10"
    for _ in range(9):
        deep = (await client.get(server + deep)).links["next"]["url"]
    job = f"/v1/download/job/{filler.job}"
    paths = {
        "Files, first page": "/v1/download/files",
        "Files, a term that no name has": "/v1/download/files?q=none-such",
        "Files, two letters that no name has": "/v1/download/files?q=qq",
        "Files, a term that one name has": f"/v1/download/files?q={filler.name[-14:]}",
        "Files, a term that one name in 60 has": "/v1/download/files?q=photo-report",
        "Files, a term that one name in 3 has": "/v1/download/files?q=photo",
        "Jobs, first page": "/v1/download/jobs",
        "Jobs of one status": "/v1/download/jobs?status=cancelled",
        "Jobs, tenth page": deep,
        "Dead jobs": "/v1/download/dead",
        "Status": job,
        "Status with all files": f"{job}?since=0",
        "History": f"{job}/history",
    }
    return {what: server + path for what, path in paths.items()}


async def _idle(arena: Arena) -> Figure:
    """The CPU of a worker that has nothing to do."""
    async with arena.worker() as pid:
        await asyncio.sleep(5)
        before = cpu_seconds(pid)
        await asyncio.sleep(IDLE)
        share = 1000 * (cpu_seconds(pid) - before) / IDLE
    return Figure("CPU of an idle worker beside them", f"{share:.1f} ms a second")


async def _retention(arena: Arena) -> list[Figure]:
    """How fast the jobs that ended 40 days ago are deleted, and then their partitions."""
    database, settings = arena.services.database, arena.settings
    retention = Retention(database, settings.job_retention)
    before, size = await _count(arena), await _size(arena)
    began = perf_counter()
    await retention.delete_rows()
    rows = perf_counter() - began
    began = perf_counter()
    await retention.keep_partitions()
    partitions = perf_counter() - began
    deleted = before - await _count(arena)
    rate = deleted / (rows + partitions)
    least = 1.0 * PER_DAY / timedelta(days=1).total_seconds()
    assert settings.job_retention + SLACK.total_seconds() < timedelta(days=AGES[-1] - 1).total_seconds()
    return [
        Figure(
            f"Retention: jobs deleted a second, of {FILES} files and {EVENTS} events each",
            f"{rate:,.0f}: {deleted:,} jobs in {rows:.1f} s, and their partitions in {partitions:.2f} s",
            f"≥ {least:.1f} (a million a day)",
            rate >= least,
        ),
        Figure("Size of all tables before and after", f"{size / 1e6:,.0f} MB, {await _size(arena) / 1e6:,.0f} MB"),
    ]


async def _count(arena: Arena) -> int:
    [row] = await arena.services.database.fetch("SELECT count(*) FROM jobs")
    return int(row[0])


async def _size(arena: Arena) -> int:
    [row] = await arena.services.database.fetch("SELECT pg_database_size(current_database())")
    return int(row[0])
