"""What an upload is beyond a job: one file that is sent in parts, and what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.engine.jobs import Job
from jobs.files.visibility import Visibility

MIB = 1 << 20
MIN_PART_SIZE = 8 * MIB
"""Bytes of all parts but the last. A file of this size or less is one part, which is one PUT."""
STREAMED_PART_SIZE = 5 * MIB
"""Bytes of the parts of a file that is streamed: the least that a store accepts, as each is in memory until it is sent."""
MAX_PARTS = 10_000
"""Most parts of a multipart upload (Amazon S3 User Guide, "Multipart upload limits")."""
MAX_UPLOADS = 1_000
"""Most files that one request creates uploads of."""
MAX_SIGNED = 100
"""Most parts that one request signs URLs for."""
OCTETS = "application/octet-stream"
"""The media type of an object of which nothing is known."""
RAW_PREFIX = "raw/"
"""The prefix of the objects of uploads."""
MAX_STREAMED_SIZE = MAX_PARTS * STREAMED_PART_SIZE
"""Bytes of the largest file that can be streamed."""
_TAIL_NAME = re.compile("[0-9]+-[0-9a-f]{32}")


def part_size_of(size: int) -> int:
    """The size of the parts of a file of `size` bytes: whole MiB, at least 8, so that there are 10,000 parts at most."""
    least = -(-size // MAX_PARTS)
    return max(MIN_PART_SIZE, -(-least // MIB) * MIB)


def raw_key(job_id: UUID) -> str:
    """The key of the object of an upload. It contains no text from the client."""
    return f"{RAW_PREFIX}{job_id}/original"


def tail_prefix(job_id: UUID) -> str:
    """The prefix of the keys of a streamed upload's tail."""
    return f"{RAW_PREFIX}{job_id}/tail/"


def tail_key(job_id: UUID, start: int, unique: UUID) -> str:
    """The key of a piece of the tail. No two pieces have the same one, so that a stale request replaces nothing."""
    return f"{tail_prefix(job_id)}{start}-{unique.hex}"


def job_id_of_raw_key(key: str) -> UUID | None:
    """The job whose object, or a piece of whose tail, has this key; None for any other key."""
    try:
        job_id = UUID(key.removeprefix(RAW_PREFIX).partition("/")[0])
    except ValueError:
        return None
    return job_id if key == raw_key(job_id) or _TAIL_NAME.fullmatch(key.removeprefix(tail_prefix(job_id))) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """A validated request for an upload. Size in bytes."""

    name: str
    """Made safe (`jobs.files.names`)."""
    size: int | None
    """None if it is known only when all bytes have arrived, which is possible for a streamed one."""
    content_type: str | None = None
    """What the client says it is."""
    modified_at: datetime | None = None
    visibility: Visibility = Visibility.PRIVATE
    groups: tuple[str, ...] = ()
    streamed: bool = False
    """Whether the client sends it to the intake; otherwise it sends the parts to the store."""
    tus_metadata: str | None = None
    """The header `Upload-Metadata` of tus, as the client sent it."""
    wishes: Mapping[str, Any] | None = field(default_factory=dict)
    """What is to be made of it (`jobs.processing`), where that differs from the defaults; None for nothing."""

    @property
    def part_size(self) -> int:
        return STREAMED_PART_SIZE if self.streamed else part_size_of(self.size or 0)


@dataclass(frozen=True, slots=True)
class TailPiece:
    """Bytes that have arrived of a part that is not complete: an object of their own until the part is sent."""

    start: int
    """Its first byte in the file."""
    size: int
    crc32: int
    key: str
    etag: str | None = None
    """Of its object, once that is written, unless an earlier release has."""

    @property
    def stop(self) -> int:
        return self.start + self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part whose URL was signed. `sent`: the client says that the store has it."""

    number: int
    """From 1."""
    crc32: int
    sent: bool
    etag: str | None
    """In the multipart upload, of a file that is streamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Job):
    """A job of kind `upload`. Sizes in bytes."""

    name: str
    size: int
    """While it is not known, what has arrived."""
    size_known: bool
    content_type: str | None
    modified_at: datetime | None
    visibility: Visibility
    groups: tuple[str, ...]
    part_size: int
    streamed: bool
    """Whether the client sends it to the intake; otherwise it sends the parts to the store."""
    tus_metadata: str | None
    """The header `Upload-Metadata` of tus, as the client sent it."""
    key: str
    upload_id: str | None
    """The multipart upload of its parts, from the first request for URLs; none for a single part."""
    writer: UUID | None
    """The last request that has appended bytes, or does, to one that is streamed."""
    detected_type: str | None
    crc32: int | None
    sha256: str | None
    """Known if the file was read, as for a virus scan."""
    file_id: int | None
    """Its file of the catalogue, once it is completed."""
    removed: bool
    """Its bytes were removed, since it was cancelled or failed long ago: no attempt can succeed."""
    infected_at: datetime | None = None
    """When the virus scanner found something in it: its bytes are in quarantine, and no attempt can succeed."""
    finding: str | None = None
    """The signature that was found. It is for operators and admins, not for the uploader."""
    wishes: Mapping[str, Any] | None = field(default_factory=dict)
    """What is to be made of it, where that differs from the defaults; None for nothing."""

    @property
    def title(self) -> str:
        """What people see it called."""
        return self.name.rpartition("/")[2]

    @property
    def part_count(self) -> int:
        return max(1, -(-self.size // self.part_size))

    @property
    def is_single(self) -> bool:
        """Whether its only part is sent as the whole object, by one PUT."""
        return self.part_count == 1

    def size_of(self, number: int) -> int:
        """The size of a part."""
        return min(self.part_size, self.size - (number - 1) * self.part_size)
