"""Many objects looked at: the answer is that of a HEAD for each, and what it takes is counted by a proxy."""

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
from tests.busy_store import Storm, answer_of, error_of, slow_down, storm
from tests.jobs.storage.faults import closed_port
from tests.jobs.storage.test_objects import KEYS, TYPE

NAMES = [f"folder/{number:04}" for number in range(200)]


@pytest.fixture
async def way(store_settings: Settings) -> AsyncIterator[Storm]:
    """The proxy that `storage` asks."""
    async with storm(store_settings.s3_endpoint) as it:
        yield it


@pytest.fixture
async def storage(store_settings: Settings, way: Storm) -> AsyncIterator[Storage]:
    async with Storage.open(store_settings.model_copy(update={"s3_endpoint": way.url})) as opened:
        yield opened
        way.answer = lambda _: None
        # The MinIO client of `store_settings` does not get at all odd names.
        await opened.objects.delete([info.key async for info in opened.objects.list("")])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has 20 objects, and is worth it from 4 on."""
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


async def looked(storage: Storage, way: Storm, keys: Iterable[str]) -> dict[str, int]:
    """What a look took; it must have found what HEADs do."""
    keys = list(keys)
    expected = await by_heads(storage, keys)
    way.asked.clear()
    assert await storage.bulk_head.head(keys) == expected
    taken = dict(way.asked)
    return {"lists": taken.pop("get", 0), "heads": taken.pop("head", 0)} | taken


async def test_a_dense_folder_takes_one_page(storage: Storage, way: Storm) -> None:
    await put(storage, [*NAMES, "folder2/0000", "other"])
    # The first key, which is where the page begins, and one that is on the page.
    assert await looked(storage, way, NAMES) == {"lists": 1, "heads": 2}
    assert await looked(storage, way, NAMES[50:120]) == {"lists": 1, "heads": 2}
    assert await looked(storage, way, [*NAMES[:100], *NAMES[:100]]) == {"lists": 1, "heads": 2}


async def test_few_keys_take_no_page(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES)
    assert await looked(storage, way, NAMES[: bulk_head.MIN_KEYS_PER_PAGE - 1]) == {
        "lists": 0,
        "heads": bulk_head.MIN_KEYS_PER_PAGE - 1,
    }
    assert await looked(storage, way, []) == {"lists": 0, "heads": 0}


async def test_who_wants_no_pages_gets_none(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES[:80])
    way.asked.clear()
    assert (await storage.bulk_head.head(NAMES[:80], listings=False)).keys() == set(NAMES[:80])
    assert way.asked == {"head": 80}


async def test_what_is_missing_is_asked_for(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES[:90])
    wanted = [*NAMES[10:100], "folder", "folder/0", "folder/0020a", "folder/0020/a", "none"]
    assert await looked(storage, way, wanted) == {"lists": 1, "heads": 1 + len(wanted) - 80}
    assert await looked(storage, way, NAMES[100:]) == {"lists": 1, "heads": 100}


@pytest.mark.usefixtures("small")
async def test_a_sparse_folder_takes_one_page_in_vain(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES)
    assert await looked(storage, way, NAMES[::10]) == {"lists": 1, "heads": 20 - 2 + 1}


@pytest.mark.usefixtures("small")
async def test_further_pages_are_as_many_as_the_first_one_lets_expect(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES)
    # The keys that the first two pages begin behind, each other one being on the page before, and one of each page.
    assert await looked(storage, way, NAMES) == {"lists": 10, "heads": 2 + 10}
    assert await looked(storage, way, NAMES[::4]) == {"lists": 10, "heads": 2 + 10}


@pytest.mark.usefixtures("small")
async def test_no_more_calls_are_under_way_than_may_be(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
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
async def test_folders_within_folders(storage: Storage, way: Storm) -> None:
    names = [f"{folder}{number}" for folder in ("", "a/", "a/b/", "a-/", "a0/", "ab/c/") for number in range(12)]
    await put(storage, names)
    taken = await looked(storage, way, [*names, "a", "a/b", "a/x", "zz"])
    assert taken["lists"] >= 6
    assert taken["heads"] < len(names)


@pytest.mark.usefixtures("small")
async def test_odd_names(storage: Storage, way: Storm) -> None:
    folders = ("", "a b+c/", "100%/%41/", "ünïcödé/é/", "*[x]~^|{y}/")
    names = [folder + key for folder in folders for key in KEYS]
    await put(storage, names)
    taken = await looked(storage, way, [*names, "a%20b", "a b", "a%2Bb", "100%25/%41/plain.zip", "e\u0301", "\u00e9"])
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
        except StorageFault:  # SeaweedFS has files and folders, and refuses one where the other is
            continue
    wanted = [top + key for key in there | also]
    assert await storage.bulk_head.head(wanted) == await by_heads(storage, wanted)


async def test_a_folders_marker_is_no_file(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES[:80])
    await storage.multipart._put_client.put("put_object", {"Bucket": storage.bucket.name, "Key": "folder/0040x/"}, b"")  # noqa: SLF001
    assert await looked(storage, way, [*NAMES[:80], "folder/0040x"]) == {"lists": 1, "heads": 3}


async def test_empty_files_are_there(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES[:80])
    await storage.objects.put("folder/0040x", b"", TYPE)
    await looked(storage, way, [*NAMES[:80], "folder/0040x"])


def listing(infos: Iterable[ObjectInfo], etag: str = "", size: int = 0) -> bytes:
    """A page that says something else than HEAD does."""
    entries = "".join(
        f"<Contents><Key>{info.key}</Key><Size>{info.size + size}</Size><ETag>{etag or info.etag}</ETag>"
        f"<LastModified>{info.last_modified:%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
        for info in infos
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()


@pytest.mark.parametrize("lie", [{"etag": "&quot;0123&quot;"}, {"size": 1}, {"etag": "&quot;&quot;"}])
async def test_a_listing_that_differs_from_head_is_not_believed(
    storage: Storage, way: Storm, lie: dict[str, str | int]
) -> None:
    await put(storage, NAMES[:80])
    infos = await by_heads(storage, NAMES[:80])
    page = answer_of("200 OK", listing(infos.values(), **lie))  # type: ignore[arg-type]
    way.answer = lambda head: page if head.startswith(b"GET") else None
    assert await looked(storage, way, NAMES[:80]) == {"lists": 1, "heads": 80}


async def test_an_entry_without_an_etag_is_asked_for(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES[:80])
    infos = await by_heads(storage, NAMES[:80])
    page = listing(infos.values()).replace(infos[NAMES[7]].etag.encode(), b"")
    way.answer = lambda head: answer_of("200 OK", page) if head.startswith(b"GET") else None
    assert await looked(storage, way, NAMES[:80]) == {"lists": 1, "heads": 3}


async def test_a_listing_of_what_is_gone_is_not_believed(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES[:80])
    infos = await by_heads(storage, NAMES[:80])
    page = answer_of("200 OK", listing(infos.values()))
    way.answer = lambda head: page if head.startswith(b"GET") else None
    await storage.objects.delete(NAMES[:80])
    assert await storage.bulk_head.head(NAMES[:80]) == {}


REFUSALS = {
    "forbidden": answer_of("403 Forbidden", error_of("AccessDenied")),
    "unknown": answer_of("501 Not Implemented", error_of("NotImplemented")),
    "broken": answer_of("500 Internal Server Error", error_of("InternalError")),
    "gone": answer_of("404 Not Found", error_of("NoSuchKey")),
    "no XML": answer_of("200 OK", b"hello"),
    "silent": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<",
    "busy": slow_down(b"GET"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_store_that_does_not_list_is_asked_by_head(
    storage: Storage, way: Storm, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    """In six folders at once: more often than opens a circuit."""
    monkeypatch.setattr(objects, "PAGE_TIMEOUT", 0.5)
    await put(storage, NAMES[:80])
    way.answer = lambda head: REFUSALS[refusal] if head.startswith(b"GET") else None
    keys = [f"{folder}/{number}" for folder in range(6) for number in range(80)] + NAMES[:80]
    assert (await looked(storage, way, keys))["heads"] == len(keys)
    assert storage.bucket.breaker.state is Circuit.CLOSED


async def test_a_busy_store_is_asked_for_the_page_again(storage: Storage, way: Storm) -> None:
    await put(storage, NAMES[:80])
    way.once("get", slow_down(b"GET"))
    assert await looked(storage, way, NAMES[:80]) == {"lists": 2, "heads": 2}


async def test_a_store_that_is_away_is_an_error(store_settings: Settings) -> None:
    async with Storage.open(store_settings.model_copy(update={"s3_endpoint": closed_port()})) as away:
        with pytest.raises(StorageUnreachable):
            await away.bulk_head.head(NAMES)


async def test_a_bucket_that_is_not_there_is_an_error(store_settings: Settings) -> None:
    async with Storage.open(store_settings.model_copy(update={"s3_bucket_name": f"none-{uuid4().hex}"})) as none:
        with pytest.raises(StorageFault, match="does not exist in the store"):
            await none.bulk_head.head(NAMES)


@pytest.mark.parametrize("key", ["", "/a", "folder/", "folder//b", "folder/../b", "folder/tab\t"])
@pytest.mark.parametrize("number", [1, 200])
async def test_a_key_that_would_mean_another_object_is_refused(storage: Storage, key: str, number: int) -> None:
    with pytest.raises(InvalidRequest):
        await storage.bulk_head.head([*NAMES[:number], key])


async def test_what_is_cancelled_asks_no_more(storage: Storage, way: Storm) -> None:
    way.answer = lambda head: REFUSALS["silent"] if head.startswith(b"GET") else None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await storage.bulk_head.head(NAMES)
    assert way.asked == {"get": 1}
