"""Compares the database with the store after a restore: results and files without object, and objects without row.

Jobs need nothing: what ran at the time of the backup has lost its lease and runs again, as after any crash.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from jobs.bundles.keys import BUNDLES_PREFIX
from jobs.bundles.orphans import Orphans
from jobs.errors import IllegalTransition
from jobs.files.catalogue import mark_gone
from jobs.files.object_keys import FILES_PREFIX
from jobs.files.states import GoneReason
from jobs.files.tables import FILE_ID_MAX
from jobs.processing.cleanup import ProcessingCleanup
from jobs.processing.processing import PROCESSED_PREFIX
from jobs.services import Services
from jobs.storage.objects import ObjectInfo
from jobs.storage.orphans import BATCH as OBJECTS
from jobs.storage.part_copy import PROBE_PREFIX
from jobs.uploads.cleanup import FileRemoval
from jobs.uploads.uploads import RAW_PREFIX

log = structlog.get_logger()

ROWS = 1_000
"""Rows whose objects are checked together."""
SPARE_IDS = 1_000
"""Ids of files that are skipped besides those that are known to be used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """How the database and the store differ."""

    results: list[UUID] = field(default_factory=list)
    """Completed downloads whose result is not in the store."""
    files: list[int] = field(default_factory=list)
    """Files of the catalogue whose object is not there."""
    checked: int = 0
    """Results and files that were compared."""
    orphans: list[ObjectInfo] = field(default_factory=list)
    """Objects of bundles, uploads and processing that no row has."""
    listed: int = 0
    """All objects of bundles, uploads and processing."""
    added: list[ObjectInfo] = field(default_factory=list)
    """The same of files that operators have added (`haulage files add`), whose names are lost."""

    @property
    def missing(self) -> int:
        return len(self.results) + len(self.files)


class Reconciliation:
    """Finds differences, and removes them. Nothing else should run meanwhile, or new objects may look like orphans."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._began = datetime.now(UTC)

    async def find(self) -> Findings:
        """Compares all rows and objects. It needs a HEAD for each row, some thousand a second.

        Raises `DatabaseUnavailable`, and the errors of the store.
        """
        results, files, checked = [], [], 0
        async for rows in self._rows(_RESULTS, UUID(int=0)):
            checked += len(rows)
            results += await self._without_object(rows)
        async for rows in self._rows(_FILES, 0):
            checked += len(rows)
            files += await self._without_object(rows)
        services = self._services
        database, storage, settings = services.database, services.storage, services.settings
        rules = {
            BUNDLES_PREFIX: Orphans(database, storage, settings).find_orphans,
            RAW_PREFIX: FileRemoval(database, storage, settings).find_orphans,
            PROCESSED_PREFIX: ProcessingCleanup(database, storage).find_orphans,
            FILES_PREFIX: self._unknown_files,
        }
        orphans: dict[str, list[ObjectInfo]] = {prefix: [] for prefix in rules}
        listed = 0
        for prefix, find_orphans in rules.items():
            async for objects in self._objects(prefix):
                listed += len(objects) if prefix != FILES_PREFIX else 0
                orphans[prefix] += [objects[key] for key in await find_orphans(list(objects))]
        added = orphans.pop(FILES_PREFIX)
        return Findings(
            results=results,
            files=files,
            checked=checked,
            orphans=[info for found in orphans.values() for info in found],
            listed=listed,
            added=added,
        )

    async def _rows(self, query: str, after: Any) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        while rows := await self._services.database.fetch(query, after, ROWS):
            yield rows
            after = rows[-1]["id"]

    async def _without_object(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The ids of the rows whose object does not exist; each is requested, since a listing may be out of date."""
        keys = {row["key"] for row in rows}
        found = await self._services.storage.bulk_head.head(keys)
        gone = keys - found.keys()
        gone -= (await self._services.storage.bulk_head.head(gone, listings=False)).keys()
        return [row["id"] for row in rows if row["key"] in gone]

    async def _objects(self, prefix: str) -> AsyncIterator[dict[str, ObjectInfo]]:
        batch: dict[str, ObjectInfo] = {}
        async for info in self._services.storage.objects.list(prefix):
            if info.last_modified < self._began and not info.key.startswith(PROBE_PREFIX):
                batch[info.key] = info
            if len(batch) == OBJECTS:
                yield batch
                batch = {}
        if batch:
            yield batch

    async def _unknown_files(self, keys: Sequence[str]) -> list[str]:
        """The keys that `haulage files add` gives, and that no row has. Others are somebody else's."""
        own = [key for key in keys if key.removeprefix(FILES_PREFIX).isdecimal()]
        rows = await self._services.database.fetch("SELECT key FROM stored_files WHERE key = ANY ($1::text[])", own)
        known = {row["key"] for row in rows}
        return [key for key in own if key not in known]

    async def skip_ids(self, findings: Findings) -> None:
        """Skips the ids of files that were added after the backup, so that nobody gets another file by an id of before.

        Some are skipped in any case: the objects of these files may be gone, or in another bucket.
        """
        ids = [int(info.key.removeprefix(FILES_PREFIX)) for info in findings.added]
        highest = max((one for one in ids if one <= FILE_ID_MAX), default=0)
        await self._services.database.fetch(_SKIP_IDS, highest, len(findings.orphans) + SPARE_IDS, FILE_ID_MAX)

    async def mark(self, findings: Findings) -> None:
        """Expires results without object, so that a retry builds them again, and marks files without object as lost."""
        for job_id in findings.results:
            try:
                await self._services.lifecycle.expire(job_id)
            except IllegalTransition:  # it has expired, or was retried, in the meantime
                continue
        for file_id in findings.files:
            async with self._services.database.begin() as connection:
                await mark_gone(connection, file_id, GoneReason.LOST)
        if findings.missing:
            log.warning("objects_missing", results=len(findings.results), files=len(findings.files))

    async def delete_orphans(self, findings: Findings) -> int:
        """Deletes `findings.orphans`. Returns how many. Files that operators have added stay."""
        keys = [info.key for info in findings.orphans]
        for start in range(0, len(keys), OBJECTS):
            await self._services.storage.objects.delete(keys[start : start + OBJECTS])
        if keys:
            log.info("orphans_removed", count=len(keys))
        return len(keys)


_RESULTS = """
    SELECT id, result_key AS key FROM download_jobs JOIN jobs ON id = job_id
    WHERE id > $1 AND status = 'completed' AND result_key IS NOT NULL ORDER BY id LIMIT $2
"""
_FILES = "SELECT id, key FROM stored_files WHERE id > $1 AND available ORDER BY id LIMIT $2"
_SKIP_IDS = """
    SELECT setval('stored_files_id_seq', least($3::bigint, greatest($1::bigint, last_value + $2::bigint)))
    FROM stored_files_id_seq
"""
