"""What a download is beyond a job: what was requested, and what it results in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from jobs.access.audit import Action
from jobs.access.grants import GrantUse
from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.egress.guard import parse_url
from jobs.engine.jobs import FileRequest, Job
from jobs.engine.sql.admissions import Admission
from jobs.files.names import safe_name
from jobs.files.visibility import FileReader
from jobs.owners import ANONYMOUS

MAX_FILES = 1_000
"""Most files of one download."""
MAX_NAME = 1_024
"""Longest file or archive name that a request may carry, in characters."""


class OnMissing(StrEnum):
    """What happens to a download some of whose files are missing."""

    FAIL = "fail"
    SKIP = "skip"

    def fails(self, *, missing: int, available: int) -> bool:
        """Returns True if the download fails. It always does if no file is available."""
        return missing > 0 and (self is OnMissing.FAIL or available == 0)


class Compression(StrEnum):
    """How a bundle packs its files. A result that is not a bundle is the source object, unchanged."""

    STORE = "store"
    DEFLATE = "deflate"


class ResultKind(StrEnum):
    BUNDLE = "bundle"
    """An archive under `bundles/`, created and removed by Haulage."""
    OBJECT = "object"
    """The source object itself: one file was requested, without an archive name."""

    @classmethod
    def of(cls, files: int, archive_name: str | None) -> Self:
        """The result of a download of this number of files."""
        return cls("object" if files == 1 and archive_name is None else "bundle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A file that a completed download left out."""

    file_id: int
    """`UNKNOWN_FILE`: it is a URL."""
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a completed download offers. Sizes in bytes."""

    kind: ResultKind
    key: str
    size: int
    etag: str
    crc32: int | None
    sha256: str | None
    filename: str
    content_type: str
    omitted: tuple[Omission, ...] = ()
    is_public: bool = False
    """Every user may read all of its files: then users share equal bundles, else only those of one owner do."""
    content_hash: str | None = None
    """The content hash of a bundle (`jobs.bundles.planning.hash_content`). Downloads with equal content share it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRequest:
    """The URL of a file that is not in the catalogue. Its query may have secrets: it is shown to nobody and not logged."""

    url: str = field(repr=False)
    """Without a fragment."""
    sha256: str | None = None
    """Which the file must have: 64 hexadecimal digits in lower case."""


def check_source_url(text: str) -> str:
    """The URL as it is requested, which all parsers read alike, without its fragment.

    Raises `InvalidUrl` for one to which no request can be sent.
    """
    url = str(parse_url(text))
    parse_url(url)  # it may be too long once its characters are percent-encoded
    return url


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDownload:
    """A validated request for a download."""

    files: Sequence[FileRequest]
    sources: Mapping[int, SourceRequest] = field(default_factory=dict)
    """Which of the files are URLs, by their index. Their `file_id` is `UNKNOWN_FILE`, and they have names."""
    archive_name: str | None = None
    on_missing: OnMissing = OnMissing.FAIL
    compression: Compression = Compression.STORE
    owner: str = ANONYMOUS
    reader: FileReader | None = None
    """As whom its files are read, whenever an attempt reads them; None: as one who may read every file."""
    grant: GrantUse | None = None
    """The grant that it is created with, which is counted."""
    admission: Admission | None = None
    """What its owner may start; None: anything."""
    audit: Action | None = None
    """The entry of the audit log for its creation, without its subject: the job. None: there is none."""
    traceparent: str | None = None
    """The trace that its request has brought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download(Job):
    """A job of kind `download`."""

    archive_name: str | None
    name: str
    """The archive name, or else the name of the first file: as requested, in the catalogue, or its object key."""
    on_missing: OnMissing
    compression: Compression
    reader: FileReader | None = None
    """As whom its files are read; None: as one who may read every file."""
    result: Result | None = None
    """Of a completed or expired download, else None."""
    upload: MultipartUpload | None = None
    """The multipart upload that the current or the next attempt continues."""

    @property
    def title(self) -> str:
        """What people see it called, in lists, on the page and in notifications: `Read me first.txt and 2 more`."""
        if self.archive_name is not None:
            return self.archive_name
        first, others = safe_name(self.name).rpartition("/")[2], self.progress.files_total - 1
        return f"{first} and {others:,} more" if others > 0 else first

    @property
    def result_kind(self) -> ResultKind:
        return ResultKind.of(self.progress.files_total, self.archive_name)
