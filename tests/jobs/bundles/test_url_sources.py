"""Downloads of URLs, against a host that delivers them, breaks off, lies, changes, drips and redirects."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.bundles.commands import Downloads
from jobs.bundles.downloads import Download, OnMissing, ResultKind
from jobs.bundles.keys import job_prefix
from jobs.bundles.result_links import ResultLinks
from jobs.bundles.sources import fetching
from jobs.bundles.sources.fetcher import MAX_FETCHES
from jobs.bundles.url_sources import SourcePart
from jobs.engine.jobs import FileState, Job, Status
from jobs.errors import DatabaseUnavailable, ErrorClass
from jobs.kinds import Kind, Phase
from jobs.services import Services
from jobs.settings import SOURCE_PART_SIZE, Settings
from jobs.work import works_of
from tests.helpers.bundles import bundle_of, stored
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import read, until_command, until_ended
from tests.helpers.running import worker_process, working
from tests.helpers.settings import with_changes
from tests.helpers.sources import (
    SourceHost,
    breaking_at,
    chunked,
    create_with_urls,
    deliver,
    dripping,
    endless,
    hosting,
    responding,
)

MIB = 1 << 20


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"url_sources": "on", "egress_allow": ("127.0.0.1",), "max_attempts": 2}


async def run(services: Services, settings: Settings, host: SourceHost, **options: Any) -> Download:
    """The job of the host's file, named `file.bin`, after its end."""
    async with working(settings):
        return await until_ended(services, await create_with_urls(services, [("file.bin", host.url)], **options))


async def objects_of(services: Services, job: Job) -> list[str]:
    return [info.key async for info in services.storage.objects.list(job_prefix(job.id))]


async def clean_up(services: Services, job: Job, later: timedelta = timedelta()) -> None:
    await works_of(services)[Kind.DOWNLOAD].clean_up(await read(services, job.id), datetime.now(UTC) + later)


def reason_of(job: Download) -> str:
    assert job.failure is not None
    return job.failure.message


# --- what is fetched ---------------------------------------------------------------------------------------------------


async def test_files_of_the_catalogue_and_urls_make_one_bundle(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    data, large, empty = os.urandom(300_000), os.urandom(12 * MIB), b""
    file_id = await catalogue.add(data, "report.bin")
    async with hosting(large) as first, hosting(empty) as second, working(settings):
        urls = [("large.bin", first.url), ("report.bin", second.url)]
        job = await until_ended(services, await create_with_urls(services, urls, file_id))
    assert job.status is Status.COMPLETED, job.failure
    files = await bundle_of(services, job)
    manifest = json.loads(files.pop("manifest.json"))
    assert files == {"report.bin": data, "large.bin": large, "report (2).bin": empty}
    in_manifest = {file["name"]: file for file in manifest["files"]}
    assert in_manifest["report.bin"]["fileId"] == file_id
    assert in_manifest["large.bin"] == {
        "name": "large.bin",
        "fileId": None,
        "url": first.url.partition("?")[0],
        "size": len(large),
        "crc32": in_manifest["large.bin"]["crc32"],
        "sha256": hashlib.sha256(large).hexdigest(),
    }
    assert (job.progress.bytes_done, job.progress.bytes_total) == (len(data) + len(large),) * 2
    assert first.sent == len(large)


async def test_the_objects_of_urls_go_when_the_bundle_is_made(services: Services, settings: Settings) -> None:
    async with hosting(os.urandom(11 * MIB)) as large, hosting(b"small") as small, working(settings):
        urls = [("large.bin", large.url), ("small.bin", small.url)]
        job = await until_ended(services, await create_with_urls(services, urls))
    assert job.status is Status.COMPLETED
    assert job.cleanup_at is not None
    assert len(await objects_of(services, job)) == 3
    await clean_up(services, job)
    assert job.result is not None
    assert await objects_of(services, job) == [job.result.key]


async def test_one_url_without_an_archive_name_is_the_result_until_it_expires(
    services: Services, settings: Settings
) -> None:
    data = os.urandom(6 * MIB)
    async with hosting(data) as host:
        job = await run(services, settings, host, archive_name=None)
    assert job.result is not None
    assert (job.result.kind, job.result.size, job.result.filename) == (ResultKind.OBJECT, len(data), "file.bin")
    assert job.result.sha256 == hashlib.sha256(data).hexdigest()
    await clean_up(services, job)
    assert (await ResultLinks(services.storage, settings).link(job)).result == job.result
    assert await stored(services.storage, job.result.key) == data
    await services.lifecycle.expire(job.id)
    await clean_up(services, job)
    assert await objects_of(services, job) == []


async def test_a_retry_of_an_expired_download_fetches_again(services: Services, settings: Settings) -> None:
    async with hosting(b"first") as host:
        job = await run(services, settings, host)
        await services.lifecycle.expire(job.id)
        await clean_up(services, job)
        host.data, host.etag = b"second", '"v2"'
        async with working(settings):
            await services.lifecycle.retry(job.id)
            job = await until_ended(services, job)
    assert (await bundle_of(services, job))["file.bin"] == b"second"


async def test_a_host_gets_only_as_many_requests_at_once_as_is_allowed(services: Services, settings: Settings) -> None:
    async with hosting(os.urandom(2 * MIB)) as host, working(settings):
        urls = [(f"{number}.bin", f"{host.url}&{number}") for number in range(6)]
        job = await until_ended(services, await create_with_urls(services, urls))
    assert job.status is Status.COMPLETED
    assert host.most_at_once == settings.source_connections


async def test_a_download_of_many_urls_does_not_hold_up_another(services: Services, settings: Settings) -> None:
    gate = asyncio.Event()

    async def wait(host: SourceHost, request: Any, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await deliver(host, request, writer)

    async with hosting(b"data") as host, working(with_changes(settings, source_connections=MAX_FETCHES)):
        host.otherwise = wait
        urls = [(f"{number}.bin", f"{host.url}&{number}") for number in range(4 * MAX_FETCHES)]
        large = await create_with_urls(services, urls)
        await eventually(lambda: len(host.requests) == MAX_FETCHES)
        small = await create_with_urls(services, [("small.bin", f"{host.url}&small")])

        async def small_is_fetching() -> bool:
            return (await read(services, small.id)).phase is Phase.FETCHING

        await eventually(small_is_fetching)
        gate.set()
        jobs = [await until_ended(services, one) for one in (large, small)]
    assert [one.status for one in jobs] == [Status.COMPLETED] * 2
    paths = [request.path for request in host.requests]
    assert paths.index("/file?token=hush&small") <= 2 * MAX_FETCHES


async def test_nothing_is_fetched_any_more_once_that_is_switched_off(services: Services, settings: Settings) -> None:
    async with hosting(b"data") as host:
        job = await run(services, with_changes(settings, url_sources="off"), host)
    assert job.status is Status.FAILED
    assert "URLs are not fetched here any more" in reason_of(job)
    assert host.requests == []


# --- what breaks off ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [3 * MIB, 21 * MIB])
async def test_a_fetch_that_breaks_off_continues_with_the_next_byte(
    services: Services, settings: Settings, size: int
) -> None:
    data = os.urandom(size)
    async with hosting(data) as host:
        host.script.append(breaking_at(6 * size // 10))
        job = await run(services, settings, host, sha256=hashlib.sha256(data).hexdigest())
        assert (await bundle_of(services, job))["file.bin"] == data
    assert job.attempt == 1
    assert [request.start for request in host.requests] == [0, 6 * size // 10]
    assert host.requests[1].headers["if-range"] == '"v1"'
    assert host.sent <= 1.05 * size


async def test_a_date_is_a_validator_where_there_is_no_etag(services: Services, settings: Settings) -> None:
    data = os.urandom(MIB)
    async with hosting(data, etag=None) as host:
        host.script.append(breaking_at(600_000))

        async def rest(host: SourceHost, request: Any, writer: asyncio.StreamWriter) -> None:
            field = f"Content-Range: bytes 600000-{MIB - 1}/{MIB}"
            await responding(206, field, f"Content-Length: {MIB - 600_000}", body=data[600_000:])(host, request, writer)

        host.script.append(rest)
        job = await run(services, settings, host)
    assert (await bundle_of(services, job))["file.bin"] == data
    assert host.requests[1].headers["if-range"] == "Sat, 21 Nov 2026 11:14:55 GMT"


async def test_a_killed_worker_leaves_its_parts_to_the_next_one(services: Services, settings: Settings) -> None:
    data, gate = os.urandom(32 * MIB), asyncio.Event()
    allowed = {"URL_SOURCES": "on", "EGRESS_ALLOW": "127.0.0.1"}
    async with hosting(data) as host:
        host.script.append(breaking_at(18 * MIB, gate))
        async with worker_process(settings, **allowed) as process:
            job = await create_with_urls(services, [("file.bin", host.url)], sha256=hashlib.sha256(data).hexdigest())

            async def three_parts_are_recorded() -> bool:
                [source] = await services.downloads.sources(job.id)
                return source.partial is not None and len(source.partial.parts) == 3

            await eventually(three_parts_are_recorded, patience=60)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        gate.set()
        async with working(settings):
            final = await until_ended(services, job)
    assert final.status is Status.COMPLETED, final.failure
    assert (await bundle_of(services, final))["file.bin"] == data
    assert [request.start for request in host.requests] == [0, 3 * SOURCE_PART_SIZE]


async def test_an_upload_without_parts_says_nothing_of_the_file_that_is_fetched_next(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = os.urandom(12 * MIB), os.urandom(12 * MIB)
    add_part, calls = Downloads.add_source_part, 0

    async with hosting(first) as host:

        async def add_source_part(downloads: Downloads, held: Job, index: int, part: SourcePart) -> None:
            nonlocal calls
            calls += 1
            if calls == 1:
                host.data, host.etag = second, '"v2"'
                raise DatabaseUnavailable("It ended before the first part was recorded.")
            if calls == 3:
                host.data, host.etag = first, '"v1"'
                raise DatabaseUnavailable("It ended after the first part of the other file.")
            await add_part(downloads, held, index, part)

        monkeypatch.setattr(Downloads, "add_source_part", add_source_part)
        job = await run(services, settings, host)
    assert job.status is Status.COMPLETED, job.failure
    assert (await bundle_of(services, job))["file.bin"] == first


async def test_an_attempt_that_runs_out_of_time_is_not_charged_if_it_has_fetched_a_part(
    services: Services, settings: Settings
) -> None:
    data, gate = os.urandom(12 * MIB), asyncio.Event()
    async with hosting(data) as host:
        host.script.append(breaking_at(8 * MIB, gate))
        async with working(with_changes(settings, job_timeout=6)):
            job = await create_with_urls(services, [("file.bin", host.url)])
            await until_command(services, job, "park")
            final = await until_ended(services, job)
        gate.set()
    assert (final.status, final.attempt) == (Status.COMPLETED, 1)
    assert [request.start for request in host.requests] == [0, SOURCE_PART_SIZE]


async def test_a_file_that_broke_off_and_has_no_validator_starts_again(services: Services, settings: Settings) -> None:
    data = os.urandom(MIB)
    async with hosting(data) as host:
        half = responding(200, f"Content-Length: {MIB}", body=data[: MIB // 2])
        host.script += [half]
        host.otherwise = responding(200, f"Content-Length: {MIB}", body=data)
        job = await run(services, settings, host)
    assert (await bundle_of(services, job))["file.bin"] == data
    assert "range" not in host.requests[1].headers
    assert job.progress.bytes_done == job.progress.bytes_total == MIB


async def test_parts_of_a_file_without_a_validator_are_no_progress(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.01)
    async with hosting(b"") as host:
        host.otherwise = responding(200, f"Content-Length: {12 * MIB}", body=bytes(8 * MIB))
        job = await run(services, settings, host)
    assert (job.status, job.attempt) == (Status.FAILED, 2)
    assert len(host.requests) == 2 * (1 + fetching.MAX_BREAKS)


async def test_an_attempt_that_runs_out_of_time_is_charged_if_its_parts_are_of_no_use(
    services: Services, settings: Settings
) -> None:
    gate = asyncio.Event()

    async def stall(host: SourceHost, request: Any, writer: asyncio.StreamWriter) -> None:
        await responding(200, f"Content-Length: {12 * MIB}", body=bytes(8 * MIB))(host, request, writer)
        await gate.wait()

    async with hosting(b"") as host, working(with_changes(settings, job_timeout=6)):
        host.otherwise = stall
        job = await create_with_urls(services, [("file.bin", host.url)])
        await until_command(services, job, "fail")
        assert (await read(services, job.id)).attempt == 1
        await services.lifecycle.cancel(job.id)
        gate.set()


# --- what lies or changes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_missing", list(OnMissing))
async def test_a_host_that_always_sends_less_than_it_says_never_becomes_a_file(
    services: Services, settings: Settings, on_missing: OnMissing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.01)
    async with hosting(bytes(1000)) as host:
        host.otherwise = responding(200, "Content-Length: 2000", body=bytes(1000))
        job = await run(services, settings, host, on_missing=on_missing)
    assert job.status is Status.FAILED
    assert await objects_of(services, job) == []
    assert job.failure is not None
    if on_missing is OnMissing.FAIL:
        assert job.failure.error_class is ErrorClass.NETWORK
        assert "received 1000 bytes, expected 2000" in reason_of(job)
    assert "file.bin" in reason_of(job)
    assert "hush" not in reason_of(job)


async def test_bytes_after_the_announced_ones_are_no_part_of_the_file(services: Services, settings: Settings) -> None:
    """They are no part of the response either (RFC 9112, section 6.3), and are not read as the start of another one."""
    async with hosting(b"x") as host:
        host.otherwise = responding(200, "Content-Length: 1000", body=bytes(1000) + b"HTTP/1.1 200 OK\r\n\r\n")
        job = await run(services, settings, host)
    assert (await bundle_of(services, job))["file.bin"] == bytes(1000)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (
            ("Content-Range: bytes 600-999/1000", "Transfer-Encoding: chunked"),
            b"200\r\n" + bytes(0x200) + b"\r\n0\r\n\r\n",
        ),
        (("Content-Range: bytes 600-999/1000", "Content-Length: 500"), bytes(500)),
        (("Content-Range: bytes 0-999/1000", "Content-Length: 1000"), bytes(1000)),
        (("Content-Range: bytes 600-99999/*", "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
        (("Content-Range: everything",), b""),
        ((), b""),
    ],
    ids=["more than the range", "another length", "another range", "beyond the end", "no range", "none"],
)
async def test_a_range_that_is_not_what_it_says_fails_the_file(
    services: Services, settings: Settings, fields: tuple[str, ...], body: bytes
) -> None:
    async with hosting(bytes(1000)) as host:
        host.script += [breaking_at(600), responding(206, 'ETag: "v1"', *fields, body=body)]
        job = await run(services, settings, host)
    assert job.status is Status.FAILED
    assert job.failure is not None
    assert job.failure.error_class is ErrorClass.VALIDATION
    assert await objects_of(services, job) == []


async def test_a_range_may_be_shorter_than_requested(services: Services, settings: Settings) -> None:
    data = os.urandom(1000)
    async with hosting(data) as host:
        part = responding(206, "Content-Range: bytes 600-799/1000", "Content-Length: 200", body=data[600:800])
        host.script += [breaking_at(600), part]
        job = await run(services, settings, host)
    assert (await bundle_of(services, job))["file.bin"] == data
    assert [request.start for request in host.requests] == [0, 600, 800]


async def test_a_file_that_changes_midway_is_fetched_again_as_it_is_then(
    services: Services, settings: Settings
) -> None:
    data, changed = os.urandom(12 * MIB), os.urandom(13 * MIB)
    async with hosting(data) as host:

        async def change(host: SourceHost, request: Any, writer: asyncio.StreamWriter) -> None:
            await breaking_at(9 * MIB)(host, request, writer)
            host.data, host.etag = changed, '"v2"'

        host.script.append(change)
        job = await run(services, settings, host)
    assert job.status is Status.COMPLETED
    assert (await bundle_of(services, job))["file.bin"] == changed
    assert job.progress.bytes_done == job.progress.bytes_total == len(changed)


@pytest.mark.parametrize("size", [1000, None])
async def test_a_file_that_ends_before_its_announced_size_is_another_one(
    services: Services, settings: Settings, size: int | None
) -> None:
    """The host responds 416 to the request for the rest, and says that the file ends where the fetch broke off."""
    data, changed = os.urandom(size or 600), os.urandom(600)
    end = responding(416, "Content-Range: bytes */600", "Content-Length: 0")
    half = responding(200, 'ETag: "v1"', f"Content-Length: {size}", body=data[:600])
    if size is None:
        half = responding(200, 'ETag: "v1"', "Transfer-Encoding: chunked", body=b"258\r\n" + data + b"\r\n")
    async with hosting(changed) as host:
        host.script += [half, end]
        job = await run(services, settings, host)
    assert job.status is Status.COMPLETED, job.failure
    assert (await bundle_of(services, job))["file.bin"] == (changed if size == 1000 else data)


async def test_a_file_that_changes_again_fails_the_download(services: Services, settings: Settings) -> None:
    async with hosting(os.urandom(12 * MIB)) as host:
        changes = 0

        async def change(host: SourceHost, request: Any, writer: asyncio.StreamWriter) -> None:
            nonlocal changes
            changes += 1
            await breaking_at(9 * MIB)(host, request, writer)
            host.etag = f'"w{changes}"'

        host.otherwise = change
        job = await run(services, settings, host)
        await clean_up(services, job, timedelta(days=2))
    assert (job.status, job.attempt, len(host.requests)) == (Status.FAILED, 1, 4)
    assert "sent another file" in reason_of(job)
    assert await objects_of(services, job) == []


@pytest.mark.parametrize(
    "handler", [endless, responding(200, f"Content-Length: {7 * MIB}")], ids=["endless", "announced"]
)
async def test_no_more_bytes_are_read_than_a_file_may_have(
    services: Services, settings: Settings, handler: Any
) -> None:
    limited = with_changes(settings, source_max_size=6 * MIB)
    async with hosting(b"") as host:
        host.otherwise = handler
        job = await run(services, limited, host)
        assert len(host.requests) == 1
    assert job.status is Status.FAILED
    assert "more than 6,291,456 bytes" in reason_of(job)
    assert host.sent <= 30 * MIB  # what the buffers of two sockets hold is sent, and not read
    await clean_up(services, job)
    assert await objects_of(services, job) == []


async def test_a_host_that_drips_is_given_up(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.01)
    async with hosting(bytes(MIB)) as host:
        host.otherwise = dripping
        job = await run(services, with_changes(settings, source_timeout=0.5, max_attempts=1), host)
    assert job.failure is not None
    assert job.failure.error_class is ErrorClass.TIMEOUT
    assert "at least 65,536 bytes per second are needed" in reason_of(job)
    starts = [request.start for request in host.requests][: 1 + fetching.MAX_BREAKS]
    assert starts == sorted(set(starts)), "each request has a window of its own"


async def test_a_host_that_sends_nothing_is_given_up(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.01)
    gate = asyncio.Event()

    async def wait(*_: object) -> None:
        await gate.wait()

    async with hosting(b"") as host:
        host.otherwise = wait
        job = await run(services, with_changes(settings, source_timeout=0.3), host)
        gate.set()
    assert job.failure is not None
    assert job.failure.error_class is ErrorClass.TIMEOUT
    assert "sent nothing" in reason_of(job)


async def test_a_wrong_sha256_fails_the_download(services: Services, settings: Settings) -> None:
    async with hosting(os.urandom(7 * MIB)) as host:
        job = await run(services, settings, host, sha256="0" * 64)
        await clean_up(services, job)
    assert job.status is Status.FAILED
    assert f"not {'0' * 64} as requested" in reason_of(job)
    assert await objects_of(services, job) == []


# --- what a response says ----------------------------------------------------------------------------------------------


async def test_a_file_of_unknown_length_is_fetched_to_its_end(services: Services, settings: Settings) -> None:
    for data in (b"", os.urandom(100_000), os.urandom(5 * MIB), os.urandom(11 * MIB)):
        async with hosting(data) as host:
            host.otherwise = chunked(data)
            job = await run(services, settings, host)
        assert (await bundle_of(services, job))["file.bin"] == data


@pytest.mark.parametrize(
    ("fields", "reason"),
    [((), "neither how long the file is nor where it ends"), (("Content-Encoding: gzip", "Content-Length: 9"), "gzip")],
)
async def test_what_could_be_broken_or_another_file_needs_its_sha256(
    services: Services, settings: Settings, fields: tuple[str, ...], reason: str
) -> None:
    data = os.urandom(9)
    async with hosting(data) as host:
        host.otherwise = responding(200, *fields, body=data)
        job = await run(services, settings, host)
        assert job.status is Status.FAILED
        assert reason in reason_of(job)
        job = await run(services, settings, host, sha256=hashlib.sha256(data).hexdigest())
    assert (await bundle_of(services, job))["file.bin"] == data


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "it has no such file"),
        (410, "the file was removed"),
        (401, "it wants a sign-in"),
        (403, "it does not allow access"),
        (400, "responded 400"),
        (204, "responded 204"),
        (304, "responded 304"),
    ],
)
async def test_a_refusal_fails_the_download_at_once(
    services: Services, settings: Settings, status: int, reason: str
) -> None:
    async with hosting(b"") as host:
        host.otherwise = responding(status, "Content-Length: 0")
        job = await run(services, settings, host)
    assert (job.status, job.attempt, len(host.requests)) == (Status.FAILED, 1, 1)
    assert job.failure is not None
    assert job.failure.error_class is ErrorClass.VALIDATION
    assert reason in reason_of(job)
    assert "hush" not in reason_of(job)


async def test_urls_that_cannot_be_fetched_are_skipped_if_that_is_wanted(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LONGEST_PAUSE", 0.1)
    async with hosting(b"here") as good, hosting(b"") as gone, hosting(b"") as busy, working(settings):
        gone.otherwise = responding(404, "Content-Length: 0")
        busy.otherwise = responding(503, "Content-Length: 0", "Retry-After: 1")
        urls = [("gone.bin", gone.url), ("good.bin", good.url), ("busy.bin", busy.url)]
        job = await create_with_urls(services, urls, on_missing=OnMissing.SKIP)
        final = await until_ended(services, job)
    assert final.status is Status.COMPLETED, final.failure
    files = await bundle_of(services, final)
    manifest = json.loads(files.pop("manifest.json"))
    assert files == {"good.bin": b"here"}
    assert [(one["name"], one["fileId"]) for one in manifest["omitted"]] == [("gone.bin", None), ("busy.bin", None)]
    assert final.result is not None
    assert [one.name for one in final.result.omitted] == ["gone.bin", "busy.bin"]
    assert final.progress.bytes_total == 4
    records = await services.lifecycle.files(job.id, 0)
    assert [record.state for record in records] == [FileState.OMITTED, FileState.DONE, FileState.OMITTED]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_host_is_tried_again(services: Services, settings: Settings, status: int) -> None:
    async with hosting(b"here") as host:
        host.script += [responding(status, "Content-Length: 0", "Retry-After: 0")]
        job = await run(services, settings, host)
    assert (await bundle_of(services, job))["file.bin"] == b"here"
    assert (job.attempt, len(host.requests)) == (1, 2)


async def test_the_next_attempt_waits_as_long_as_the_host_wants(services: Services, settings: Settings) -> None:
    async with hosting(b"") as host, working(settings):
        host.otherwise = responding(503, "Content-Length: 0", "Retry-After: 600")
        job = await create_with_urls(services, [("file.bin", host.url)])
        await until_command(services, job, "fail")
        waiting = await read(services, job.id)
        assert waiting.status is Status.RETRYING
        assert waiting.due_at > datetime.now(UTC) + timedelta(seconds=500)
        await services.lifecycle.cancel(job.id)


async def test_a_host_that_wants_to_wait_beyond_the_deadline_has_no_file(
    services: Services, settings: Settings
) -> None:
    async with hosting(b"here") as host, hosting(b"") as busy:
        busy.otherwise = responding(503, "Content-Length: 0", "Retry-After: 600")
        async with working(with_changes(settings, job_deadline=500)):
            urls = [("file.bin", host.url), ("busy.bin", busy.url)]
            failed = await until_ended(services, await create_with_urls(services, urls))
            skipped = await until_ended(services, await create_with_urls(services, urls, on_missing=OnMissing.SKIP))
    assert (failed.status, failed.attempt) == (Status.FAILED, 1)
    assert "wants no other request before" in reason_of(failed)
    assert (skipped.status, skipped.attempt) == (Status.COMPLETED, 1)
    assert (await bundle_of(services, skipped))["file.bin"] == b"here"
    records = await services.lifecycle.files(skipped.id, 0)
    assert [record.state for record in records] == [FileState.DONE, FileState.OMITTED]


# --- redirects ---------------------------------------------------------------------------------------------------------


async def test_redirects_are_followed_with_the_range(services: Services, settings: Settings) -> None:
    data = os.urandom(MIB)
    async with hosting(data) as target, hosting(b"") as host:
        host.otherwise = responding(302, f"Location: {target.url}", "Content-Length: 0")
        target.script.append(breaking_at(600_000))
        job = await run(services, settings, host)
    assert (await bundle_of(services, job))["file.bin"] == data
    assert [request.start for request in target.requests] == [0, 600_000]
    assert len(host.requests) == 2


async def test_a_loop_of_redirects_ends(services: Services, settings: Settings) -> None:
    async with hosting(b"") as host:
        host.otherwise = responding(307, "Location: /again", "Content-Length: 0")
        job = await run(services, settings, host)
    assert "redirected more than 5 times" in reason_of(job)
    assert len(host.requests) == 6


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest", "http://127.0.0.2:{port}/", "//127.2:{port}/"])
async def test_no_redirect_leads_inside(services: Services, settings: Settings, location: str) -> None:
    async with hosting(b"secret", address="127.0.0.2") as inner, hosting(b"") as host:
        port = inner.url.rpartition(":")[2].partition("/")[0]
        host.otherwise = responding(302, f"Location: {location.format(port=port)}", "Content-Length: 0")
        job = await run(services, settings, host)
    assert job.status is Status.FAILED
    assert "No request may be sent to" in reason_of(job)
    assert (inner.most_at_once, len(host.requests)) == (0, 1)


# --- what is left ------------------------------------------------------------------------------------------------------


async def held_midway(services: Services, host: SourceHost, gate: asyncio.Event) -> Job:
    """A job that has fetched a part and waits for the rest."""
    host.script.append(breaking_at(8 * MIB, gate))
    job = await create_with_urls(services, [("file.bin", host.url)])

    async def a_part_is_recorded() -> bool:
        [source] = await services.downloads.sources(job.id)
        return source.partial is not None and len(source.partial.parts) > 0

    await eventually(a_part_is_recorded)
    return job


async def uploads_of(services: Services, job: Job) -> int:
    """How many multipart uploads there are for the file of the job: stores list some of them by their whole key only."""
    keys = [f"{job_prefix(job.id)}sources/0/{fence}" for fence in range(1, 8)]
    return sum([len(await services.storage.multipart.list_uploads(key)) for key in keys])


async def test_a_cancelled_download_leaves_nothing(services: Services, settings: Settings) -> None:
    gate = asyncio.Event()
    async with hosting(os.urandom(12 * MIB)) as host, working(settings):
        job = await held_midway(services, host, gate)
        assert await uploads_of(services, job) == 1
        await services.lifecycle.cancel(job.id)
        await clean_up(services, job)
        gate.set()
    assert await uploads_of(services, job) == 0
    assert await objects_of(services, job) == []
    [source] = await services.downloads.sources(job.id)
    assert (source.partial, source.fetched) == (None, None)


async def test_a_failed_download_keeps_its_parts_for_a_retry_and_no_longer(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.01)
    data = os.urandom(12 * MIB)
    async with hosting(data) as host:
        host.script.append(breaking_at(8 * MIB))
        host.otherwise = responding(500, "Content-Length: 0")
        job = await run(services, settings, host)
        assert job.dead
        await clean_up(services, job)
        assert await uploads_of(services, job) == 1
        async with working(settings):
            host.otherwise = deliver
            await services.lifecycle.retry(job.id)
            again = await until_ended(services, job)
        assert (await bundle_of(services, again))["file.bin"] == data
        assert host.requests[-1].start == SOURCE_PART_SIZE

        host.otherwise = responding(500, "Content-Length: 0")
        host.script.append(breaking_at(8 * MIB))
        other = await run(services, settings, host)
        await clean_up(services, other, timedelta(seconds=settings.retry_window + 1))
    assert await uploads_of(services, other) == 0
    assert await objects_of(services, other) == []
