"""Many dead jobs at once."""

from __future__ import annotations

from uuid import UUID

from jobs.engine.job_ids import new_job_id
from jobs.services import Services
from tests.helpers.jobs import dead


async def many_dead(services: Services, count: int, file_id: int = 10_000) -> list[UUID]:
    """Dead downloads of a file, all but one of which are copies of its rows."""
    first = await dead(services, file_id=file_id)
    ids = [new_job_id() for _ in range(count - 1)]
    for copy in (
        """
        INSERT INTO jobs SELECT (jsonb_populate_record(jobs, jsonb_build_object('id', copy.id))).*
        FROM jobs, unnest($2::uuid[]) AS copy (id) WHERE jobs.id = $1
        """,
        """
        INSERT INTO download_jobs
        SELECT (jsonb_populate_record(download_jobs, jsonb_build_object('job_id', copy.id))).*
        FROM download_jobs, unnest($2::uuid[]) AS copy (id) WHERE job_id = $1
        """,
        """
        INSERT INTO file_records
        SELECT (jsonb_populate_record(file_records, jsonb_build_object('job_id', copy.id))).*
        FROM file_records, unnest($2::uuid[]) AS copy (id) WHERE job_id = $1
        """,
    ):
        await services.database.fetch(copy, first.id, ids)
    return [first.id, *ids]
