"""Statements about the rows of processing jobs and of the files that they make."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.engine.jobs import Job, Status
from jobs.engine.sql.rows import Row, failure_of, job_fields, json_of
from jobs.engine.sql.tables import jobs
from jobs.files.catalogue import StoredFile, stored_file_of
from jobs.files.states import GoneReason
from jobs.kinds import Kind
from jobs.processing.processing import Derivative, Processing, Selection, Summary, plain_type
from jobs.processing.recipes import Probe, Wishes
from jobs.processing.sql.tables import derived_files, processing_jobs

ROWS = "jobs JOIN processing_jobs ON job_id = id"
"""The FROM clause of what `processing_of` maps."""


def processing_of(row: Row) -> Processing:
    return _processing(job_fields(row), row)


def processing_of_job(job: Job, row: Row) -> Processing:
    """The processing job of a job that is known, with its row of `processing_jobs`."""
    return _processing({field.name: getattr(job, field.name) for field in fields(Job)}, row)


def _processing(job: dict[str, Any], row: Row) -> Processing:
    wishes, probe = json_of(row["wishes"]), json_of(row["probe"])
    return Processing(
        **job,
        parent_id=row["parent_id"],
        name=row["name"],
        type=row["type"],
        wishes=Wishes.from_json(wishes),
        probe=None if probe is None else Probe(**probe),
    )


async def insert_processing(connection: AsyncConnection, job: Job, source: StoredFile, wishes: Wishes) -> None:
    """Adds what only a processing job has to a new job."""
    values = {
        "job_id": job.id,
        "parent_id": source.id,
        "name": source.name,
        "type": plain_type(source.content_type),
        "wishes": wishes.as_json(),
    }
    await connection.execute(insert(processing_jobs), values)


async def find_processing(connection: AsyncConnection, job_id: UUID) -> Processing | None:
    """The job, even if a person deleted it; None if its rows are deleted."""
    rows = await fetch_within(connection, f"SELECT * FROM {ROWS} WHERE id = $1", job_id)  # noqa: S608 - ours
    return processing_of(rows[0]) if rows else None


async def load_processing(connection: AsyncConnection, page: Select[*tuple[object, ...]]) -> list[Processing]:
    """The processing jobs of a query for jobs, in its order."""
    query = page.add_columns(*processing_jobs.c).join(processing_jobs, processing_jobs.c.job_id == jobs.c.id)
    return [processing_of(row) for row in (await connection.execute(query)).mappings()]


async def save_probe(connection: AsyncConnection, job_id: UUID, probe: Probe, fingerprint: str) -> None:
    query = "UPDATE processing_jobs SET probe = $2::text::jsonb, fingerprint = $3 WHERE job_id = $1"
    await fetch_within(connection, query, job_id, json.dumps(asdict(probe)), fingerprint)


# --- the files that were made -----------------------------------------------------------------------------------------


async def insert_derived(connection: AsyncConnection, derivative: Derivative) -> None:
    """Adds what the catalogue does not know of a file that was made."""
    values = {
        "file_id": derivative.file.id,
        "job_id": derivative.file.job_id,
        "output": derivative.output,
        "page": derivative.page,
        "width": derivative.width,
        "height": derivative.height,
    }
    await connection.execute(insert(derived_files), values)


async def load_made(connection: AsyncConnection, job_id: UUID) -> list[Derivative]:
    """The files that a job has made and that are available."""
    return _derivatives(await fetch_within(connection, f"{_DERIVED} d.job_id = $1 ORDER BY f.id", job_id))


async def load_derivatives(database: Database, parent_id: int) -> list[Derivative]:
    """The files that were made of a file and that are available."""
    return _derivatives(await database.fetch(f"{_DERIVED} f.parent_id = $1 ORDER BY f.id", parent_id))


_DERIVED = """
    SELECT f.*, d.output, d.page, d.width, d.height
    FROM stored_files AS f JOIN derived_files AS d ON d.file_id = f.id
    WHERE f.available AND
"""


def _derivatives(rows: Sequence[Row]) -> list[Derivative]:
    return [
        Derivative(
            file=stored_file_of(row),
            output=row["output"],
            page=row["page"],
            width=row["width"],
            height=row["height"],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Equal:
    """A completed job whose outputs are all available."""

    job_id: UUID
    probe: Probe
    made: Sequence[Derivative]


async def find_equal(connection: AsyncConnection, job: Processing, fingerprint: str) -> Equal | None:
    """The latest equal job of the same owner, if there is one."""
    rows = await fetch_within(connection, _EQUAL, fingerprint, job.owner, job.id)
    if not rows:
        return None
    job_id, probe = rows[0]["job_id"], Probe(**json_of(rows[0]["probe"]))
    return Equal(job_id=job_id, probe=probe, made=await load_made(connection, job_id))


_EQUAL = """
    SELECT p.job_id, p.probe FROM processing_jobs AS p JOIN jobs AS j ON j.id = p.job_id
    WHERE p.fingerprint = $1 AND p.probe IS NOT NULL AND j.owner = $2 AND j.id <> $3 AND j.status = 'completed'
        AND j.files_done + j.files_omitted = j.files_total AND j.files_done > 0 AND j.files_done = (
            SELECT count(*) FROM derived_files AS d JOIN stored_files AS f ON f.id = d.file_id
            WHERE d.job_id = p.job_id AND f.available
        )
    ORDER BY j.finished_at DESC LIMIT 1
"""


async def mark_replaced(connection: AsyncConnection, job: Processing) -> None:
    """Removes files from the catalogue of which this job has made a newer version."""
    await fetch_within(connection, _REPLACED, job.parent_id, job.id, GoneReason.REPLACED)


_REPLACED = """
    UPDATE stored_files AS f SET available = false, gone_at = clock_timestamp(), gone_reason = $3
    FROM derived_files AS d
    WHERE d.file_id = f.id AND f.parent_id = $1 AND f.job_id <> $2 AND f.gone_at IS NULL
        AND d.output IN (SELECT output FROM derived_files WHERE job_id = $2)
"""


async def known_keys(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    """Those of the keys that belong to a file of the catalogue whose object was not removed."""
    query = "SELECT key FROM stored_files WHERE key = ANY ($1::text[]) AND object_removed_at IS NULL"
    return {row["key"] for row in await fetch_within(connection, query, list(keys))}


async def unended(connection: AsyncConnection, job_ids: Collection[UUID]) -> set[UUID]:
    """Those of the jobs that have not ended: an attempt may have written a key that no row has yet."""
    query = "SELECT id FROM jobs WHERE id = ANY ($1::uuid[]) AND status IN ('queued', 'processing', 'retrying')"
    return {row["id"] for row in await fetch_within(connection, query, list(job_ids))}


# --- reads ------------------------------------------------------------------------------------------------------------


async def load_summaries(database: Database, parent_ids: Collection[int]) -> dict[int, Summary]:
    """The latest processing job of each of the files that have one, by the id of the file."""
    return {row["parent_id"]: _summary(row) for row in await database.fetch(_SUMMARIES, list(parent_ids))}


_SUMMARIES = """
    SELECT DISTINCT ON (p.parent_id) p.parent_id, j.id, j.kind, j.status, j.created_at,
        coalesce(j.error_class, r.error_class) AS error_class, coalesce(j.error_message, r.error_message) AS error_message
    FROM processing_jobs AS p JOIN jobs AS j ON j.id = p.job_id
    LEFT JOIN LATERAL (
        SELECT error_class, error_message FROM file_records
        WHERE job_id = j.id AND state = 'failed' AND j.status = 'completed' ORDER BY index LIMIT 1
    ) AS r ON true
    WHERE p.parent_id = ANY ($1::bigint[]) AND j.deleted_at IS NULL
    ORDER BY p.parent_id, j.created_at DESC, j.id DESC
"""


def _summary(row: Mapping[str, Any]) -> Summary:
    return Summary(
        job_id=row["id"],
        kind=Kind(row["kind"]),
        status=Status(row["status"]),
        created_at=row["created_at"],
        error=failure_of(row),
    )


async def find_first(database: Database, parent_id: int) -> tuple[UUID, Kind] | None:
    """The first processing job of a file, which its upload has created, and its kind."""
    rows = await database.fetch(_FIRST, parent_id)
    return (rows[0]["id"], Kind(rows[0]["kind"])) if rows else None


_FIRST = """
    SELECT j.id, j.kind FROM processing_jobs AS p JOIN jobs AS j ON j.id = p.job_id
    WHERE p.parent_id = $1 AND j.deleted_at IS NULL ORDER BY j.created_at, j.id LIMIT 1
"""


async def find_scan_end(connection: AsyncConnection, after: int, count: int) -> int | None:
    """The id of the file that is `count` files after the id `after`; None if there are fewer."""
    query = "SELECT id FROM stored_files WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1"
    rows = await fetch_within(connection, query, after, count - 1)
    return rows[0]["id"] if rows else None


async def select_originals(
    connection: AsyncConnection, selection: Selection, after: int, end: int | None, limit: int
) -> list[StoredFile]:
    """Available originals by id, after `after` and up to `end`, that no waiting or running job processes already."""
    patterns = [_escaped(f"{one[:-1]}%" if one.endswith("/*") else one) for one in selection.types]
    rows = await fetch_within(connection, _ORIGINALS, after, limit, patterns, selection.missing, selection.since, end)
    return [stored_file_of(row) for row in rows]


def _escaped(pattern: str) -> str:
    """A pattern of LIKE in which only the last `%` is special."""
    body, star = (pattern[:-1], "%") if pattern.endswith("%") else (pattern, "")
    return body.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + star


_ORIGINALS = """
    SELECT f.* FROM stored_files AS f
    WHERE f.id > $1 AND ($6::bigint IS NULL OR f.id <= $6)
        AND f.available AND f.role = 'original' AND f.scan IN ('none', 'clean')
        AND f.content_type LIKE ANY ($3::text[])
        AND ($5::timestamptz IS NULL OR f.created_at >= $5)
        AND NOT ($4 AND EXISTS (SELECT FROM stored_files AS d WHERE d.parent_id = f.id AND d.available))
        AND NOT EXISTS (
            SELECT FROM processing_jobs AS p JOIN jobs AS j ON j.id = p.job_id
            WHERE p.parent_id = f.id AND j.status IN ('queued', 'processing', 'retrying')
        )
    ORDER BY f.id LIMIT $2
"""
