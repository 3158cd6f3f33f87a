"""Presigned links to results: which jobs have one, and how long it is valid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from jobs.bundles.downloads import Download, Result, ResultKind
from jobs.engine.jobs import Status
from jobs.errors import NotReady, ObjectMissing, ResultExpired, ResultGone, SourceChanged
from jobs.settings import Settings
from jobs.storage import Storage

LinkMethod = Literal["GET", "HEAD"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresignedLink:
    """A link to a result. Both times are UTC; `expires_at` is that of the link."""

    url: str
    expires_at: datetime
    bundle_expires_at: datetime
    result: Result


class ResultLinks:
    """Creates links. Checks each time that the store still has the result that the job made."""

    def __init__(
        self, storage: Storage, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._storage = storage
        self._link_ttl = settings.link_ttl
        self._now = now

    async def link(self, job: Download, method: LinkMethod = "GET") -> PresignedLink:
        """A new link for one method, valid for `LINK_TTL` seconds or as long as the bundle, whichever is less.

        Raises `NotReady`, `ResultExpired`, `ResultGone`, `SourceChanged`, and the errors of the store.
        """
        if job.status is Status.EXPIRED:
            raise ResultExpired(_expired(job))
        if job.status is not Status.COMPLETED or job.result is None or job.expires_at is None:
            raise NotReady(f"Job {job.id} is {job.status}. It has a link once it is completed.")
        result, until = job.result, job.expires_at
        if until <= self._now():
            raise ResultExpired(_expired(job))
        await self._check_result(job, result)
        now = self._now()  # checking the store takes time
        lifetime = int(min(self._link_ttl, (until - now).total_seconds()))
        if lifetime < 1:
            raise ResultExpired(_expired(job))
        url = self._storage.presigner.presign(result.key, method, result.filename, result.content_type, lifetime)
        expires_at = now.replace(microsecond=0) + timedelta(seconds=lifetime)  # signatures have whole seconds
        return PresignedLink(url=url, expires_at=expires_at, bundle_expires_at=until, result=result)

    async def _check_result(self, job: Download, result: Result) -> None:
        try:
            info = await self._storage.objects.head(result.key)
        except ObjectMissing as error:
            raise ResultGone(f"The result of job {job.id} is no longer in the store.") from error
        if result.kind is ResultKind.OBJECT and info.etag != result.etag:
            raise SourceChanged(f"{result.filename} has changed since job {job.id} was completed. Start a new job.")


def _expired(job: Download) -> str:
    return f"The result of job {job.id} has expired. POST to its retry link to build it again."
