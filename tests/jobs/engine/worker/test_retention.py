"""Retention: rows of jobs that ended long ago are deleted, whole partitions at a time, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from jobs.bundles.commands import with_result
from jobs.database import Database
from jobs.engine.jobs import Job, Status
from jobs.engine.sql import file_records, jobs, partitions
from jobs.engine.sql.partitions import DAYS_AHEAD, PARTITIONED, list_days, partition_name
from jobs.engine.sql.retention import _DELETE_PAST_RETENTION as DELETE_PAST_RETENTION
from jobs.engine.worker import retention
from jobs.engine.worker.retention import SLACK, Retention
from jobs.errors import DatabaseUnavailable
from jobs.migrate import migrate
from jobs.services import Services
from tests.helpers.jobs import create, dead, read
from tests.helpers.samples import RESULT

DAY = timedelta(days=1)
LONG_AGO = "finished_at = now() - interval '31 days', cleanup_at = NULL"


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"job_retention": 30 * DAY.total_seconds()}


def at(services: Services, now: datetime) -> Retention:
    """The retention as it works at this time."""
    return Retention(services.database, services.settings.job_retention, lambda: now)


def over(services: Services) -> Retention:
    """The retention when the partition of today may go."""
    return at(services, datetime.now(UTC) + timedelta(seconds=services.settings.job_retention) + SLACK + DAY)


async def change(services: Services, job: Job, assignment: str) -> None:
    async with services.database.begin() as connection:
        await connection.execute(text(f"UPDATE jobs SET {assignment} WHERE id = :id"), {"id": job.id})


async def rows(services: Services, table: str) -> dict[UUID, int]:
    """How many rows of each job are in the table."""
    async with services.database.reading() as connection:
        found = await connection.execute(text(f"SELECT job_id, count(*) AS amount FROM {table} GROUP BY job_id"))
        return {row.job_id: row.amount for row in found}


def rest(table: str, day: date) -> str:
    """The partition that takes the place of the day's, with the rows of jobs that still exist."""
    return f"{partition_name(table, day)}_rest"


async def number_of(services: Services, table: str) -> int | None:
    """The number by which PostgreSQL knows the table; None if there is none."""
    async with services.database.reading() as connection:
        found: int | None = await connection.scalar(text("SELECT to_regclass(:table)::oid"), {"table": table})
        return found


async def days(services: Services, table: str = "file_records") -> list[date]:
    async with services.database.reading() as connection:
        return await list_days(connection, table)


async def ended(services: Services, assignment: str = LONG_AGO) -> Job:
    job = await services.lifecycle.cancel((await create(services, 10_000, 10_001)).id)
    await change(services, job, assignment)
    return job


async def completed(services: Services, lifetime: float | None) -> Job:
    """A job with a result, which was completed long ago."""
    job = await create(services, 10_000, 10_001)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    job = await services.lifecycle.succeed(claimed.job, lifetime, with_result(RESULT))
    await change(services, job, LONG_AGO)
    return job


async def exists(services: Services, job: Job) -> bool:
    return job.id in await services.snapshots.marks([job.id])


async def test_more_jobs_than_a_batch_are_deleted_in_one_round(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    gone = [await ended(services) for _ in range(5)]
    await at(services, datetime.now(UTC)).delete_rows()
    assert [await exists(services, job) for job in gone] == [False] * 5


async def test_retention_counts_from_the_end_and_spares_what_is_still_needed(services: Services) -> None:
    needed = [
        await ended(
            services,
            "finished_at = now() - interval '29 days', cleanup_at = NULL, created_at = now() - interval '1 year'",
        ),
        await ended(services, "finished_at = now() - interval '31 days', cleanup_at = now()"),
        await create(services, 10_000),
        await completed(services, 3600),
    ]
    gone = [await ended(services), await completed(services, None), await completed(services, 3600)]
    await services.lifecycle.expire(gone[-1].id)
    await change(services, gone[-1], LONG_AGO)
    await at(services, datetime.now(UTC)).delete_rows()
    assert [await exists(services, job) for job in needed] == [True] * 4
    assert [await exists(services, job) for job in gone] == [False] * 3


async def test_jobs_to_delete_are_found_by_an_index_that_has_no_others(services: Services) -> None:
    statement = DELETE_PAST_RETENTION.replace("$1", "3").replace("$2", "10")
    async with services.database.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))  # in an empty table it would be the cheapest
        plan = "\n".join((await connection.execute(text(f"EXPLAIN {statement}"))).scalars())
    assert "using jobs_removable" in plan
    assert "Sort" not in plan


async def test_all_rows_of_a_job_that_a_person_deleted_go_at_once(services: Services) -> None:
    job, other = await dead(services), await dead(services)
    await services.lifecycle.delete(job.id)
    await change(services, job, "cleanup_at = NULL")
    await at(services, datetime.now(UTC)).delete_rows()
    for table in ("jobs AS j (job_id)", "download_jobs", *PARTITIONED):
        assert (await rows(services, table)).keys() == {other.id}


async def test_the_partition_of_a_day_is_dropped_and_rows_of_jobs_that_remain_are_copied_before(
    services: Services,
) -> None:
    today = datetime.now(UTC).date()
    defaults = [await number_of(services, f"{table}_default") for table in PARTITIONED]
    gone, kept = [await ended(services) for _ in range(3)], await ended(services)
    retried = await services.lifecycle.retry(kept.id)
    await over(services).delete_rows()
    assert (await rows(services, "file_records")).keys() == {job.id for job in [*gone, kept]}
    for _ in range(2):  # the second time, nothing is left to do
        await over(services).keep_partitions()
        for table, count in (("file_records", 2), ("job_events", 3)):
            assert await number_of(services, partition_name(table, today)) is None
            assert await rows(services, table) == await rows(services, rest(table, today)) == {kept.id: count}
    assert [await number_of(services, f"{table}_default") for table in PARTITIONED] == defaults, "others are not copied"
    # The job lives on as if nothing had happened, and goes like all others in the end.
    claimed = await services.lifecycle.claim(kept.id, retried.fence, "w")
    assert claimed is not None
    assert [record.file_id for record in claimed.records] == [10_000, 10_001]
    assert [event["command"] for event in await services.lifecycle.events(kept.id, 0, 10)] == [
        "create",
        "cancel",
        "retry",
        "claim",
    ]
    await services.lifecycle.cancel(kept.id)
    await change(services, kept, LONG_AGO)
    await over(services).delete_rows()
    await at(services, datetime.now(UTC) + 60 * DAY).keep_partitions()
    assert await rows(services, "file_records") == await rows(services, "job_events") == {}
    assert today not in await days(services)


async def test_a_partition_stays_while_its_jobs_are_retained_or_too_many_to_move(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, kept = datetime.now(UTC), await ended(services, "finished_at = now(), cleanup_at = NULL")
    partition = partition_name("file_records", now.date())
    for today in (now, now + timedelta(seconds=services.settings.job_retention) + SLACK):
        await at(services, today).keep_partitions()
        assert await number_of(services, partition)
    monkeypatch.setattr(partitions, "MAX_MOVED", 3)
    await over(services).keep_partitions()
    assert await number_of(services, partition)
    monkeypatch.setattr(partitions, "MAX_MOVED", 4)  # two files, and two events
    await over(services).keep_partitions()
    assert not await number_of(services, partition)
    assert (await read(services, kept.id)).status is Status.CANCELLED


async def test_a_long_transaction_keeps_a_partition_but_no_one_waits_for_it(services: Services) -> None:
    old = await ended(services)
    await over(services).delete_rows()
    async with services.database.reading() as reader:
        await reader.execute(text("BEGIN"))
        await reader.execute(text("SELECT FROM file_records LIMIT 1"))
        removing = asyncio.create_task(over(services).keep_partitions())
        made = [await asyncio.wait_for(create(services, 10_000), 5) for _ in range(20)]
        with pytest.raises(DatabaseUnavailable):
            await removing
        assert (await rows(services, "file_records")).keys() == {old.id, *(job.id for job in made)}
        await reader.execute(text("ROLLBACK"))
    await over(services).keep_partitions()
    assert (await rows(services, "file_records")).keys() == {job.id for job in made}


async def test_a_job_that_is_written_about_keeps_its_partition(services: Services) -> None:
    job, today = await ended(services), datetime.now(UTC).date()
    async with services.database.begin() as connection:
        await jobs.lock_job(connection, job.id)
        await connection.execute(text(f"UPDATE {partition_name('file_records', today)} SET seq = 7"))
        with pytest.raises(DatabaseUnavailable):
            await over(services).keep_partitions()
        assert await number_of(services, partition_name("file_records", today))
        assert not await number_of(services, partition_name("job_events", today))
    await over(services).keep_partitions()
    assert [record.seq for record in await services.lifecycle.files(job.id, 0)] == [7, 7]


async def test_no_one_writes_about_a_job_while_its_rows_are_moved(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, refused = await ended(services), []
    create_like = partitions._create_like  # noqa: SLF001 - the step before the rows are copied

    async def write_first(connection: AsyncConnection, name: str, table: str) -> None:
        await create_like(connection, name, table)
        if not name.endswith("_rest"):
            return
        async with services.database.engine.connect() as other:
            await other.execute(text("SET LOCAL lock_timeout = '20ms'"))
            try:
                await other.execute(text(f"UPDATE {table} SET seq = seq + 10"))
                await other.commit()
            except DBAPIError as error:
                refused.append((table, "lock timeout" in str(error)))

    monkeypatch.setattr(partitions, "_create_like", write_first)
    await over(services).keep_partitions()
    assert refused == [("file_records", True), ("job_events", True)]
    assert (await rows(services, rest("file_records", datetime.now(UTC).date()))).keys() == {job.id}


async def test_many_workers_keep_partitions_at_the_same_time(services: Services) -> None:
    kept = await ended(services, "finished_at = now(), cleanup_at = NULL")
    await asyncio.gather(*(over(services).keep_partitions() for _ in range(4)))
    await over(services).keep_partitions()
    assert (await rows(services, rest("file_records", datetime.now(UTC).date()))) == {kept.id: 2}


async def test_there_are_partitions_for_the_days_to_come(services: Services) -> None:
    assert datetime.now(UTC).date() in await days(services), "made by `haulage migrate`"
    start = datetime.now(UTC) + 10 * DAY
    await at(services, start).keep_partitions()
    for table in PARTITIONED:
        made = set(await days(services, table))
        assert {(start + n * DAY).date() for n in range(DAYS_AHEAD + 1)} <= made


async def test_a_migration_makes_partitions_and_ends_also_while_they_are_locked(services: Services) -> None:
    made = await days(services)
    async with services.database.begin() as connection:
        await connection.execute(text(f"DROP TABLE {partition_name('file_records', made[-1])}"))
    async with services.database.begin() as connection:
        await connection.execute(text("SELECT FROM file_records_default"))
        await migrate(services.database)
    assert await days(services) == made[:-1]
    await migrate(services.database)
    assert await days(services) == made


async def test_jobs_of_days_without_a_partition_work_and_later_days_get_theirs(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services.database.begin() as connection:
        for table in PARTITIONED:
            for day in await list_days(connection, table):
                await connection.execute(text(f"DROP TABLE {partition_name(table, day)}"))
    today = datetime.now(UTC).date()
    job = await create(services, 10_000)
    monkeypatch.setattr("jobs.engine.lifecycle.new_job_id", uuid4)
    other = await create(services, 10_000)
    assert (await rows(services, "file_records_default")).keys() == {job.id, other.id}
    await at(services, datetime.now(UTC)).keep_partitions()
    assert await days(services) == [today + n * DAY for n in range(1, DAYS_AHEAD + 1)]
    for one in (job, other):
        assert await services.lifecycle.claim(one.id, one.fence, "w") is not None
    await change(services, await services.lifecycle.cancel(other.id), LONG_AGO)
    await over(services).delete_rows()
    for table in PARTITIONED:
        assert (await rows(services, f"{table}_default")).keys() == {job.id}


async def test_partitions_that_others_have_made_are_ignored_and_logged_once(services: Services) -> None:
    partitions._log_foreign.cache_clear()  # noqa: SLF001 - other tests may have logged them
    made, names = await days(services), ["archive", "file_records_2026111", "file_records_20269999"]
    async with services.database.begin() as connection:
        for number, name in enumerate(names):
            values = f"FROM ('{UUID(int=number)}') TO ('{UUID(int=number + 1)}')"
            await connection.execute(text(f"CREATE TABLE {name} PARTITION OF file_records FOR VALUES {values}"))
    with capture_logs() as logs:
        for _ in range(2):
            await at(services, datetime.now(UTC) + DAY).keep_partitions()
    assert await days(services) == [*made, made[-1] + DAY]
    foreign = [line["name"] for line in logs if line["event"] == "partition_inconsistent"]
    assert sorted(foreign) == names


async def _partitions_used(connection: AsyncConnection) -> set[str]:
    """The partitions that the statements of this transaction have locked: those that were not pruned."""
    locked = text(
        "SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
        " WHERE pid = pg_backend_pid() AND relispartition AND relkind = 'r'"
    )
    return set((await connection.execute(locked)).scalars())


async def test_what_is_read_and_written_of_a_job_is_in_one_partition(services: Services) -> None:
    job = await create(services, 10_000)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    held, today = claimed.job, datetime.now(UTC).date()
    statements: dict[str, list[Callable[[AsyncConnection], Awaitable[object]]]] = {
        "file_records": [
            lambda it: file_records.load_files(it, job.id, 1),
            lambda it: file_records.reset_files(it, job.id, 5),
            lambda it: file_records.touch_unfinished(it, job.id, 5),
            lambda it: file_records.write_batch(it, job.id, held.fence, held.phase, held.progress, claimed.records),
        ],
        "job_events": [
            lambda it: jobs.list_events(it, job.id),
            lambda it: jobs.claim_fences(it, job.id),
        ],
    }
    one = Database.open(str(services.settings.database_url), pool_size=1, timeout=10)
    for table, its in statements.items():
        for statement in its:
            for _ in range(6):  # with the sixth, PostgreSQL has chosen between a plan for this id and one for any id
                async with one.begin() as connection:
                    await statement(connection)
            async with one.begin() as connection:
                await statement(connection)
                assert await _partitions_used(connection) == {partition_name(table, today)}
    await one.close()
