"""The plan of a job's bundle, its content hash and its name: the same for the preflight check and the worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from jobs.bundles.downloads import Compression, Download
from jobs.bundles.format.deflated_plan import CHUNK_SIZE, MAX_BUFFERED_SIZE, DeflatedPlan, plan_deflated
from jobs.bundles.format.manifests import Manifest, Omitted
from jobs.bundles.format.stored_plan import StoredPlan, plan_stored
from jobs.bundles.format.zip_records import Entry
from jobs.bundles.packing.compression import LEVEL
from jobs.bundles.packing.deflated_packer import max_deflated_part_size
from jobs.bundles.resolver import Missing, Source
from jobs.settings import Settings

LAYOUT = 5
"""The version of the planner: +1 whenever the same files get another plan, so that no attempt resumes an old one."""


def archive_name(job: Download) -> str:
    """The file name under which a browser saves the bundle."""
    return job.archive_name or f"download-{str(job.id)[:8]}.zip"


def plan_stored_bundle(
    created_at: datetime,
    sources: Sequence[Source],
    missing: Sequence[Missing],
    settings: Settings,
    *,
    copies: bool = False,
) -> StoredPlan:
    """The plan of a job's bundle; its size depends neither on the time nor on `copies`. Raises `BundleTooLarge`."""
    return plan_stored(
        _entries(sources),
        _manifest(created_at, sources, missing),
        settings.part_size,
        settings.worker_memory_budget,
        copies=copies,
    )


def plan_deflated_bundle(
    created_at: datetime, sources: Sequence[Source], missing: Sequence[Missing], settings: Settings
) -> DeflatedPlan:
    """The plan of a job's bundle with compressed files. Raises `BundleTooLarge`."""
    largest = max_deflated_part_size(settings.worker_memory_budget)
    return plan_deflated(
        _entries(sources),
        _manifest(created_at, sources, missing),
        min(settings.part_size, largest),
        largest,
    )


def _entries(sources: Sequence[Source]) -> list[Entry]:
    return [Entry(s.name, s.size, s.crc32, s.sha256, s.modified, s.trusted) for s in sources]


def _manifest(created_at: datetime, sources: Sequence[Source], missing: Sequence[Missing]) -> Manifest:
    return Manifest(
        created_at=created_at,
        file_ids=tuple(s.file_id for s in sources),
        omitted=tuple(Omitted(m.file_id, m.name, m.reason) for m in missing),
        urls={s.name: s.url for s in sources if s.url is not None},
    )


def hash_content(
    sources: Sequence[Source], missing: Sequence[Missing], compression: Compression = Compression.STORE
) -> str:
    """SHA-256, in hex, of everything that decides what is in a bundle, including the pinned ETags.

    Bundles with the same content hash can replace each other: only the time in their manifests differs. A CRC-32 follows
    from the object, so it does not count; a SHA-256 counts, since it must have been verified.
    """
    return _sha256(
        {
            "layout": LAYOUT,
            "options": {"compression": compression},  # everything that a request can choose about its bundle
            "files": [
                [s.file_id, s.name, s.key, s.size, s.etag, s.sha256, s.modified.isoformat(timespec="seconds")]
                for s in sources
            ],
            "omitted": [[m.file_id, m.name, m.reason] for m in missing],
        }
    )


def fingerprint_plan(plan: StoredPlan | DeflatedPlan, content_hash: str) -> str:
    """SHA-256, in hex, of everything that decides the bytes of each part of a bundle with this content hash."""
    crcs = [entry.crc32 for entry in plan.entries]
    boundaries: list[object]
    if isinstance(plan, DeflatedPlan):
        boundaries = [LEVEL, CHUNK_SIZE, MAX_BUFFERED_SIZE, plan.part_size]
    else:
        boundaries = [plan.layout.entry_order, [[part.size, part.copied] for part in plan.parts]]
    return _sha256([content_hash, plan.manifest.created_at.isoformat(), crcs, *boundaries])


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()
