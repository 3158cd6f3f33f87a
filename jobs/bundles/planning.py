"""What a job's bundle is called, where it goes, and its plan: the same for preflight and worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from jobs.bundles.downloads import Compression, Download
from jobs.bundles.format.deflated_plan import CHUNK, WHOLE, DeflatePlan, plan_deflated
from jobs.bundles.format.manifests import Manifest, Omitted
from jobs.bundles.format.stored_plan import BundlePlan, Entry, plan_bundle
from jobs.bundles.packing.compression import LEVEL
from jobs.bundles.packing.deflater import largest_part
from jobs.bundles.resolver import Missing, Source
from jobs.settings import Settings

ZIP = "application/zip"

LAYOUT = 4
"""The version of the planner: +1 whenever the same files get another plan, so that none is gone on with."""


def archive_name(job: Download) -> str:
    """The name that the browser saves the bundle under."""
    return job.archive_name or f"download-{str(job.id)[:8]}.zip"


def plan_of(
    created_at: datetime,
    sources: Sequence[Source],
    missing: Sequence[Missing],
    settings: Settings,
    *,
    copies: bool = False,
) -> BundlePlan:
    """The plan of a job's bundle; its size does not depend on the time or `copies`. Raises `BundleTooLarge`."""
    return plan_bundle(
        _entries(created_at, sources),
        _manifest(created_at, sources, missing),
        settings.part_size,
        settings.worker_memory_budget,
        copies=copies,
    )


def deflated_plan_of(
    created_at: datetime, sources: Sequence[Source], missing: Sequence[Missing], settings: Settings
) -> DeflatePlan:
    """The plan of a job's bundle whose files are compressed. Raises `BundleTooLarge`."""
    largest = largest_part(settings.worker_memory_budget)
    return plan_deflated(
        _entries(created_at, sources),
        _manifest(created_at, sources, missing),
        min(settings.part_size, largest),
        largest,
    )


def _entries(created_at: datetime, sources: Sequence[Source]) -> list[Entry]:
    return [Entry(s.name, s.size, s.crc32, s.sha256, created_at, s.certain) for s in sources]


def _manifest(created_at: datetime, sources: Sequence[Source], missing: Sequence[Missing]) -> Manifest:
    return Manifest(
        created_at=created_at,
        file_ids=tuple(s.file_id for s in sources),
        omitted=tuple(Omitted(m.file_id, m.name, m.reason) for m in missing),
    )


def content(sources: Sequence[Source], missing: Sequence[Missing], compression: Compression = Compression.STORE) -> str:
    """SHA-256, in hex, of all that decides what is in a bundle, pinned ETags included.

    Bundles of the same content can stand for each other: only the times in them differ. A CRC-32 follows from the object,
    whoever has learnt it by now; a SHA-256 is a promise that the bundle must keep.
    """
    return _sha256(
        {
            "layout": LAYOUT,
            "options": {"compression": compression},  # all that a request may say of how its bundle is made
            "files": [[s.file_id, s.name, s.key, s.size, s.etag, s.sha256] for s in sources],
            "omitted": [[m.file_id, m.name, m.reason] for m in missing],
        }
    )


def fingerprint(plan: BundlePlan | DeflatePlan, content: str) -> str:
    """SHA-256, in hex, of all that decides the bytes of a bundle with this content, and of each of its parts."""
    crcs = [entry.crc32 for entry in plan.entries]
    return _sha256([content, plan.manifest.created_at.isoformat(), crcs, *_layout(plan)])


def _layout(plan: BundlePlan | DeflatePlan) -> list[object]:
    if isinstance(plan, DeflatePlan):
        return [LEVEL, CHUNK, WHOLE, plan.part_size]
    return [plan.layout.order, [[part.size, part.copied] for part in plan.parts]]


def _sha256(said: object) -> str:
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
