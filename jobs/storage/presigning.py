"""Presigned links, by which a browser downloads from the store directly. Signing needs no request to the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

from jobs.storage.clients import MinioClient
from jobs.storage.content_disposition import content_disposition

MAX_LIFETIME = 7 * 24 * 3600.0
"""Seconds; the longest validity of a signature (Signature Version 4, `X-Amz-Expires`)."""


def _now() -> datetime:
    return datetime.now(UTC)


class Presigner:
    """Signs links to the address at which browsers reach the store."""

    def __init__(self, bucket: str, client: MinioClient, now: Callable[[], datetime] = _now) -> None:
        """`now` returns the current time in UTC."""
        self._bucket = bucket
        self._client = client
        self._now = now

    def presign(
        self,
        key: str,
        method: Literal["GET", "HEAD"],
        filename: str,
        content_type: str,
        lifetime: float,
        *,
        inline: bool = False,
    ) -> str:
        """Return a link to one key for one method, valid for `lifetime` seconds: whole ones, at least 1, at most 7 days.

        The browser saves the object as `filename` (RFC 6266), or shows it if `inline`. Name and type are signed, so that
        they cannot be changed.
        """
        return self._client.client.get_presigned_url(
            method,
            self._bucket,
            key,
            expires=timedelta(seconds=int(min(max(lifetime, 1.0), MAX_LIFETIME))),
            response_headers={
                "response-content-disposition": content_disposition(filename, inline=inline),
                "response-content-type": content_type,
            },
            request_date=self._now(),
        )
