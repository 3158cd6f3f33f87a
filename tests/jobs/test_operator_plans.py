"""What operators read is found by indexes: no statement scans the table of jobs, or that of their files.

Scans are priced out, so that one in a plan means that no index fits, however few rows there are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement, Executable

from jobs.database import Database
from jobs.engine.job_filters import JobFilter
from jobs.engine.jobs import Status
from jobs.engine.sql import fleet
from jobs.engine.sql.job_filters import JobFinder, Position
from jobs.kinds import Kind
from jobs.replica_reads import ReplicaReads
from jobs.services import Services
from tests.helpers.many_jobs import COMMON, RARE, insert_jobs

JOBS = 3_000
LARGE = ("jobs", "file_records", "download_jobs", "upload_jobs", "job_events")


class Explain(Executable, ClauseElement):
    """`EXPLAIN` of a query, with its parameters."""

    inherit_cache = False

    def __init__(self, query: Any) -> None:
        self.query = query


@compiles(Explain, "postgresql")
def explained(element: Explain, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN {compiler.process(element.query, **options)}"


class ExplainingFinder(JobFinder):
    """Keeps the plans of its queries."""

    def __init__(self, finder: JobFinder, database: Database) -> None:
        super().__init__(ReplicaReads(database), finder._names, finder._file_ids, window=100, few=50)  # noqa: SLF001
        self.plans: list[str] = []

    async def _explain(self, database: Database, query: Any) -> None:
        async with database.reading() as connection:
            self.plans.append("\n".join((await connection.execute(Explain(query))).scalars()))

    async def _fetch(self, database: Database, query: Any) -> list[Position]:
        await self._explain(database, query)
        return await super()._fetch(database, query)

    async def _count(self, database: Database, query: Any) -> int:
        await self._explain(database, query)
        return await super()._count(database, query)


class ExplainingDatabase:
    """Keeps the plans of its statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.plans: list[str] = []

    async def fetch(self, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        self.plans.append("\n".join(row[0] for row in await self._database.fetch(f"EXPLAIN {query}", *arguments)))
        return await self._database.fetch(query, *arguments)


def scans(plans: Sequence[str]) -> list[str]:
    """The lines of the plans that read a whole large table."""
    lines = [line.strip() for plan in plans for line in plan.splitlines() if "Seq Scan" in line]
    return [line for line in lines if any(f"on {table}" in line for table in LARGE)]


@pytest.fixture
async def many(services: Services) -> AsyncIterator[Database]:
    """A database with many jobs, whose plans have scans only where there is no other way."""
    url = str(services.settings.database_url)
    await insert_jobs(services.database, url, JOBS)
    separator = "&" if "?" in url else "?"
    database = Database.open(f"{url}{separator}options=-c%20enable_seqscan%3Doff", pool_size=2, timeout=30)
    yield database
    await database.close()


async def test_lists_and_searches_are_met_by_indexes(services: Services, many: Database) -> None:
    finder = ExplainingFinder(services.finder, many)
    failed = frozenset({Status.FAILED})
    filters = {
        "all": JobFilter(),
        "some": JobFilter(statuses=failed, kinds=frozenset({Kind.UPLOAD})),
        "dead": JobFilter(dead=True),
        "owner": JobFilter(owner="user-7@example.com"),
        "common": JobFilter(text=COMMON),
        "rare": JobFilter(text=RARE),
        "error": JobFilter(text="closed the connection", statuses=failed),
        "none": JobFilter(text="none-such"),
        "id": JobFilter(text="01234567-89ab"),
    }
    used = {}
    for name, wanted in filters.items():
        finder.plans.clear()
        page = await finder.page(wanted, None, 10)
        if page.following is not None:
            await finder.page(wanted, page.following, 10)
        assert scans(finder.plans) == [], name
        used[name] = "\n".join(finder.plans)
    assert "jobs_of_all" in used["all"]
    assert "jobs_listing_by_status" in used["owner"]
    for index in ("jobs_errors", "download_jobs_search", "upload_jobs_search", "processing_jobs_search"):
        assert index in used["rare"]
    assert "file_id" in used["rare"]


async def test_the_figures_of_the_overview_are_met_by_indexes(many: Database) -> None:
    explaining: Any = ExplainingDatabase(many)
    statements: list[Callable[[Any], Awaitable[object]]] = [
        fleet.count_queues,
        fleet.count_minutes,
        fleet.count_ended,
        fleet.measure_durations,
        fleet.list_running,
    ]
    for statement in statements:
        explaining.plans.clear()
        await statement(explaining)
        assert explaining.plans
        assert scans(explaining.plans) == [], statement.__name__
