"""Presigned links: what a browser fetches from the store directly. Making one asks nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

from jobs.files.names import content_disposition
from jobs.storage.clients import MinioClient

MAX_LIFETIME = 7 * 24 * 3600.0
"""Seconds; no store signs for longer (Signature Version 4, `X-Amz-Expires`)."""


def _now() -> datetime:
    return datetime.now(UTC)


class Links:
    """Signs for the address at which browsers reach the store."""

    def __init__(self, bucket: str, signer: MinioClient, now: Callable[[], datetime] = _now) -> None:
        """`now` tells the time in UTC."""
        self._bucket = bucket
        self._signer = signer
        self._now = now

    def presign(
        self, key: str, method: Literal["GET", "HEAD"], filename: str, content_type: str, lifetime: float
    ) -> str:
        """A link to one key with one method, good for `lifetime` seconds: whole ones, at least 1, at most 7 days.

        The browser saves it as `filename` (RFC 6266); both that and the type are signed, so nobody can change them.
        """
        return self._signer.client.get_presigned_url(
            method,
            self._bucket,
            key,
            expires=timedelta(seconds=int(min(max(lifetime, 1.0), MAX_LIFETIME))),
            response_headers={
                "response-content-disposition": content_disposition(filename),
                "response-content-type": content_type,
            },
            request_date=self._now(),
        )
