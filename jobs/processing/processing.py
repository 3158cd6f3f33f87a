"""What a processing job is beyond a job: the file that it makes others of, and what those are called."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.engine.jobs import Failure, Job, Status
from jobs.files.catalogue import StoredFile
from jobs.files.names import add_to_stem, safe_name
from jobs.kinds import Kind
from jobs.processing.recipes import Output, Probe, Wishes, decoder_of

PROCESSED_PREFIX = "processed/"
"""The prefix of every object that an attempt at a processing job writes. Such jobs never delete anything outside it."""
KINDS = (Kind.IMAGE, Kind.PDF, Kind.VIDEO)
"""The kinds of processing jobs."""
PLAN_VERSIONS = {Kind.IMAGE: 1, Kind.PDF: 2, Kind.VIDEO: 1}
"""Part of every fingerprint: a release whose outputs differ from those of earlier ones increments that of their kind."""

_OUTPUT_NAME = re.compile(r"[a-z0-9-]+-([0-9]+)\.[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing(Job):
    """A job of kind `image`, `pdf` or `video`."""

    parent_id: int
    """The file of the catalogue of which it makes others."""
    name: str
    """Of that file."""
    type: str
    """The media type of that file, which decides what is made of it."""
    wishes: Wishes
    probe: Probe | None
    """What an attempt has found in the header of the file."""

    @property
    def title(self) -> str:
        """What people see it called."""
        return self.name.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivative:
    """A file of the catalogue that was made of another one, and the output of the recipe that it is."""

    file: StoredFile
    output: str
    page: int | None
    """Of a PDF, from 1."""
    width: int | None
    """Pixels."""
    height: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The processing of a file. `error`: why the job failed, or else why the first of its outputs did."""

    job_id: UUID
    kind: Kind
    status: Status
    created_at: datetime
    error: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which originals are processed again."""

    types: Sequence[str]
    """Media types, as `image/png` or `image/*`; none: all that can be processed."""
    missing: bool
    """Only those of which nothing was made."""
    since: datetime | None
    """Only those that were added since this time, UTC."""


def kind_of(content_type: str | None) -> Kind | None:
    """The kind of the job that processes files of this type; None if nothing is made of them."""
    decoder = decoder_of(plain_type(content_type or ""))
    return None if decoder is None else Kind(decoder)


def plain_type(content_type: str) -> str:
    """The media type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def job_prefix(job_id: UUID) -> str:
    """The prefix of the objects that a job's attempts write."""
    return f"{PROCESSED_PREFIX}{job_id}/"


def output_key(job_id: UUID, output: Output, fence: int) -> str:
    """The key of an output. No two attempts share one, so a stale attempt cannot overwrite its successor's object."""
    return f"{job_prefix(job_id)}{output.name}-{fence}{output.suffix}"


def origin_of_key(key: str) -> tuple[UUID, int] | None:
    """The job that wrote an output's key, and its fence then; None for any other key."""
    try:
        job_id = UUID(key.removeprefix(PROCESSED_PREFIX).partition("/")[0])
    except ValueError:
        return None
    found = _OUTPUT_NAME.fullmatch(key.removeprefix(job_prefix(job_id)))
    return None if found is None else (job_id, int(found[1]))


def output_file_name(source: str, output: Output) -> str:
    """The name of an output in the catalogue: `sea/holiday.jpg` → `sea/holiday-thumbnail.webp`."""
    folder, slash, last = source.rpartition("/")
    stem = last.rpartition(".")[0] or last
    return safe_name(folder + slash + add_to_stem(f"{stem}{output.suffix}", f"-{output.name}"))


def fingerprint(source: StoredFile, wishes: Wishes) -> str:
    """Equal for jobs whose outputs would be equal: the same content, by SHA-256 or else by object, and the same wishes."""
    content = [source.sha256, source.size] if source.sha256 is not None else [source.key, source.etag]
    asked: Mapping[str, Any] = {name: value for name, value in wishes.as_json().items() if name != "onError"}
    version = PLAN_VERSIONS.get(kind_of(source.content_type) or Kind.IMAGE)
    text = json.dumps([version, source.content_type, asked, content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
