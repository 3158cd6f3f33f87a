"""Statements about the files of a download that are URLs. The engine has checked the fence where one writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.bundles.downloads import SourceRequest
from jobs.bundles.sql.tables import download_source_parts, download_sources
from jobs.bundles.url_sources import FetchedObject, PartialObject, Representation, SourcePart, UrlSource
from jobs.engine.sql.rows import Row

_NOTHING: dict[str, Any] = dict.fromkeys(
    ("key", "upload_id", "size", "validator", "modified_at", "etag", "crc32", "sha256")
)
"""The columns of a source of which the store has nothing."""


async def insert_sources(connection: AsyncConnection, job_id: UUID, sources: Mapping[int, SourceRequest]) -> None:
    """Adds the URLs of a new job, by the index of the file."""
    rows = [
        {"job_id": job_id, "index": index, "url": source.url, "wanted_sha256": source.sha256}
        for index, source in sources.items()
    ]
    await connection.execute(insert(download_sources), rows)


async def load_sources(connection: AsyncConnection, job_id: UUID) -> list[UrlSource]:
    """The URLs of a job with what the store has of them, in the order of the request."""
    parts: defaultdict[int, list[SourcePart]] = defaultdict(list)
    found = select(download_source_parts).where(download_source_parts.c.job_id == job_id)
    for row in (await connection.execute(found.order_by(download_source_parts.c.number))).mappings():
        part = SourcePart(number=row["number"], etag=row["etag"], size=row["size"], crc32=row["crc32"])
        parts[row["index"]].append(part)
    query = select(download_sources).where(download_sources.c.job_id == job_id).order_by(download_sources.c.index)
    return [_source_of(row, tuple(parts[row["index"]])) for row in (await connection.execute(query)).mappings()]


async def save_source(connection: AsyncConnection, job_id: UUID, source: UrlSource) -> None:
    """Writes what the store has of a source. Its parts are deleted, unless `source` has some."""
    place = download_sources.c.job_id == job_id, download_sources.c.index == source.index
    values = {**_NOTHING, "restarts": source.restarts, **_stored(source)}
    await connection.execute(update(download_sources).where(*place).values(values))
    if source.partial is None or not source.partial.parts:
        parts = download_source_parts.c
        await connection.execute(
            delete(download_source_parts).where(parts.job_id == job_id, parts.index == source.index)
        )


async def add_source_part(connection: AsyncConnection, job_id: UUID, index: int, part: SourcePart) -> None:
    """Records a part that the store has received."""
    values = {"number": part.number, "etag": part.etag, "size": part.size, "crc32": part.crc32}
    await connection.execute(insert(download_source_parts).values(job_id=job_id, index=index, **values))


async def forget_sources(connection: AsyncConnection, job_id: UUID) -> None:
    """Forgets what the store has of all sources of a job: from now on no attempt continues from it."""
    await connection.execute(delete(download_source_parts).where(download_source_parts.c.job_id == job_id))
    await connection.execute(
        update(download_sources).where(download_sources.c.job_id == job_id).values(restarts=0, **_NOTHING)
    )


def _stored(source: UrlSource) -> dict[str, Any]:
    partial, fetched = source.partial, source.fetched
    if fetched is not None:
        return {
            "key": fetched.key,
            "size": fetched.size,
            "modified_at": fetched.modified,
            "etag": fetched.etag,
            "crc32": fetched.crc32,
            "sha256": fetched.sha256,
        }
    if partial is not None:
        return {
            "key": partial.key,
            "upload_id": partial.upload_id,
            "size": partial.representation.size,
            "validator": partial.representation.validator,
            "modified_at": partial.representation.modified,
        }
    return {}


def _source_of(row: Row, parts: tuple[SourcePart, ...]) -> UrlSource:
    partial = fetched = None
    if row["upload_id"] is not None:
        representation = Representation(size=row["size"], validator=row["validator"], modified=row["modified_at"])
        partial = PartialObject(key=row["key"], upload_id=row["upload_id"], representation=representation, parts=parts)
    elif row["etag"] is not None:
        fetched = FetchedObject(
            key=row["key"],
            size=row["size"],
            etag=row["etag"],
            crc32=row["crc32"],
            sha256=row["sha256"],
            modified=row["modified_at"],
        )
    return UrlSource(
        index=row["index"],
        request=SourceRequest(url=row["url"], sha256=row["wanted_sha256"]),
        restarts=row["restarts"],
        partial=partial,
        fetched=fetched,
    )
