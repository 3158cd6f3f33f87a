"""What tests of the API share: a running gateway, jobs in every state, settings with a dependency away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import text

from jobs.bundles.commands import with_result
from jobs.bundles.downloads import Result, ResultKind
from jobs.engine.events import Event
from jobs.engine.jobs import Failure, Job
from jobs.errors import ErrorClass
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, dead


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A running gateway without a worker, a client of it, and the services it works with."""

    api: httpx.AsyncClient
    services: Services
    catalogue: Catalogue

    @property
    def settings(self) -> Settings:
        return self.services.settings

    async def rows(self) -> tuple[int, int, int]:
        """How many jobs, files and events are written."""
        async with self.services.database.reading() as connection:
            counts = await connection.execute(
                text(
                    "SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM file_records),"
                    " (SELECT count(*) FROM job_events)"
                )
            )
            return tuple(counts.one())

    async def publish(self, event: Event) -> None:
        """Publishes, and returns when Redis has it."""
        await self.services.feed.publish(event)
        await self.services.feed.flush()

    async def processing(self, *file_ids: int, **wishes: Any) -> Job:
        """A job that a worker holds."""
        job = await create(self.services, *file_ids or [10_000], **wishes)
        claimed = await self.services.lifecycle.claim(job.id, job.fence, "worker-1")
        assert claimed is not None
        await self.services.lifecycle.close()  # its own message has been sent: it can't come after those of a test
        return claimed.job

    async def dead(self, error_class: ErrorClass = ErrorClass.NETWORK, **wishes: Any) -> Job:
        """A job that has failed in all its attempts, the last time of this."""
        return await dead(self.services, error_class, **wishes)

    async def completed(
        self, data: bytes = b"bundle", *, lifetime: float | None = None, of: Job | None = None, **changes: Any
    ) -> Job:
        """A job whose bundle is in the store, and can be fetched for `lifetime` seconds; `of`: one that is held."""
        job = await self.processing() if of is None else of
        info = await self.services.storage.objects.put(f"bundles/{job.id}/2.zip", data, "application/zip")
        values: dict[str, Any] = {
            "kind": ResultKind.BUNDLE,
            "key": info.key,
            "size": len(data),
            "etag": info.etag,
            "crc32": 0xABC,
            "sha256": None,
            "filename": "bündle.zip",
            "content_type": "application/zip",
        }
        lifecycle = self.services.lifecycle
        return await lifecycle.succeed(
            job, self.settings.bundle_ttl if lifetime is None else lifetime, with_result(Result(**values | changes))
        )


def link(job: Job, rest: str = "") -> str:
    """The address of a job."""
    return f"/v1/download/job/{job.id}{rest}"


def problem(answer: httpx.Response, status: int, code: str) -> httpx.Response:
    """The answer is a whole problem of this kind (RFC 9457)."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:haulage:problem:{code}"
    assert (body["status"], body["error"]) == (status, code)
    assert body["message"] == body["detail"]
    assert body["title"]
    assert body["requestId"] == answer.headers["x-request-id"]
    return answer


async def in_state(shared: Shared, state: str, **wishes: Any) -> Job:
    """A job in this state, created with these wishes."""
    lifecycle = shared.services.lifecycle
    match state:
        case "queued":
            return await create(shared.services, 10_000, **wishes)
        case "processing":
            return await shared.processing(**wishes)
        case "retrying" | "failed":
            error_class = ErrorClass.NETWORK if state == "retrying" else ErrorClass.VALIDATION
            return await lifecycle.fail(
                await shared.processing(**wishes), Failure(error_class=error_class, message="why")
            )
        case "completed":
            return await shared.completed(of=await shared.processing(**wishes))
        case "cancelled":
            return await lifecycle.cancel((await create(shared.services, 10_000, **wishes)).id)
        case _:
            return await lifecycle.expire((await shared.completed(of=await shared.processing(**wishes))).id)
