"""What operators wait for, with a million jobs of all owners: the list, searches, counts, the overview."""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter

import httpx

from app.overview_reader import COSTLY
from jobs.access.refusals import list_refusals
from jobs.engine.sql import fleet
from jobs.files.catalogue import measure_files
from tests.bench.arena import Arena
from tests.bench.effort import Effort, percentile
from tests.bench.report import Figure
from tests.helpers.many_jobs import ANCIENT, COMMON, RARE, insert_jobs

REQUESTS = 11
LIST, SEARCH = 200.0, 300.0
"""Milliseconds that a page of the list and one of a search may take."""


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Fills the database, and sends each request several times, one after the other."""
    await insert_jobs(arena.services.database, str(arena.settings.database_url), effort.operated)
    rows = await arena.services.database.fetch(_SOME)
    job, file_name = str(rows[0]["id"]), rows[0]["name"]
    deep = "jobs?limit=50"
    async with arena.gateway() as port, httpx.AsyncClient(timeout=60, base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(9):
            deep = (await client.get(f"/v1/operator/{deep}")).links["next"]["url"].removeprefix("/v1/operator/")
        requests = {
            "List, first page": ("jobs", LIST),
            "List, tenth page": (deep, LIST),
            "List, queued": ("jobs?status=queued", LIST),
            "List, failed uploads": ("jobs?status=failed&kind=upload", LIST),
            "List, dead": ("jobs?dead=true", LIST),
            "List, one owner": ("jobs?owner=user-4711@example.com", LIST),
            "Search, a whole id": (f"jobs?q={job}", SEARCH),
            "Search, the beginning of an id": (f"jobs?q={job[:13]}", SEARCH),
            "Search, an owner": ("jobs?q=user-4711@example.com", SEARCH),
            "Search, the title of one job": (f"jobs?q={rows[0]['title'][:20]}", SEARCH),
            "Search, a word in a quarter of the titles": (f"jobs?q={COMMON}", SEARCH),
            "Search, a word in the oldest twentieth only": (f"jobs?q={ANCIENT}", SEARCH),
            "Search, the name of a file": (f"jobs?q={file_name[:20]}", SEARCH),
            "Search, a word in one error and in one file's name": (f"jobs?q={RARE}", SEARCH),
            "Search, a word in most errors": ("jobs?q=closed+the+connection", SEARCH),
            "Search, a word that no job has": ("jobs?q=none-such", SEARCH),
            "Count, all": ("jobs/count", None),
            "Count, dead": ("jobs/count?dead=true", None),
            "Count, a word in a quarter of the titles": (f"jobs/count?q={COMMON}", None),
            "Count, a word in one error": (f"jobs/count?q={RARE}", None),
            "Timeline": (f"jobs/{job}", None),
            "Workers": ("workers", None),
            "Overview": ("overview", None),
        }
        figures = [await _request(client, what, path, target) for what, (path, target) in requests.items()]
    return [*figures, *await _statements(arena)]


async def _request(client: httpx.AsyncClient, what: str, path: str, target: float | None) -> Figure:
    times = []
    for _ in range(REQUESTS):
        began = perf_counter()
        answer = await client.get(f"/v1/operator/{path}")
        times.append(1000 * (perf_counter() - began))
        answer.raise_for_status()
    found = answer.json()
    jobs = f", {len(found['jobs'])} jobs" if path.startswith("jobs?") else ""
    middle, worst = median(times), percentile(times, 0.95)
    measured = f"{middle:.0f} ms, p95 {worst:.0f} ms{jobs}"
    return Figure(
        what, measured, "" if target is None else f"≤ {target:g} ms", None if target is None else middle <= target
    )


async def _statements(arena: Arena) -> list[Figure]:
    """What each statement of the overview takes, which a gateway sends once for all who look."""
    database = arena.services.database
    statements = {
        "Overview, counts of the queues": lambda: fleet.count_queues(database),
        "Overview, the last hour by minutes": lambda: fleet.count_minutes(database),
        "Overview, durations of the last hour": lambda: fleet.measure_durations(database),
        "Overview, the last day by status": lambda: fleet.count_ended(database),
        "Overview, throttled owners": lambda: list_refusals(database, 20),
        f"Overview, size of the catalogue, every {COSTLY:g} s": lambda: measure_files(database),
        f"Overview, size of all bundles, every {COSTLY:g} s": arena.services.downloads.measure_bundles,
    }
    figures = []
    for what, read in statements.items():
        times = []
        for _ in range(REQUESTS):
            began = perf_counter()
            await read()
            times.append(1000 * (perf_counter() - began))
            await asyncio.sleep(0)
        figures.append(Figure(what, f"{median(times):.1f} ms"))
    return figures


_SOME = """
    SELECT jobs.id, download_jobs.name AS title, stored_files.name
    FROM jobs JOIN download_jobs ON download_jobs.job_id = jobs.id
    JOIN file_records ON file_records.job_id = jobs.id JOIN stored_files ON stored_files.id = file_id
    WHERE status = 'expired' ORDER BY jobs.created_at OFFSET 1000 LIMIT 1
"""
