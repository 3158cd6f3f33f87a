"""The times of unpacked files: right wherever the bundle is unpacked, as far as the reader's format can say them."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.bundles.format.bundle_parts import SourceRange
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import plan_stored
from jobs.bundles.format.zip_records import Entry
from tests.jobs.bundles.packing import readers
from tests.jobs.bundles.packing.shelves import MIB, NOW

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SUMMER = datetime(2026, 7, 1, 12, 34, 57, tzinfo=UTC)
WINTER = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
OLD = datetime(1950, 7, 1, 12, tzinfo=UTC)
LATE = datetime(2050, 7, 1, 12, tzinfo=UTC)
LAST = datetime.fromtimestamp(0xFFFFFFFF, UTC)
BEYOND = datetime(2120, 7, 1, 12, tzinfo=UTC)
MOMENTS = [SUMMER, WINTER, EPOCH, datetime(1979, 12, 31, 23, tzinfo=UTC), OLD, LATE, LAST, BEYOND]
NEAREST = {"unzip": {OLD: EPOCH, BEYOND: LAST}}
"""What readers without the field of NTFS make of times that have no 32 bits."""


@pytest.mark.servers
@pytest.mark.parametrize("reader", ["unzip", "7-Zip", "Java"])
def test_files_have_their_times_far_from_utc(tmp_path: Path, reader: str) -> None:
    readers.require(reader)
    entries = [Entry(f"{number}", 1, zlib.crc32(b"x"), None, moment) for number, moment in enumerate(MOMENTS)]
    plan = plan_stored(entries, Manifest(NOW, tuple(range(len(entries)))), 8 * MIB)
    crcs = plan.known_crcs()
    pieces = [piece for part in plan.parts for piece in part.pieces]
    bundle = b"".join(b"x" if isinstance(piece, SourceRange) else plan.render(piece, crcs) for piece in pieces)
    (tmp_path / "a.zip").write_bytes(bundle)
    found = readers.times(reader, tmp_path / "a.zip", tmp_path / "out")
    expected = [NEAREST.get(reader, {}).get(moment, moment) for moment in MOMENTS]
    assert [datetime.fromtimestamp(found[entry.name], UTC) for entry in entries] == expected
    assert datetime.fromtimestamp(found["manifest.json"], UTC) == NOW
