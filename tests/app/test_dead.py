"""Dead jobs: listed, told what became of them, retried, dropped; a dropped one is nowhere to be seen."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.bundles.sql.downloads import set_upload
from jobs.engine.jobs import Failure, Job
from jobs.engine.worker.sweeper import Sweeper
from jobs.errors import ErrorClass
from jobs.kinds import Kind
from jobs.services import Services, open_services
from jobs.settings import Settings
from jobs.work import works_of
from tests.app.shared import Shared, link
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import clean_now, create, dead, until_dead
from tests.helpers.running import serving
from tests.helpers.settings import UNAVAILABLE, with_changes
from tests.helpers.uploads import completed
from tests.jobs.processing.attempts import uploaded

DEAD = "/v1/download/dead"


async def listed(api: httpx.AsyncClient, path: str = DEAD) -> list[str]:
    """The ids of all pages, by their `Link` headers."""
    ids: list[str] = []
    following: str | None = path
    while following:
        answer = await api.get(following)
        assert answer.status_code == 200, answer.text
        ids += [job["jobId"] for job in answer.json()["jobs"]]
        following = answer.links["next"]["url"] if "next" in answer.links else None
        assert (answer.json()["nextCursor"] is None) == (following is None)
    return ids


async def count(services: Services) -> int:
    async with services.database.reading() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM jobs"))).scalar_one())


async def test_dead_jobs_are_listed_by_pages_the_last_first(api: httpx.AsyncClient, services: Services) -> None:
    assert (await api.get(DEAD)).json() == {"jobs": [], "nextCursor": None}
    jobs = [await dead(services, error_class) for error_class in ErrorClass if error_class.retryable]
    await dead(services, ErrorClass.VALIDATION)
    await create(services, 10_000)
    await services.lifecycle.cancel((await create(services, 10_000)).id)
    last_first = [str(job.id) for job in reversed(jobs)]
    for limit in (1, 2, len(jobs), 200):
        assert await listed(api, f"{DEAD}?limit={limit}") == last_first
    answer = await api.get(f"{DEAD}?limit=1")
    assert answer.headers["cache-control"] == "private, no-cache"
    [job] = answer.json()["jobs"]
    assert (job["attempt"], job["maxAttempts"], job["filesTotal"], job["archiveName"]) == (3, 3, 1, "bundle.zip")
    assert job["error"] == {"class": "internal", "message": "attempt 3 went wrong"}
    assert job["links"]["retry"] == link(jobs[-1], "/retry")


async def one_of_each_kind(services: Services) -> dict[str, Job]:
    """Dead jobs of the kinds `download`, `upload` and `image`, the oldest first."""
    found = {
        "download": await dead(services),
        "upload": await until_dead(services, await completed(services, b"text", "notes.txt")),
        "image": await until_dead(services, (await uploaded(services))[1]),
    }
    assert {name: job.kind for name, job in found.items()} == {name: Kind(name) for name in found}
    return found


async def test_dead_jobs_of_all_kinds_are_listed_and_each_kind_alone(
    api: httpx.AsyncClient, services: Services
) -> None:
    kinds = await one_of_each_kind(services)
    last_first = [str(job.id) for job in reversed(kinds.values())]
    for limit in (1, 2, 3, 200):
        assert await listed(api, f"{DEAD}?limit={limit}") == last_first
    for kind, job in kinds.items():
        assert await listed(api, f"{DEAD}?kind={kind}") == [str(job.id)]
    assert await listed(api, f"{DEAD}?kind=image,upload&limit=1") == last_first[:2]
    assert await listed(api, f"{DEAD}?kind=video") == []
    answer = await api.get(f"{DEAD}?kind=bundle")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "kind")
    image, upload, download = (await api.get(DEAD)).json()["jobs"]
    assert [(job["kind"], job["title"], job["archiveName"]) for job in (image, upload, download)] == [
        ("image", "holiday.jpg", None),
        ("upload", "notes.txt", None),
        ("download", "bundle.zip", "bundle.zip"),
    ]
    assert upload["links"]["self"] == f"/v1/upload/job/{upload['jobId']}"
    assert image["links"]["retry"] == link(kinds["image"], "/retry")
    assert "downloadUrl" not in image["links"]


async def test_dead_jobs_of_all_kinds_are_retried_and_deleted(api: httpx.AsyncClient, services: Services) -> None:
    kinds = await one_of_each_kind(services)
    for job in kinds.values():
        assert (await api.post(link(job, "/retry"))).status_code == 202
        assert (await api.get(link(job))).json()["status"] == "queued"
        assert (await api.delete(f"{DEAD}/{job.id}")).status_code == 409
    assert await listed(api) == []
    for job in kinds.values():
        queued = await services.snapshots.read(job.id)
        assert queued is not None
        await until_dead(services, queued.job)
        assert (await api.delete(f"{DEAD}/{job.id}")).status_code == 204
        assert (await api.get(link(job))).status_code == 404
    assert await listed(api) == []


async def test_a_retried_job_is_no_longer_dead(api: httpx.AsyncClient, services: Services) -> None:
    left, retried = await dead(services), await dead(services)
    assert (await api.post(link(retried, "/retry"))).status_code == 202
    assert await listed(api) == [str(left.id)]


async def test_a_deleted_job_is_not_found_anywhere(api: httpx.AsyncClient, services: Services) -> None:
    job, other = await dead(services), await dead(services)
    answer = await api.delete(f"{DEAD}/{job.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    for method, path in (
        ("GET", link(job)),
        ("GET", link(job, "?since=0")),
        ("DELETE", link(job)),
        ("POST", link(job, "/retry")),
        ("GET", link(job, "/history")),
        ("DELETE", link(job, "/bundle")),
        ("GET", link(job, "/download-url")),
        ("GET", link(job, "/file")),
        ("GET", f"/v1/download/stream/{job.id}"),
        ("DELETE", f"{DEAD}/{job.id}"),
    ):
        answer = await api.request(method, path)
        assert (answer.status_code, answer.json()["error"]) == (404, "job_not_found"), (method, path)
    assert await listed(api) == [str(other.id)]
    for path in ("/v1/download/jobs", "/v1/download/jobs?status=failed"):
        assert await listed(api, path) == [str(other.id)]
    assert await services.snapshots.marks([job.id]) == {}


async def test_a_deleted_job_leaves_nothing_in_store_and_database(api: httpx.AsyncClient, services: Services) -> None:
    job, other = await dead(services), await dead(services)
    store = services.storage
    await store.objects.put(f"bundles/{job.id}/2.zip", b"x", "application/zip")
    key = f"bundles/{job.id}/4.zip"
    upload = MultipartUpload(key=key, id=await store.multipart.create(key, "application/zip"), fingerprint="f")
    async with services.database.begin() as connection:
        await set_upload(connection, job.id, upload)
        await connection.execute(text("UPDATE jobs SET finished_at = finished_at - interval '1 hour'"))
    assert (await api.delete(f"{DEAD}/{job.id}")).status_code == 204
    await Sweeper(services, works_of(services)).sweep()
    assert await count(services) == 2, "its litter is not removed yet"
    await clean_now(services)
    await Sweeper(services, works_of(services)).sweep()
    assert await count(services) == 1
    assert [info.key async for info in store.objects.list(f"bundles/{job.id}/")] == []
    assert await store.multipart.list_uploads(key) == []
    assert (await api.get(link(other))).status_code == 200


@pytest.mark.parametrize("state", ["queued", "processing", "completed", "cancelled", "validation"])
async def test_only_dead_jobs_can_be_deleted(api: httpx.AsyncClient, services: Services, state: str) -> None:
    shared = Shared(api=api, services=services, catalogue=Catalogue(services))
    job = await in_state(shared, state)
    answer = await api.delete(f"{DEAD}/{job.id}")
    assert (answer.status_code, answer.json()["error"]) == (409, "illegal_transition")
    assert ("not dead" if state == "validation" else state) in answer.json()["message"]
    assert (await api.get(link(job))).json()["seq"] == job.seq


async def in_state(shared: Shared, state: str) -> Job:
    match state:
        case "queued":
            return await create(shared.services, 10_000)
        case "processing":
            return await shared.processing()
        case "completed":
            return await shared.completed()
        case "cancelled":
            return await shared.services.lifecycle.cancel((await create(shared.services, 10_000)).id)
        case _:
            return await shared.dead(ErrorClass.VALIDATION)


async def test_one_of_a_concurrent_retry_and_delete_succeeds(api: httpx.AsyncClient, services: Services) -> None:
    for _ in range(5):
        job = await dead(services)
        retried, dropped = await asyncio.gather(api.post(link(job, "/retry")), api.delete(f"{DEAD}/{job.id}"))
        assert (retried.status_code, dropped.status_code) in {(202, 409), (404, 204)}


async def test_the_idempotency_key_of_a_deleted_job_creates_a_new_one(
    api: httpx.AsyncClient, services: Services
) -> None:
    body, headers = {"file_ids": [10_000]}, {"Idempotency-Key": "k"}
    first = (await api.post("/v1/download/initiate", json=body, headers=headers)).json()["jobId"]
    async with services.database.begin() as connection:
        await connection.execute(
            text("UPDATE jobs SET status = 'failed', error_class = 'network', error_message = 'x', finished_at = now()")
        )
    assert (await api.delete(f"{DEAD}/{first}")).status_code == 204
    again = await api.post("/v1/download/initiate", json=body, headers=headers)
    assert again.status_code == 202
    assert again.json()["jobId"] != first


async def polled(apis: list[httpx.AsyncClient], services: Services) -> Job:
    """A dead job that all these gateways know by heart, since it was polled all its life."""
    shared = Shared(api=apis[0], services=services, catalogue=Catalogue(services))
    job = await shared.processing()
    for _ in range(5):
        assert [(await api.get(link(job))).json()["status"] for api in apis] == ["processing"] * len(apis)
    async with services.database.begin() as connection:
        await connection.execute(text("UPDATE jobs SET attempt = max_attempts"))
    job = await services.lifecycle.fail(job, Failure(error_class=ErrorClass.NETWORK, message="why"))
    async with asyncio.timeout(20):
        for api in apis:
            while (await api.get(link(job))).json()["status"] != "failed":
                pass
    return job


async def until_gone(api: httpx.AsyncClient, job: Job) -> None:
    async with asyncio.timeout(20):
        while (await api.get(link(job))).status_code != 404:
            pass


async def test_a_deleted_job_is_gone_on_all_gateways_that_poll_it(
    api: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.following.reconciler.RECONCILE_INTERVAL", 3_600)
    async with serving(services.settings) as url, httpx.AsyncClient(base_url=url) as other:
        job = await polled([api, other], services)
        assert (await api.delete(f"{DEAD}/{job.id}")).status_code == 204
        assert (await api.get(link(job))).status_code == 404, "whoever dropped it sees at once that it is gone"
        await until_gone(other, job)


async def test_a_deletion_whose_message_is_lost_is_detected(
    api: httpx.AsyncClient, services: Services, settings: Settings
) -> None:
    job = await polled([api], services)
    async with open_services(with_changes(settings, **UNAVAILABLE["redis"])) as deaf:
        await deaf.lifecycle.delete(job.id)
    await until_gone(api, job)


async def test_the_history_lists_every_transition(api: httpx.AsyncClient, services: Services) -> None:
    job = await dead(services)
    answer = await api.get(link(job, "/history"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"
    steps = answer.json()["transitions"]
    assert answer.json()["nextCursor"] is None
    assert [(step["command"], step["from"], step["to"], step["attempt"]) for step in steps] == [
        ("create", None, "queued", 0),
        ("claim", "queued", "processing", 1),
        ("fail", "processing", "retrying", 1),
        ("claim", "retrying", "processing", 2),
        ("fail", "processing", "retrying", 2),
        ("claim", "retrying", "processing", 3),
        ("fail", "processing", "failed", 3),
    ]
    assert [step["error"] and step["error"]["message"] for step in steps[-2:]] == [None, "attempt 3 went wrong"]
    times = [datetime.fromisoformat(step["at"]) for step in steps]
    assert times == sorted(times)
    assert "worker-1" not in answer.text, "the name of a host is nobody's business"


async def test_a_long_history_comes_in_pages(api: httpx.AsyncClient, services: Services) -> None:
    job = await dead(services)
    seqs: list[int] = []
    following: str | None = link(job, "/history?limit=3")
    while following:
        answer = await api.get(following)
        assert len(answer.json()["transitions"]) <= 3
        seqs += [step["seq"] for step in answer.json()["transitions"]]
        following = answer.links["next"]["url"] if "next" in answer.links else None
    assert seqs == list(range(1, 8))
    assert (await api.get(f"/v1/download/job/{uuid4()}/history")).status_code == 404
