"""Bulk HEAD: its result is that of one HEAD per object, and a proxy counts the requests that it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.breakers import Circuit
from jobs.concurrency import map_limited
from jobs.errors import InvalidRequest, ObjectMissing, StorageFault, StorageUnreachable
from jobs.settings import Settings
from jobs.storage import ObjectInfo, Storage, bulk_head, objects
from tests.helpers.busy_store import InterceptingProxy, http_response, intercepting, s3_error, slow_down
from tests.jobs.storage.faults import closed_port
from tests.jobs.storage.keys import KEYS, TYPE
from tests.jobs.storage.listings import listing

NAMES = [f"folder/{number:04}" for number in range(200)]


@pytest.fixture
async def proxy(store_settings: Settings) -> AsyncIterator[InterceptingProxy]:
    """The proxy between `storage` and the store."""
    async with intercepting(store_settings.s3_endpoint) as it:
        yield it


@pytest.fixture
async def storage(store_settings: Settings, proxy: InterceptingProxy) -> AsyncIterator[Storage]:
    async with Storage.open(store_settings.model_copy(update={"s3_endpoint": proxy.url})) as opened:
        yield opened
        proxy.respond = lambda _: None
        # The MinIO client of `store_settings` cannot delete all odd names.
        await opened.objects.delete([info.key async for info in opened.objects.list("")])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has 20 objects, and is requested for 4 keys or more."""
    monkeypatch.setattr(objects, "LIST_PAGE_SIZE", 20)
    monkeypatch.setattr(bulk_head, "MIN_KEYS_PER_PAGE", 4)


async def put(storage: Storage, keys: Iterable[str]) -> None:
    async def one(key: str) -> None:
        await storage.objects.put(key, key.encode(), TYPE)

    await map_limited(one, keys, 16)


async def by_heads(storage: Storage, keys: Iterable[str]) -> dict[str, ObjectInfo]:
    async def one(key: str) -> ObjectInfo | None:
        try:
            return await storage.objects.head(key)
        except ObjectMissing:
            return None

    found = await map_limited(one, keys, 16)
    return {info.key: info for info in found if info is not None}


async def requests_of(storage: Storage, proxy: InterceptingProxy, keys: Iterable[str]) -> dict[str, int]:
    """Return the requests that a bulk HEAD took, after comparing its result with that of single HEADs."""
    keys = list(keys)
    expected = await by_heads(storage, keys)
    proxy.requests.clear()
    assert await storage.bulk_head.head(keys) == expected
    taken = dict(proxy.requests)
    return {"lists": taken.pop("get", 0), "heads": taken.pop("head", 0)} | taken


async def test_a_dense_folder_takes_one_page(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, [*NAMES, "folder2/0000", "other"])
    # The first key, after which the page begins, and the sample of the page.
    assert await requests_of(storage, proxy, NAMES) == {"lists": 1, "heads": 2}
    assert await requests_of(storage, proxy, NAMES[50:120]) == {"lists": 1, "heads": 2}
    assert await requests_of(storage, proxy, [*NAMES[:100], *NAMES[:100]]) == {"lists": 1, "heads": 2}


async def test_few_keys_take_no_page(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES)
    assert await requests_of(storage, proxy, NAMES[: bulk_head.MIN_KEYS_PER_PAGE - 1]) == {
        "lists": 0,
        "heads": bulk_head.MIN_KEYS_PER_PAGE - 1,
    }
    assert await requests_of(storage, proxy, []) == {"lists": 0, "heads": 0}


async def test_without_listings_every_key_takes_a_head(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES[:80])
    proxy.requests.clear()
    assert (await storage.bulk_head.head(NAMES[:80], listings=False)).keys() == set(NAMES[:80])
    assert proxy.requests == {"head": 80}


async def test_missing_keys_take_a_head_each(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES[:90])
    wanted = [*NAMES[10:100], "folder", "folder/0", "folder/0020a", "folder/0020/a", "none"]
    assert await requests_of(storage, proxy, wanted) == {"lists": 1, "heads": 1 + len(wanted) - 80}
    assert await requests_of(storage, proxy, NAMES[100:]) == {"lists": 1, "heads": 100}


@pytest.mark.usefixtures("small")
async def test_a_sparse_folder_takes_one_useless_page(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES)
    assert await requests_of(storage, proxy, NAMES[::10]) == {"lists": 1, "heads": 20 - 2 + 1}


@pytest.mark.usefixtures("small")
async def test_the_number_of_pages_is_estimated_from_the_first(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES)
    # The keys after which the first two pages begin (the others are on the page before), and the sample of each page.
    assert await requests_of(storage, proxy, NAMES) == {"lists": 10, "heads": 2 + 10}
    assert await requests_of(storage, proxy, NAMES[::4]) == {"lists": 10, "heads": 2 + 10}


@pytest.mark.usefixtures("small")
async def test_concurrent_calls_are_limited(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_head, "MAX_CONCURRENT_CALLS", 3)
    under_way = most = 0

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        async def counting(*arguments: str) -> object:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await call(*arguments)  # type: ignore[misc]
            finally:
                under_way -= 1

        return counting

    monkeypatch.setattr(storage.objects, "head", counted(storage.objects.head))
    monkeypatch.setattr(storage.objects, "list_page", counted(storage.objects.list_page))
    await put(storage, NAMES[:40])
    most = 0
    await storage.bulk_head.head([*NAMES, *(f"{number}/a" for number in range(20))])
    assert most == 3


@pytest.mark.usefixtures("small")
async def test_nested_folders(storage: Storage, proxy: InterceptingProxy) -> None:
    names = [f"{folder}{number}" for folder in ("", "a/", "a/b/", "a-/", "a0/", "ab/c/") for number in range(12)]
    await put(storage, names)
    taken = await requests_of(storage, proxy, [*names, "a", "a/b", "a/x", "zz"])
    assert taken["lists"] >= 6
    assert taken["heads"] < len(names)


@pytest.mark.usefixtures("small")
async def test_odd_names(storage: Storage, proxy: InterceptingProxy) -> None:
    folders = ("", "a b+c/", "100%/%41/", "ünïcödé/é/", "*[x]~^|{y}/")
    names = [folder + key for folder in folders for key in KEYS]
    await put(storage, names)
    taken = await requests_of(
        storage, proxy, [*names, "a%20b", "a b", "a%2Bb", "100%25/%41/plain.zip", "e\u0301", "\u00e9"]
    )
    assert taken["heads"] < len(names)


PARTS = st.sampled_from(["a", "a-", "b", "0", "ü", "😀", "%", "+ "])


@pytest.mark.usefixtures("small")
@given(
    there=st.sets(st.lists(PARTS, min_size=1, max_size=3).map("/".join), max_size=12),
    also=st.sets(st.lists(PARTS, min_size=1, max_size=3).map("/".join), max_size=6),
)
@example(there={"a", "a-", "a-/b", "b/a", "b/a-", "b/b", "b/0"}, also={"a/b", "a/a"})
@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_keys(storage: Storage, there: set[str], also: set[str]) -> None:
    top = f"{uuid4().hex}/"
    for key in sorted(there):
        try:
            await put(storage, [top + key])
        except StorageFault:  # SeaweedFS has files and folders, and rejects one where the other exists
            continue
    wanted = [top + key for key in there | also]
    assert await storage.bulk_head.head(wanted) == await by_heads(storage, wanted)


async def test_a_folder_marker_is_not_an_object(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES[:80])
    await storage.multipart._put_client.put("put_object", {"Bucket": storage.bucket.name, "Key": "folder/0040x/"}, b"")  # noqa: SLF001
    assert await requests_of(storage, proxy, [*NAMES[:80], "folder/0040x"]) == {"lists": 1, "heads": 3}


async def test_empty_objects_are_found(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES[:80])
    await storage.objects.put("folder/0040x", b"", TYPE)
    await requests_of(storage, proxy, [*NAMES[:80], "folder/0040x"])


@pytest.mark.parametrize("lie", [{"etag": "&quot;0123&quot;"}, {"size": 1}, {"etag": "&quot;&quot;"}])
async def test_a_listing_that_differs_from_head_is_not_used(
    storage: Storage, proxy: InterceptingProxy, lie: dict[str, str | int]
) -> None:
    await put(storage, NAMES[:80])
    infos = await by_heads(storage, NAMES[:80])
    page = http_response("200 OK", listing(infos.values(), **lie))  # type: ignore[arg-type]
    proxy.respond = lambda head: page if head.startswith(b"GET") else None
    assert await requests_of(storage, proxy, NAMES[:80]) == {"lists": 1, "heads": 80}


async def test_an_entry_without_an_etag_takes_a_head(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES[:80])
    infos = await by_heads(storage, NAMES[:80])
    page = listing(infos.values()).replace(infos[NAMES[7]].etag.encode(), b"")
    proxy.respond = lambda head: http_response("200 OK", page) if head.startswith(b"GET") else None
    assert await requests_of(storage, proxy, NAMES[:80]) == {"lists": 1, "heads": 3}


async def test_a_listing_of_deleted_objects_is_not_used(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES[:80])
    infos = await by_heads(storage, NAMES[:80])
    page = http_response("200 OK", listing(infos.values()))
    proxy.respond = lambda head: page if head.startswith(b"GET") else None
    await storage.objects.delete(NAMES[:80])
    assert await storage.bulk_head.head(NAMES[:80]) == {}


REFUSALS = {
    "forbidden": http_response("403 Forbidden", s3_error("AccessDenied")),
    "unknown": http_response("501 Not Implemented", s3_error("NotImplemented")),
    "broken": http_response("500 Internal Server Error", s3_error("InternalError")),
    "gone": http_response("404 Not Found", s3_error("NoSuchKey")),
    "no XML": http_response("200 OK", b"hello"),
    "silent": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<",
    "busy": slow_down(b"GET"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_without_a_usable_listing_every_key_takes_a_head(
    storage: Storage, proxy: InterceptingProxy, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    """In six folders at once: more failures than open a circuit."""
    monkeypatch.setattr(objects, "PAGE_TIMEOUT", 0.5)
    await put(storage, NAMES[:80])
    proxy.respond = lambda head: REFUSALS[refusal] if head.startswith(b"GET") else None
    keys = [f"{folder}/{number}" for folder in range(6) for number in range(80)] + NAMES[:80]
    assert (await requests_of(storage, proxy, keys))["heads"] == len(keys)
    assert storage.bucket.breaker.state is Circuit.CLOSED


async def test_a_page_is_retried_when_the_store_is_busy(storage: Storage, proxy: InterceptingProxy) -> None:
    await put(storage, NAMES[:80])
    proxy.once("get", slow_down(b"GET"))
    assert await requests_of(storage, proxy, NAMES[:80]) == {"lists": 2, "heads": 2}


async def test_an_unavailable_store_is_an_error(store_settings: Settings) -> None:
    async with Storage.open(store_settings.model_copy(update={"s3_endpoint": closed_port()})) as away:
        with pytest.raises(StorageUnreachable):
            await away.bulk_head.head(NAMES)


async def test_a_missing_bucket_is_an_error(store_settings: Settings) -> None:
    async with Storage.open(store_settings.model_copy(update={"s3_bucket_name": f"none-{uuid4().hex}"})) as none:
        with pytest.raises(StorageFault, match="does not exist in the store"):
            await none.bulk_head.head(NAMES)


@pytest.mark.parametrize("key", ["", "/a", "folder/", "folder//b", "folder/../b", "folder/tab\t"])
@pytest.mark.parametrize("number", [1, 200])
async def test_an_ambiguous_key_is_rejected(storage: Storage, key: str, number: int) -> None:
    with pytest.raises(InvalidRequest):
        await storage.bulk_head.head([*NAMES[:number], key])


async def test_cancelling_ends_the_requests(storage: Storage, proxy: InterceptingProxy) -> None:
    proxy.respond = lambda head: REFUSALS["silent"] if head.startswith(b"GET") else None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await storage.bulk_head.head(NAMES)
    assert proxy.requests == {"get": 1}
