"""An upload becomes a file of the catalogue: once, whole, and as what it claims to be, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zlib import crc32

import pytest
import structlog

from jobs.engine.jobs import FileState, Status
from jobs.engine.worker.outcomes import Outcomes
from jobs.errors import (
    ChecksumMismatch,
    ErrorClass,
    FileInfected,
    StaleFence,
    TypeMismatch,
    UploadIncomplete,
)
from jobs.files.states import ScanState
from jobs.files.visibility import Visibility
from jobs.kinds import Phase
from jobs.services import Services
from jobs.uploads.cleanup import FileRemoval
from jobs.uploads.scanning import Verdict
from jobs.uploads.uploads import MIB, Upload, raw_key
from tests.helpers.bundles import stored
from tests.helpers.eventually import eventually
from tests.helpers.uploads import completed, created, files_of, objects, part_of, put, send, sent, with_small_parts
from tests.jobs.uploads.attempts import (
    Reads,
    attempted,
    claimed,
    clean_up,
    failure,
    processed,
    receiver,
    sent_in_parts,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.mark.parametrize("size", [0, 1, 8 * MIB])
async def test_a_small_file_is_one_put(services: Services, size: int) -> None:
    data = os.urandom(size)
    job = await completed(services, data, "folder/a.bin", content_type="application/x-own")
    assert (job.status, job.progress.bytes_done) == (Status.QUEUED, size)
    upload = await processed(services, job)
    [file] = await files_of(services, job.id)
    assert (upload.status, upload.phase, upload.file_id) == (Status.COMPLETED, Phase.READY, file.id)
    assert (file.name, file.size, file.crc32, file.sha256) == ("folder/a.bin", size, crc32(data), file.sha256)
    assert (file.content_type, file.visibility, file.scan) == ("application/x-own", Visibility.PRIVATE, ScanState.NONE)
    assert await stored(services.storage, file.key) == data
    [record] = await services.lifecycle.files(job.id, 0)
    assert (record.state, record.file_id, record.crc32) == (FileState.DONE, file.id, crc32(data))
    assert await services.uploads.parts(job.id) == []


async def test_a_large_file_is_assembled_of_its_parts_and_not_read(services: Services) -> None:
    data = os.urandom(11 * MIB)
    upload = await sent_in_parts(services, data)
    assert upload.part_count == 3
    read: list[int] = []
    real = services.storage.objects.read

    def reading(key: str, etag: str, start: int, stop: int) -> AsyncIterator[bytes]:
        read.append(stop - start)
        return real(key, etag, start, stop)

    services.storage.objects.read = reading  # type: ignore[method-assign]
    await processed(services, await services.uploads.complete(upload.id))
    [file] = await files_of(services, upload.id)
    assert (file.crc32, file.sha256, sum(read)) == (crc32(data), None, 8192)
    assert await stored(services.storage, file.key) == data
    assert await services.storage.multipart.list_uploads(file.key) == []


async def test_an_attempt_that_dies_after_the_completion_leaves_it_to_the_next(services: Services) -> None:
    data = os.urandom(6 * MIB)
    upload = await sent_in_parts(services, data)
    held = await claimed(services, await services.uploads.complete(upload.id))
    await attempted(services, held)  # it completes the multipart upload, and its outcome is lost
    assert await files_of(services, upload.id) == []
    released = await services.lifecycle.release(held.job)
    await processed(services, released)
    [file] = await files_of(services, upload.id)
    assert (file.size, file.crc32) == (len(data), crc32(data))
    assert await objects(services) == [file.key]


async def test_of_two_workers_with_one_upload_the_one_that_holds_it_adds_one_file(services: Services) -> None:
    data = os.urandom(6 * MIB)
    upload = await sent_in_parts(services, data)
    stale = await claimed(services, await services.uploads.complete(upload.id), "stale")
    current = await claimed(services, await services.lifecycle.release(stale.job), "current")
    (late, _), (success, _) = await asyncio.gather(attempted(services, stale), attempted(services, current))
    await services.lifecycle.succeed(current.job, None, success.within)
    with pytest.raises(StaleFence):
        await services.lifecycle.succeed(stale.job, None, late.within)
    assert len(await files_of(services, upload.id)) == 1
    assert len(await objects(services)) == 1


async def test_a_part_that_was_never_sent_fails_the_upload_for_good(services: Services) -> None:
    data = os.urandom(11 * MIB)
    upload = await with_small_parts(services, await created(services, data), 5 * MIB)
    await send(services, upload, data, [1, 3])
    await services.uploads.send(upload.id, [(2, crc32(part_of(upload, data, 2)))], [2])  # but it is not sent
    error = await failure(services, await services.uploads.complete(upload.id))
    assert isinstance(error, UploadIncomplete)
    assert "1 parts" in error.message
    assert error.error_class is ErrorClass.VALIDATION


async def test_a_later_attempt_waits_for_a_store_that_still_completes_what_an_earlier_one_asked_for(
    services: Services,
) -> None:
    data = os.urandom(11 * MIB)
    upload = await with_small_parts(services, await created(services, data), 5 * MIB)
    await send(services, upload, data, [1, 3])
    _, [part] = await services.uploads.send(upload.id, [(2, crc32(part_of(upload, data, 2)))], [])
    await services.uploads.send(upload.id, [], [2])
    killed = await claimed(services, await services.uploads.complete(upload.id))
    queued = await services.lifecycle.release(killed.job)
    with structlog.testing.capture_logs() as entries:
        attempt = asyncio.create_task(processed(services, queued))
        await eventually(lambda: any(entry["event"] == "upload_parts_missing" for entry in entries))
        await put(part.put, part_of(upload, data, 2))
        await attempt
    [file] = await files_of(services, upload.id)
    assert await stored(services.storage, file.key) == data


async def test_a_file_that_was_never_sent_fails_the_upload_for_good(services: Services) -> None:
    upload = await created(services, b"data")
    await services.uploads.send(upload.id, [(1, crc32(b"data"))], [1])
    error = await failure(services, await services.uploads.complete(upload.id))
    assert isinstance(error, UploadIncomplete)
    assert await files_of(services, upload.id) == []


async def test_a_part_signed_again_for_other_bytes_has_to_be_sent_again(services: Services) -> None:
    data = os.urandom(6 * MIB)
    upload = await sent_in_parts(services, data)
    after, _ = await services.uploads.send(upload.id, [(2, 7)], [])
    assert [part.sent for part in await services.uploads.parts(upload.id)] == [True, False]
    assert after.progress.bytes_done == 5 * MIB
    await services.uploads.send(upload.id, [], [2])  # a lie: the store has other bytes
    error = await failure(services, await services.uploads.complete(upload.id))
    assert isinstance(error, UploadIncomplete)


async def test_a_part_that_was_replaced_in_the_store_does_not_count(services: Services) -> None:
    """SeaweedFS lists it, too."""
    data = os.urandom(11 * MIB)
    upload = await sent_in_parts(services, bytes(len(data)))
    await asyncio.sleep(1.1)  # it orders parts of the same number by the second in which they came (docs/uploads.md)
    await send(services, upload, data)
    await processed(services, await services.uploads.complete(upload.id))
    [file] = await files_of(services, upload.id)
    assert await stored(services.storage, file.key) == data


async def test_an_object_of_another_size_is_no_file(services: Services) -> None:
    upload = await created(services, b"data")
    await services.uploads.send(upload.id, [(1, crc32(b"data"))], [1])
    await services.storage.objects.put(upload.key, b"more data", "text/plain")  # as a store that checks no length
    error = await failure(services, await services.uploads.complete(upload.id))
    assert isinstance(error, UploadIncomplete)
    assert "has 9 bytes, not 4" in error.message


async def test_a_part_of_another_size_fails_the_upload(services: Services) -> None:
    data = os.urandom(11 * MIB)
    upload = await with_small_parts(services, await created(services, data), 5 * MIB)
    await send(services, upload, data, [1, 3])
    await services.uploads.send(upload.id, [(2, crc32(part_of(upload, data, 2)))], [])
    upload_id = (await services.uploads.read(upload.id)).upload_id
    assert upload_id is not None
    longer = part_of(upload, data, 2) + b"x"  # as a store that checks no length
    await services.storage.multipart.upload_part(upload.key, upload_id, 2, longer, crc32(longer))
    await services.uploads.send(upload.id, [], [2])
    error = await failure(services, await services.uploads.complete(upload.id))
    assert isinstance(error, UploadIncomplete)
    assert "lacks 1 parts that were reported as sent: 2." in error.message


async def test_an_object_with_another_crc32_is_no_file(services: Services) -> None:
    upload = await created(services, b"data")
    await services.uploads.send(upload.id, [(1, 7)], [1])
    await services.storage.objects.put(upload.key, b"data", "text/plain")
    error = await failure(services, await services.uploads.complete(upload.id))
    assert isinstance(error, ChecksumMismatch)


@pytest.mark.parametrize(("name", "content_type"), [("a.jpg", None), ("a", "application/pdf"), ("a.txt", None)])
async def test_a_file_that_is_not_what_it_claims_is_refused(
    services: Services, name: str, content_type: str | None
) -> None:
    job = await completed(services, PNG, name, content_type=content_type)
    error = await failure(services, job)
    assert isinstance(error, TypeMismatch)
    assert not error.error_class.retryable
    assert "image/png" in error.message
    assert await files_of(services, job.id) == []


async def test_the_detected_type_is_the_one_that_counts(services: Services) -> None:
    upload = await processed(services, await completed(services, PNG, "picture", content_type="binary/octet-stream"))
    [file] = await files_of(services, upload.id)
    assert (upload.detected_type, file.content_type) == ("image/png", "image/png")


async def test_a_scan_reads_the_file_once_and_its_sha_256_is_known(services: Services) -> None:
    data, scan = os.urandom(MIB), Reads(Verdict.CLEAN, accepted=True)
    job = await completed(services, data)
    await processed(services, job, receiver(services, scanner=scan))
    [file] = await files_of(services, job.id)
    assert scan.seen == data
    assert (file.scan, file.sha256) == (ScanState.CLEAN, hashlib.sha256(data).hexdigest())


async def test_what_the_scan_refuses_is_no_file(services: Services) -> None:
    job = await completed(services, b"virus")
    error = await failure(services, job, receiver(services, scanner=Reads(Verdict.INFECTED, accepted=False)))
    assert isinstance(error, FileInfected)
    assert await files_of(services, job.id) == []


async def lapse(services: Services, upload: Upload) -> None:
    await services.database.fetch("UPDATE jobs SET due_at = now() - interval '1 second' WHERE id = $1", upload.id)
    assert [job.id for job in await services.lifecycle.lapse_incomplete()] == [upload.id]


async def test_an_upload_without_news_lapses_and_leaves_nothing(services: Services) -> None:
    data = os.urandom(11 * MIB)
    upload = await with_small_parts(services, await created(services, data), 5 * MIB)
    await send(services, upload, data, [1, 2])
    small = await sent(services, b"small")
    for one in (upload, small):
        await lapse(services, one)
        after = await clean_up(services, one)
        assert (after.status, after.removed, after.cleanup_at) == (Status.CANCELLED, True, None)
        assert await services.storage.multipart.list_uploads(one.key) == []
    assert await objects(services) == []


async def test_a_file_that_arrives_after_its_upload_was_cancelled_is_removed_too(services: Services) -> None:
    upload = await created(services, b"data")
    _, [part] = await services.uploads.send(upload.id, [(1, crc32(b"data"))], [])
    await services.lifecycle.cancel(upload.id)
    after = await clean_up(services, upload, ended="1 minute")
    assert after.cleanup_at is not None, "its URL is still valid"
    assert (await put(part.put, b"data")).status_code == 200
    await clean_up(services, upload)
    assert await objects(services) == []


async def test_a_failed_upload_keeps_its_bytes_for_a_retry_and_not_for_longer(services: Services) -> None:
    job = await completed(services, PNG, "a.jpg")
    held = await claimed(services, job)
    await Outcomes(services).write(
        held.job, await Outcomes(services).judge(TypeMismatch("no"), started_at=0, made_progress=False)
    )
    upload = await services.uploads.read(job.id)
    assert (await clean_up(services, upload)).removed is False
    assert len(await objects(services)) == 1
    after = await clean_up(services, upload, ended="2 days")
    assert (after.removed, await objects(services)) == (True, [])
    error = await failure(services, await services.lifecycle.retry(job.id))
    assert "Upload the file again" in error.message


async def test_a_completed_upload_keeps_its_object(services: Services) -> None:
    upload = await processed(services, await completed(services, b"data"))
    await clean_up(services, upload, ended="9 days")
    assert await objects(services) == [upload.key]


async def test_a_worker_does_all_of_it(services: Services, worker: None) -> None:
    del worker
    data = os.urandom(6 * MIB)
    upload = await sent_in_parts(services, data)
    await services.uploads.complete(upload.id)

    async def is_completed() -> bool:
        return (await services.uploads.read(upload.id)).status is Status.COMPLETED

    await eventually(is_completed)
    [file] = await files_of(services, upload.id)
    assert replace(file, created_at=None).crc32 == crc32(data)


async def test_old_objects_of_uploads_without_a_row_are_removed_and_no_others(services: Services) -> None:
    """As after a restored backup. Objects that are not named like those of uploads belong to somebody else."""
    kept = [
        upload.key
        for upload in (await sent(services, b"1"), await processed(services, await completed(services, b"2")))
    ]
    kept += ["other/1", "raw/10000.zip", f"raw/{uuid4()}/notes.txt"]
    orphan, abandoned = raw_key(uuid4()), raw_key(uuid4())
    for key in (*kept[2:], orphan):
        await services.storage.objects.put(key, b"x", "text/plain")
    await services.storage.multipart.create(abandoned, "text/plain")
    settings = services.settings

    async def remove(after: float) -> None:
        now = datetime.now(UTC) + timedelta(seconds=after)
        await FileRemoval(services.database, services.storage, settings, lambda: now).remove()

    age = settings.upload_window + settings.retry_window
    await remove(age - 60)
    assert orphan in await objects(services)
    await remove(age + 60)
    assert sorted(await objects(services)) == sorted(kept)
    assert await services.storage.multipart.list_uploads("raw/") == []
