"""Every failure of the store becomes the right error of the domain, in time, and without secrets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from jobs.errors import (
    HaulageError,
    ObjectMissing,
    SourceChanged,
    StorageFault,
    StorageTimeout,
    StorageUnreachable,
)
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.storage.error_translation import translate_errors
from tests.jobs.storage.faults import closed_port, full_backlog, hang, hang_up, relaying, responding, serving
from tests.jobs.storage.stores import MakeSettings

MIB = 1024 * 1024
TYPE = "application/zip"
Call = Callable[[Storage], Awaitable[object]]


async def _all(stream: AsyncIterator[object]) -> list[object]:
    return [each async for each in stream]


async def _collect(stream: AsyncIterator[bytes], sizes: list[int]) -> None:
    async for chunk in stream:
        sizes.append(len(chunk))  # noqa: PERF401 - those before an error count too


CALLS: dict[str, Call] = {
    "head": lambda storage: storage.objects.head("k"),
    "read": lambda storage: _all(storage.objects.read("k", '"x"', 0, 1)),
    "put": lambda storage: storage.objects.put("k", b"x", TYPE),
    "put of a large one": lambda storage: storage.objects.put("k", bytes(9 * MIB), TYPE),
    "delete": lambda storage: storage.objects.delete(["k"]),
    "list": lambda storage: _all(storage.objects.list("bundles/")),
    "create": lambda storage: storage.multipart.create("k", TYPE),
    "upload_part": lambda storage: storage.multipart.upload_part("k", "id", 1, b"x"),
    "complete": lambda storage: storage.multipart.complete("k", "id", [(1, '"x"')]),
    "abort": lambda storage: storage.multipart.abort("k", "id"),
    "list_uploads": lambda storage: storage.multipart.list_uploads("k"),
    "ensure": lambda storage: storage.bucket.ensure(),
    "check": lambda storage: storage.bucket.check(),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


def _says_nothing_secret(error: HaulageError, settings: Settings) -> None:
    trace = "".join(
        str(each) for each in (error, error.__cause__, error.__context__ if not error.__suppress_context__ else "")
    )
    for secret in (settings.s3_secret_access_key.get_secret_value(), settings.s3_access_key_id, "X-Amz-", "127.0.0.1"):
        assert secret not in trace


@every_call
async def test_a_closed_port_is_unreachable(make_settings: MakeSettings, call: Call) -> None:
    settings = make_settings(s3_endpoint=closed_port())
    async with Storage.open(settings) as storage:
        with pytest.raises(StorageUnreachable) as caught:
            await call(storage)
    _says_nothing_secret(caught.value, settings)


@every_call
async def test_a_host_that_accepts_no_connection_is_unreachable_in_time(
    make_settings: MakeSettings, call: Call
) -> None:
    async with (
        full_backlog() as endpoint,
        Storage.open(make_settings(s3_endpoint=endpoint, s3_connect_timeout=0.3)) as storage,
    ):
        began = time.monotonic()
        with pytest.raises(StorageUnreachable):
            await call(storage)
        assert 0.25 < time.monotonic() - began < 2


@every_call
async def test_a_store_that_never_responds_times_out(make_settings: MakeSettings, call: Call) -> None:
    short = {"s3_connect_timeout": 0.3, "s3_idle_timeout": 0.3, "s3_complete_timeout": 0.3}
    async with serving(hang) as endpoint:
        settings = make_settings(s3_endpoint=endpoint, **short)
        async with Storage.open(settings) as storage:
            began = time.monotonic()
            with pytest.raises(StorageTimeout) as caught:
                await call(storage)
            assert 0.25 < time.monotonic() - began < 2
    _says_nothing_secret(caught.value, settings)


@every_call
async def test_a_closed_connection_is_unreachable(make_settings: MakeSettings, call: Call) -> None:
    async with serving(hang_up) as endpoint, Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
        with pytest.raises(StorageUnreachable):
            await call(storage)


@every_call
async def test_an_overloaded_store_is_a_fault(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    monkeypatch.setattr("jobs.storage.bucket.HEAD_RETRY_TIMEOUT", 0)
    async with (
        serving(responding("503 Slow Down")) as endpoint,
        Storage.open(make_settings(s3_endpoint=endpoint)) as storage,
    ):
        with pytest.raises(StorageFault, match="503"):
            await call(storage)


@every_call
async def test_a_redirect_is_an_error(make_settings: MakeSettings, call: Call) -> None:
    moved = responding("307 Temporary Redirect", Location=closed_port())
    async with serving(moved) as endpoint, Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
        with pytest.raises((StorageFault, StorageUnreachable)):  # only obstore follows the redirect
            await call(storage)


@every_call
@pytest.mark.usefixtures("store_settings")  # the bucket exists
@pytest.mark.parametrize("wrong", [{"s3_secret_access_key": "wrong-secret"}, {"s3_access_key_id": "wrong-key"}])
async def test_wrong_credentials_are_a_fault_that_says_so(
    make_settings: MakeSettings, call: Call, wrong: dict[str, str]
) -> None:
    settings = make_settings(**wrong)
    async with Storage.open(settings) as storage:
        with pytest.raises(StorageFault, match="denied access") as caught:
            await call(storage)
    _says_nothing_secret(caught.value, settings)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in {"ensure", "abort"}])
async def test_a_missing_bucket_is_never_a_missing_object(storage: Storage, name: str) -> None:
    storage.bucket._admin_client.client.remove_bucket(storage.bucket.name)  # noqa: SLF001
    try:
        await CALLS[name](storage)
    except StorageFault as error:
        assert error.message == f"The bucket {storage.bucket.name!r} does not exist in the store."  # noqa: PT017
    else:
        assert name in {"put", "put of a large one", "create"}
        await storage.bucket.check()
        pytest.skip("this store makes buckets by itself")


@pytest.mark.parametrize("cut", [0, 400, 100_000, 9_999_999])
async def test_a_body_that_is_cut_is_unreachable(
    store_settings: Settings, make_settings: MakeSettings, storage: Storage, cut: int
) -> None:
    info = await storage.objects.put("k", bytes(10 * MIB), TYPE)
    async with serving(relaying(store_settings.s3_endpoint, cut_down=cut)) as endpoint:
        async with Storage.open(make_settings(s3_endpoint=endpoint)) as cut_blobs:
            with pytest.raises(StorageUnreachable):
                await _all(cut_blobs.objects.read("k", info.etag, 0, info.size))


async def test_a_body_that_stalls_times_out(
    store_settings: Settings, make_settings: MakeSettings, storage: Storage
) -> None:
    info = await storage.objects.put("k", bytes(10 * MIB), TYPE)
    async with serving(relaying(store_settings.s3_endpoint, stall_down=2 * MIB)) as endpoint:
        async with Storage.open(make_settings(s3_endpoint=endpoint, s3_idle_timeout=0.3)) as stalled:
            sizes: list[int] = []
            began = time.monotonic()
            with pytest.raises(StorageTimeout):
                await _collect(stalled.objects.read("k", info.etag, 0, info.size), sizes)
            assert MIB < sum(sizes) < 3 * MIB
            assert time.monotonic() - began < 3


@pytest.mark.parametrize("cut", [0, 200, 3 * MIB])
async def test_a_part_whose_connection_is_cut_is_unreachable(
    store_settings: Settings, make_settings: MakeSettings, storage: Storage, cut: int
) -> None:
    upload_id = await storage.multipart.create("k", TYPE)
    async with serving(relaying(store_settings.s3_endpoint, cut_up=cut)) as endpoint:
        async with Storage.open(make_settings(s3_endpoint=endpoint)) as cut_blobs:
            with pytest.raises(StorageUnreachable):
                await cut_blobs.multipart.upload_part("k", upload_id, 1, bytes(10 * MIB))


async def test_a_store_that_ignores_if_match_is_detected(make_settings: MakeSettings) -> None:
    headers: dict[str, str] = {
        "ETag": '"new"',
        "Last_Modified": "Sat, 21 Nov 2026 11:14:55 GMT",
        "Content_Range": "bytes 0-3/4",
    }
    async with serving(responding("206 Partial Content", b"new!", **headers)) as endpoint:
        async with Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
            with pytest.raises(SourceChanged):
                await _all(storage.objects.read("k", '"old"', 0, 4))


async def test_a_truncated_successful_response_is_unreachable(make_settings: MakeSettings) -> None:
    headers: dict[str, str] = {"ETag": '"x"', "Last_Modified": "Sat, 21 Nov 2026 11:14:55 GMT"}
    short = responding("206 Partial Content", b"12", Content_Range="bytes 0-3/4", **headers)
    async with serving(short) as endpoint, Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
        with pytest.raises(StorageUnreachable):
            await _all(storage.objects.read("k", '"x"', 0, 4))


async def test_the_health_check_does_not_wait_for_the_idle_time_out(make_settings: MakeSettings) -> None:
    async with (
        serving(hang) as endpoint,
        Storage.open(make_settings(s3_endpoint=endpoint, s3_connect_timeout=0.3)) as storage,
    ):
        began = time.monotonic()
        with pytest.raises(StorageTimeout):
            await storage.bucket.check()
        assert 0.25 < time.monotonic() - began < 2


async def test_an_error_inside_a_successful_delete_is_an_error(make_settings: MakeSettings) -> None:
    body = b"<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>"
    async with serving(responding("200 OK", body, Content_Type="application/xml")) as endpoint:
        async with Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
            with pytest.raises(StorageFault):
                await storage.objects.delete(["k"])


async def test_a_404_of_another_server_is_not_a_missing_object(make_settings: MakeSettings) -> None:
    async with serving(responding("404 Not Found", b"nginx")) as endpoint:
        async with Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
            with pytest.raises(StorageFault, match="does not exist in the store"):
                await storage.objects.head("k")


async def test_a_bucket_deleted_right_after_its_check(storage: Storage) -> None:
    with pytest.raises(ObjectMissing):
        await storage.objects.head("nope")
    storage.bucket._admin_client.client.remove_bucket(storage.bucket.name)  # noqa: SLF001
    with pytest.raises(StorageFault, match="does not exist in the store"):
        await storage.multipart.complete("k", "id", [(1, '"x"')])


async def test_many_missing_objects_check_the_bucket_once(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    looks = 0
    look = storage.bucket._require_exists  # noqa: SLF001

    async def counting() -> None:
        nonlocal looks
        looks += 1
        await look()

    monkeypatch.setattr(storage.bucket, "_require_exists", counting)
    monkeypatch.setattr(storage.bucket, "_clock", lambda: now)
    for _ in range(3):
        with pytest.raises(ObjectMissing):
            await storage.objects.head("nope")
    assert looks == 1
    now += 5
    with pytest.raises(ObjectMissing):
        await storage.objects.head("nope")
    assert looks == 2


def test_a_bug_is_not_translated() -> None:
    with pytest.raises(KeyError), translate_errors("testing", "bucket"):
        dict[str, str]()["x"]
