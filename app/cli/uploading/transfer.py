"""One upload that is being sent: which of its parts need a URL, can be sent, or are being sent."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from uuid import UUID

from app.cli.local_files import LocalFile
from app.schemas import NewUploadItem, SignedPartItem
from jobs.errors import HaulageError


@dataclass(eq=False)
class Transfer:
    """The lock of its `Uploader` guards it."""

    file: LocalFile
    job_id: UUID
    part_size: int
    unsigned: deque[int]
    """Parts that need a URL, by number."""
    signed: deque[SignedPartItem] = field(default_factory=deque)
    """Parts that can be sent."""
    sending: int = 0
    """How many parts are being sent."""
    unreported: list[int] = field(default_factory=list)
    """Parts that the store has accepted, and the server does not know of."""
    failures: Counter[int] = field(default_factory=Counter)
    """How often each part was not sent."""
    is_locked: bool = False
    """Whether a thread has URLs signed, or compares the upload with its file."""
    is_known: bool = True
    """False for an upload of an earlier command, until it was compared with its file."""
    is_own: bool = True
    """Whether this command began it, now or when it was run before. Others may still be sent by another device."""
    bytes_done: int = 0
    """Bytes of parts that the store has."""

    @classmethod
    def of(cls, file: LocalFile, item: NewUploadItem, *, is_known: bool = True, is_own: bool = True) -> Transfer:
        """Return the transfer of an upload of which nothing was sent, or nothing is known."""
        numbers = deque(range(1, item.upload.parts + 1))
        return cls(file, item.job_id, item.upload.part_size, numbers, is_known=is_known, is_own=is_own)

    @property
    def is_sent(self) -> bool:
        """Whether nothing is left to send."""
        return not (self.unsigned or self.signed or self.sending or self.is_locked)

    def span(self, number: int) -> tuple[int, int]:
        """Return where a part starts in the file, and its size."""
        start = (number - 1) * self.part_size
        return start, min(self.part_size, self.file.size - start)


@dataclass(frozen=True)
class Sent:
    """What has become of a file: `error` says why it was not sent."""

    file: LocalFile
    job_id: UUID | None
    error: HaulageError | None = None
