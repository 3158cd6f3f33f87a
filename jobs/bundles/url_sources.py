"""A file that is a URL: what was requested, and what the store has of it. All values are frozen. Sizes are bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit

from jobs.bundles.downloads import SourceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """What a host said of the file when its fetching began: later responses must be about the same one."""

    size: int | None
    """None if it is known only at the end."""
    validator: str | None
    """A strong ETag, or the date of `Last-Modified`, for `If-Range`; None: a fetch that broke off starts again."""
    modified: datetime | None
    """When it was last changed, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePart:
    """A part of the file that is in the store."""

    number: int
    etag: str
    size: int
    crc32: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialObject:
    """The multipart upload into which a file is being fetched. It outlives the attempt that began it."""

    key: str
    upload_id: str
    representation: Representation
    parts: tuple[SourcePart, ...] = ()
    """Those that the store has, by number, without a gap."""

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    def with_part(self, part: SourcePart) -> Self:
        return replace(self, parts=(*self.parts, part))


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedObject:
    """The object that has all of a file."""

    key: str
    size: int
    etag: str
    crc32: int
    sha256: str | None
    """None if the file was read over several attempts, and nobody said which it should have."""
    modified: datetime
    """When the file was last changed as its host says, else when it was fetched. UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlSource:
    """A URL of a download, at its place in the request, with at most one of `partial` and `fetched`."""

    index: int
    request: SourceRequest
    restarts: int = 0
    """How often it was started again because it had changed while it was fetched."""
    partial: PartialObject | None = None
    fetched: FetchedObject | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.request.url).hostname or ""

    def forgotten(self, *, restarts: int = 0) -> Self:
        """The source without what the store has of it. `restarts`: how many more there were."""
        return replace(self, restarts=self.restarts + restarts, partial=None, fetched=None)


def fingerprint(source: UrlSource, representation: Representation) -> str:
    """SHA-256, in hex, of what decides the bytes of the object: it tells an object of this fetch from others."""
    values = [source.request.url, source.restarts, representation.size, representation.validator]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def shown_url(url: str) -> str:
    """The URL as others than its owner may see it: without its query, which may have secrets."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
