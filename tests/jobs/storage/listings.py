"""Listings that a store answers with."""

from __future__ import annotations

from collections.abc import Iterable

from jobs.storage import ObjectInfo


def listing(infos: Iterable[ObjectInfo], etag: str = "", size: int = 0) -> bytes:
    """Return a page that differs from the responses to HEAD."""
    entries = "".join(
        f"<Contents><Key>{info.key}</Key><Size>{info.size + size}</Size><ETag>{etag or info.etag}</ETag>"
        f"<LastModified>{info.last_modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
        for info in infos
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()
