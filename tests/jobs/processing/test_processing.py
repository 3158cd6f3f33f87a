"""Files are made of an uploaded image, end to end: by a worker, in the sandbox, on real servers."""

from __future__ import annotations

from uuid import UUID

from jobs.engine.jobs import Job, Status
from jobs.files.states import Role
from jobs.services import Services
from tests.helpers.eventually import eventually
from tests.helpers.jobs import read_job
from tests.helpers.media import encoded, photo
from tests.helpers.uploads import completed


async def until_job(services: Services, job_id: UUID) -> Job:
    async def ended() -> bool:
        return (await read_job(services, job_id)).status.ended

    await eventually(ended)
    return await read_job(services, job_id)


async def test_an_uploaded_image_gets_a_thumbnail_and_a_web_size(services: Services, worker: None) -> None:
    del worker
    upload = await completed(services, encoded(photo(2000, 1000)), "sea/holiday.jpg", content_type="image/jpeg")
    await until_job(services, upload.id)
    file_id = (await services.uploads.read(upload.id)).file_id
    assert file_id is not None
    first = await services.processing.first_of(file_id)
    assert first is not None
    status = await until_job(services, first[0])
    assert status.status is Status.COMPLETED, status
    made = {one.file.role: one for one in await services.processing.derivatives(file_id)}
    assert {role: (one.width, one.height) for role, one in made.items()} == {
        Role.THUMBNAIL: (320, 160),
        Role.WEB: (1600, 800),
    }
