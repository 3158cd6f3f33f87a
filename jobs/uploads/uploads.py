"""What an upload is beyond a job: one file that is sent in parts, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jobs.engine.jobs import Job
from jobs.files.visibility import Visibility

MIB = 1 << 20
MIN_PART_SIZE = 8 * MIB
"""Bytes of all parts but the last. A file of this size or less is one part, which is one PUT."""
MAX_PARTS = 10_000
"""Most parts of a multipart upload (Amazon S3 User Guide, "Multipart upload limits")."""
MAX_UPLOADS = 1_000
"""Most files that one request creates uploads of."""
MAX_SIGNED = 100
"""Most parts that one request signs URLs for."""
RAW_PREFIX = "raw/"
"""The prefix of the objects of uploads."""


def part_size_of(size: int) -> int:
    """The size of the parts of a file of `size` bytes: whole MiB, at least 8, so that there are 10,000 parts at most."""
    least = -(-size // MAX_PARTS)
    return max(MIN_PART_SIZE, -(-least // MIB) * MIB)


def raw_key(job_id: UUID) -> str:
    """The key of the object of an upload. It holds no text of the client's."""
    return f"{RAW_PREFIX}{job_id}/original"


def job_id_of_raw_key(key: str) -> UUID | None:
    """The job whose object has this key; None for any other key."""
    try:
        job_id = UUID(key.removeprefix(RAW_PREFIX).partition("/")[0])
    except ValueError:
        return None
    return job_id if key == raw_key(job_id) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """A validated request for an upload. Size in bytes."""

    name: str
    """Made safe (`jobs.files.names`)."""
    size: int
    content_type: str | None = None
    """What the client says it is."""
    modified_at: datetime | None = None
    visibility: Visibility = Visibility.PRIVATE
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part whose URL was signed. `sent`: the client says that the store has it."""

    number: int
    """From 1."""
    crc32: int
    sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Job):
    """A job of kind `upload`. Sizes in bytes."""

    name: str
    size: int
    content_type: str | None
    modified_at: datetime | None
    visibility: Visibility
    groups: tuple[str, ...]
    part_size: int
    key: str
    upload_id: str | None
    """The multipart upload of its parts, from the first request for URLs; none for a single part."""
    detected_type: str | None
    crc32: int | None
    sha256: str | None
    """Known if the file was read, as for a virus scan."""
    file_id: int | None
    """Its file of the catalogue, once it is completed."""
    removed: bool
    """Its bytes were removed, since it was cancelled or failed long ago: no attempt can succeed."""

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
