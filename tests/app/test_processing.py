"""What is made of files over HTTP: shown beside the file, fetched, bundled, made again."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from jobs.engine.jobs import Status
from jobs.files.catalogue import StoredFile, find_files
from jobs.files.states import Role
from jobs.files.visibility import Visibility
from jobs.kinds import Kind
from jobs.services import Services
from tests.helpers.access import key_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import ended
from tests.helpers.media import encoded, photo
from tests.helpers.uploads import completed, sent
from tests.jobs.processing.attempts import processing_of, uploaded

PHOTO = encoded(photo(2000, 1000))


@pytest.fixture
def changes(request: pytest.FixtureRequest) -> dict[str, Any]:
    return getattr(request, "param", {})


async def file_of(services: Services, file_id: int) -> StoredFile:
    async with services.database.reading() as connection:
        return (await find_files(connection, [file_id]))[file_id]


async def processed(api: httpx.AsyncClient, job_id: object, **headers: Any) -> tuple[int, dict[str, Any]]:
    """The id of an uploaded file, and the final status of its processing."""
    upload = await ended(api, f"/v1/upload/status/{job_id}", **headers)
    assert upload["status"] == "completed"
    processing = upload["processing"]
    return upload["upload"]["fileId"], await ended(api, f"/v1/download/job/{processing['jobId']}", **headers)


async def test_an_upload_leads_to_its_processing_and_that_to_its_files(
    api: httpx.AsyncClient, services: Services, worker: None
) -> None:
    del worker
    file_id, status = await processed(api, (await completed(services, PHOTO, "sea/holiday.jpg")).id)
    assert (status["kind"], status["status"], status["title"]) == ("image", "completed", "holiday.jpg")
    view = status["processing"]
    assert (view["parentId"], view["contentType"], view["width"], view["height"]) == (
        file_id,
        "image/jpeg",
        2000,
        1000,
    )
    assert status["links"]["file"] == f"/v1/files/{file_id}"
    made = {file["name"]: file for file in status["files"]}
    assert set(made) == {"sea/holiday-thumbnail.webp", "sea/holiday-web.webp"}
    assert {file["status"] for file in made.values()} == {"done"}

    detail = (await api.get(f"/v1/files/{file_id}")).json()
    assert (detail["role"], detail["parentId"]) == ("original", None)
    assert (detail["processing"]["kind"], detail["processing"]["status"], detail["processing"]["error"]) == (
        "image",
        "completed",
        None,
    )
    by_role = {one["role"]: one for one in detail["derivatives"]}
    assert {role: (one["width"], one["height"]) for role, one in by_role.items()} == {
        "thumbnail": (320, 160),
        "web": (1600, 800),
    }
    assert {one["fileId"] for one in by_role.values()} == {file["fileId"] for file in made.values()}
    assert detail["thumbnailId"] == by_role["thumbnail"]["fileId"]

    answer = await api.get("/v1/files")
    assert answer.status_code == 200, answer.text
    [listed] = answer.json()["files"]
    assert (listed["id"], listed["role"], listed["thumbnailId"]) == (file_id, "original", detail["thumbnailId"])
    everything = (await api.get("/v1/files?role=any")).json()["files"]
    assert [file["role"] for file in everything] == ["original", "thumbnail", "web"]
    of_it = (await api.get(f"/v1/files?parent={file_id}")).json()["files"]
    assert [(file["role"], file["parentId"]) for file in of_it] == [("thumbnail", file_id), ("web", file_id)]
    assert (await api.get("/v1/files?role=tiny")).status_code == 400
    assert (await api.get("/v1/files?parent=x")).status_code == 400

    [item] = (await api.get("/v1/upload/jobs")).json()["jobs"]
    assert (item["processing"], item["thumbnailId"]) == (detail["processing"], detail["thumbnailId"])


async def test_content_is_one_redirect_away_and_shown_only_where_that_is_safe(
    api: httpx.AsyncClient, services: Services, catalogue: Catalogue, worker: None
) -> None:
    del worker
    file_id, status = await processed(api, (await completed(services, PHOTO, "holiday.jpg")).id)
    thumbnail = next(file["fileId"] for file in status["files"] if "thumbnail" in file["name"])
    async with httpx.AsyncClient() as browser:
        answer = await api.get(f"/v1/files/{thumbnail}/content")
        assert answer.status_code == 302
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, max-age=150"
        shown = await browser.get(answer.headers["location"])
        assert shown.content[:4] == b"RIFF"
        assert shown.headers["content-type"] == "image/webp"
        assert shown.headers["content-disposition"] == 'inline; filename="holiday-thumbnail.webp"'
        original = await browser.get((await api.get(f"/v1/files/{file_id}/content")).headers["location"])
        assert original.content == PHOTO
        assert original.headers["content-disposition"].startswith("inline")
        saved = await browser.get((await api.get(f"/v1/files/{file_id}/content?download=1")).headers["location"])
        assert saved.headers["content-disposition"] == 'attachment; filename="holiday.jpg"'
        assert (await api.get(f"/v1/files/{file_id}/content?download=2")).status_code == 400
    for content_type, role, disposition, lifetime in (
        ("image/svg+xml", Role.ORIGINAL, "attachment", 300),
        ("text/html", Role.ORIGINAL, "attachment", 300),
        ("application/pdf", Role.ORIGINAL, "inline", 300),
        ("text/plain; charset=utf-8", Role.TEXT, "inline", 300),
        ("video/mp4", Role.ORIGINAL, "attachment", 3600),
        ("video/mp4", Role.VIDEO, "inline", 3600),
    ):
        other = await catalogue.add(b"x", "x", content_type=content_type, role=role)
        url = urlsplit((await api.get(f"/v1/files/{other}/content")).headers["location"])
        query = parse_qs(url.query)
        assert query["response-content-disposition"][0].startswith(disposition), content_type
        assert query["X-Amz-Expires"] == [str(lifetime)], content_type
    gone = await catalogue.add(b"x")
    await api.delete(f"/v1/files/{gone}")
    assert (await api.get(f"/v1/files/{gone}/content")).status_code == 410
    assert (await api.get("/v1/files/77777/content")).status_code == 404


async def test_a_bundle_takes_what_was_made(api: httpx.AsyncClient, services: Services, worker: None) -> None:
    del worker
    _, status = await processed(api, (await completed(services, PHOTO, "holiday.jpg")).id)
    ids = [file["fileId"] for file in status["files"]]
    job = (await api.post("/v1/download/initiate", json={"file_ids": ids})).json()
    bundle = await ended(api, job["links"]["self"])
    assert (bundle["status"], bundle["progress"]["filesDone"]) == ("completed", 2)


async def test_the_uploader_decides_what_is_made(api: httpx.AsyncClient, services: Services) -> None:
    async def created(**body: Any) -> httpx.Response:
        return await api.post("/v1/upload", json={"files": [{"name": "a.jpg", "size": 1}], **body})

    async def wishes(answer: httpx.Response) -> Any:
        assert answer.status_code == 202, answer.text
        return (await services.uploads.read(UUID(answer.json()["jobs"][0]["jobId"]))).wishes

    assert await wishes(await created(recipe="none")) is None
    usual = {"avif": False, "pages": 5, "onError": "keep"}
    assert await wishes(await created()) == usual
    assert await wishes(await created(recipe="auto", onProcessingError="fail")) == usual | {"onError": "fail"}
    assert await wishes(await created(recipe={"avif": True, "pages": 20})) == usual | {"avif": True, "pages": 20}
    for wrong in ("all", {"pages": 21}, {"avif": 1}, {"size": 3}, None):
        assert (await created(recipe=wrong)).status_code == 400, wrong
    assert (await created(onProcessingError="ignore")).status_code == 400


@pytest.mark.parametrize("changes", [{"processing": "off"}], indirect=True)
async def test_nothing_is_made_where_processing_is_off(
    api: httpx.AsyncClient, services: Services, worker: None
) -> None:
    del worker
    job = await completed(services, PHOTO, "a.jpg")
    upload = await ended(api, f"/v1/upload/status/{job.id}")
    assert (upload["status"], upload["processing"]) == ("completed", None)
    assert (await api.get(f"/v1/files/{upload['upload']['fileId']}")).json()["processing"] is None


async def test_operators_process_files_again_by_pages(
    api: httpx.AsyncClient, catalogue: Catalogue, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.processing.commands.REPROCESSED", 2)
    monkeypatch.setattr("jobs.processing.commands.SCANNED", 4)
    jpeg = [await catalogue.add(PHOTO, f"{n}.jpg", content_type="image/jpeg", owner="olga") for n in range(3)]
    await catalogue.add(b"x", "a.svg", content_type="image/svg+xml")
    pdf = await catalogue.add(b"x", "a.pdf", content_type="application/pdf")
    await catalogue.add(PHOTO, "0-web.webp", content_type="image/webp", role=Role.WEB, parent_id=jpeg[0])

    async def again(**body: Any) -> list[int]:
        """How many jobs each request has created."""
        jobs, after = [], 0
        while after is not None:
            answer = await api.post("/v1/files/reprocess", json={**body, "after": after})
            assert answer.status_code == 200, answer.text
            jobs.append(answer.json()["jobs"])
            after = answer.json()["next"]
        return jobs

    assert await again(types=["image/png"]) == [0, 0]
    assert await again(types=["application/pdf"]) == [0, 1]
    [summary] = (await services.processing.summaries([pdf])).values()
    assert (summary.kind, summary.status) == (Kind.PDF, Status.QUEUED)
    found = await again(missing=True, types=["image/*"])
    assert found == [2, 0], "the first one has a web size, and SVG is never processed"
    assert await again(since="2100-01-01T00:00:00Z") == [0, 0]
    assert sum(await again()) == 1, "the others are waiting"
    job = await services.processing.read_any((await services.processing.summaries(jpeg))[jpeg[0]].job_id)
    assert job is not None
    assert job.owner == "olga", "they are those of the file's owner"
    for wrong in ({"types": ["image/%"]}, {"types": ["*"]}, {"recipe": "none"}, {"after": -1}):
        assert (await api.post("/v1/files/reprocess", json=wrong)).status_code == 400, wrong


@pytest.mark.parametrize("changes", [{"max_queued": 2}], indirect=True)
async def test_a_full_queue_stops_reprocessing_but_no_upload(
    api: httpx.AsyncClient, services: Services, catalogue: Catalogue
) -> None:
    ids = [await catalogue.add(PHOTO, f"{n}.jpg", content_type="image/jpeg") for n in range(3)]
    assert (await api.post("/v1/files/reprocess", json={})).json() == {"jobs": 2, "next": ids[1]}
    answer = await api.post("/v1/files/reprocess", json={"after": ids[1]})
    assert (answer.status_code, answer.json()["error"]) == (503, "queue_full")
    assert "retry-after" in answer.headers
    file, job = await uploaded(services)
    assert (job.status, job.parent_id) == (Status.QUEUED, file.id)
    assert job.queued_at < (await processing_of(services, await file_of(services, ids[0]))).queued_at


@pytest.mark.parametrize("changes", [{"auth_mode": "required", "jobs_per_hour": 0, "anonymous": "read"}], indirect=True)
async def test_only_who_may_read_a_file_sees_what_was_made_of_it(
    api: httpx.AsyncClient, services: Services, worker: None
) -> None:
    del worker
    olga, otto = await key_of(services, "olga"), await key_of(services, "otto")
    upload = await completed(services, PHOTO, "a.jpg", owner="olga")
    file_id, status = await processed(api, upload.id, headers=olga)
    for one in [file_id, *(file["fileId"] for file in status["files"])]:
        assert (await api.get(f"/v1/files/{one}", headers=olga)).status_code == 200
        assert (await api.get(f"/v1/files/{one}/content", headers=olga)).status_code == 302
        for path in (f"/v1/files/{one}", f"/v1/files/{one}/content"):
            assert (await api.get(path, headers=otto)).status_code == 404
    assert (await api.get(f"/v1/download/job/{status['jobId']}", headers=otto)).status_code == 404
    assert (await api.get("/v1/files?role=any", headers=otto)).json()["files"] == []
    shown = await completed(services, PHOTO, "b.jpg", owner="olga", visibility=Visibility.PUBLIC)
    file_id, _ = await processed(api, shown.id, headers=olga)
    for headers in (otto, {}):
        detail = (await api.get(f"/v1/files/{file_id}", headers=headers)).json()
        assert (len(detail["derivatives"]), detail["processing"]) == (2, None), "jobs are their owner's"
    assert (await api.get(f"/v1/files/{file_id}/content")).status_code == 401
    assert (await api.post("/v1/files/reprocess", json={}, headers=olga)).status_code == 403


async def test_nothing_is_made_of_an_upload_before_it_is_checked(api: httpx.AsyncClient, services: Services) -> None:
    upload = await sent(services, PHOTO, "a.jpg")

    async def has_none() -> bool:
        return (await api.get(f"/v1/upload/status/{upload.id}")).json()["processing"] is None

    await eventually(has_none)
    assert await services.database.fetch("SELECT FROM jobs WHERE kind <> 'upload'") == []
