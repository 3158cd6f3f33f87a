"""A bundle on its way into the store: its multipart upload, and the parts of it that are there.

An upload outlives the attempt that began it: the next one, or that of a person's retry, makes only what is missing, as
long as it has the same plan. What is known of the parts is in PostgreSQL, so nothing is asked of the store to go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A multipart upload that a job's attempts share."""

    key: str
    id: str
    fingerprint: str
    """Of the plan and its pinned sources (`jobs.packing.bundles.fingerprint`): with another one nothing can be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DonePart:
    """A part that the store has."""

    number: int
    etag: str
    crcs: Mapping[int, int]
    """CRC-32 of ranges of sources in it, by their place among its pieces. One that is a whole file whose CRC-32 is
    promised is left out: it was checked."""
