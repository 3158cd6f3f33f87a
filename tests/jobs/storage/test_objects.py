"""Objects on a real store: round trips, ranges, pinned reads, listings, deletions."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from jobs.errors import InvalidRequest, ObjectMissing, SourceChanged
from jobs.storage import ObjectInfo, Storage
from jobs.storage.object_writer import MAX_PARTS_IN_FLIGHT, PART_SIZE, ObjectWriter, _parts
from tests.jobs.storage.keys import KEYS, TYPE


async def _read(storage: Storage, info: ObjectInfo, start: int = 0, stop: int | None = None) -> bytes:
    return b"".join([bytes(c) async for c in storage.objects.read(info.key, info.etag, start, stop or info.size)])


async def _stream(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def test_put_then_read(storage: Storage) -> None:
    data = os.urandom(300_000)
    put = await storage.objects.put("a/b.bin", data, TYPE)
    assert (put.key, put.size) == ("a/b.bin", len(data))
    assert "-" not in put.etag  # one request, not a multipart upload
    assert abs(put.last_modified - datetime.now(UTC)) < timedelta(minutes=5)
    assert await storage.objects.head("a/b.bin") == put
    assert await _read(storage, put) == data


async def test_put_replaces(storage: Storage) -> None:
    first = await storage.objects.put("a", b"one", TYPE)
    second = await storage.objects.put("a", b"two", TYPE)
    assert first.etag != second.etag
    assert await _read(storage, second) == b"two"


@pytest.mark.parametrize("key", KEYS)
async def test_any_key_round_trips(storage: Storage, key: str) -> None:
    put = await storage.objects.put(key, key.encode(), TYPE)
    assert put.key == key
    assert await _read(storage, put) == key.encode()
    assert [info async for info in storage.objects.list("")] == [put]
    await storage.objects.delete([key])
    with pytest.raises(ObjectMissing):
        await storage.objects.head(key)


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "a/../b", "./a", "a/.", "tab\t", "new\nline", "\x7f"])
async def test_an_ambiguous_key_is_rejected(storage: Storage, key: str) -> None:
    with pytest.raises(InvalidRequest):
        await storage.objects.head(key)
    with pytest.raises(InvalidRequest):
        await storage.objects.put(key, b"x", TYPE)
    with pytest.raises(InvalidRequest):
        await storage.objects.delete([key])
    with pytest.raises(InvalidRequest):
        await anext(storage.objects.read(key, '"x"', 0, 1))


async def test_zero_bytes(storage: Storage) -> None:
    put = await storage.objects.put("empty", b"", TYPE)
    assert put.size == 0
    assert await _read(storage, put) == b""
    streamed = await storage.objects.put("empty2", _stream(b""), TYPE)
    assert streamed.size == 0


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 1000), (1, 2), (999, 1000), (500, 700), (7, 7)])
async def test_ranges(storage: Storage, start: int, stop: int) -> None:
    data = os.urandom(1000)
    info = await storage.objects.put("a", data, TYPE)
    assert await _read(storage, info, start, stop) == data[start:stop]


async def test_a_range_past_the_end_is_not_a_short_read(storage: Storage) -> None:
    info = await storage.objects.put("a", b"x" * 10, TYPE)
    with pytest.raises(SourceChanged):
        await _read(storage, info, 5, 11)


async def test_a_changed_object_is_not_read(storage: Storage) -> None:
    old = await storage.objects.put("a", b"old!", TYPE)
    await storage.objects.put("a", b"new!", TYPE)
    with pytest.raises(SourceChanged):
        await _read(storage, old)


async def test_etags_are_the_same_everywhere(storage: Storage) -> None:
    upload_id = await storage.multipart.create("a", TYPE)
    part = await storage.multipart.upload_part("a", upload_id, 1, b"x" * 1000)
    completed = await storage.multipart.complete("a", upload_id, [(1, part)])
    info = await storage.objects.head("a")
    [listed] = [info async for info in storage.objects.list("")]
    assert completed == info.etag == listed.etag
    assert part.startswith('"')
    assert completed.startswith('"')
    assert await _read(storage, info) == b"x" * 1000


async def test_missing_key(storage: Storage) -> None:
    with pytest.raises(ObjectMissing, match=r"checking 'nope'"):
        await storage.objects.head("nope")
    with pytest.raises(ObjectMissing):
        await anext(storage.objects.read("nope", '"x"', 0, 1))


async def test_a_stream_of_many_parts(storage: Storage) -> None:
    data = os.urandom(20 * 1024 * 1024)
    put = await storage.objects.put("big", _stream(data), TYPE)
    assert put.size == len(data)
    assert await _read(storage, put) == data
    assert put.etag.endswith('-3"')  # 8 + 8 + 4 MiB
    assert await storage.multipart.list_uploads("big") == []


async def test_a_stream_that_ends_with_a_full_part(storage: Storage) -> None:
    put = await storage.objects.put("big", _stream(b"x" * PART_SIZE, PART_SIZE), TYPE)
    assert put.size == PART_SIZE
    assert put.etag.endswith('-1"')  # and no empty part after it


async def test_the_stream_is_not_read_far_ahead(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = sent = most = 0
    upload_part = storage.multipart.upload_part

    async def counting(key: str, upload_id: str, number: int, body: bytearray, crc32: int | None) -> str:
        nonlocal sent
        etag = await upload_part(key, upload_id, number, body, crc32)
        sent += len(body)
        return etag

    async def stream() -> AsyncIterator[bytes]:
        nonlocal asked, most
        for _ in range(6 * 8):
            asked += PART_SIZE // 8
            most = max(most, asked - sent)
            yield bytes(PART_SIZE // 8)

    monkeypatch.setattr(storage.multipart, "upload_part", counting)
    await storage.objects.put("big", stream(), TYPE)
    assert asked == sent == 6 * PART_SIZE
    assert most <= (MAX_PARTS_IN_FLIGHT + 1) * PART_SIZE


async def test_a_failed_stream_leaves_nothing(storage: Storage) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(PART_SIZE)
        message = "the source broke"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="the source broke"):
        await storage.objects.put("big", broken(), TYPE)
    assert await storage.multipart.list_uploads("big") == []
    with pytest.raises(ObjectMissing):
        await storage.objects.head("big")


async def test_an_object_overwritten_by_another_writer_is_detected(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = ObjectWriter.write

    async def overtaken(
        self: ObjectWriter, key: str, chunks: AsyncIterator[bytes] | bytes, kind: str
    ) -> tuple[str, int]:
        ours = await write(self, key, chunks, kind)
        await write(self, key, b"theirs", kind)
        return ours

    monkeypatch.setattr(ObjectWriter, "write", overtaken)
    with pytest.raises(SourceChanged):
        await storage.objects.put("k", b"our's ", TYPE)


async def test_part_sizes_grow_so_that_ten_thousand_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.storage.object_writer.PART_SIZE", 2)
    monkeypatch.setattr("jobs.storage.object_writer.PARTS_PER_SIZE", 3)
    assert [len(part) async for part in _parts(_stream(bytes(25), 5))] == [2, 2, 2, 4, 4, 4, 7]


async def test_delete_many_and_missing(storage: Storage) -> None:
    await storage.objects.put("a", b"1", TYPE)
    await storage.objects.put("b", b"2", TYPE)
    await storage.objects.put("c", b"3", TYPE)
    await storage.objects.delete(["a", "never there", "c"])
    await storage.objects.delete(["a"])
    await storage.objects.delete([])
    assert [info.key async for info in storage.objects.list("")] == ["b"]


async def test_list_takes_more_than_one_page(storage: Storage) -> None:
    names = [f"many/{number:04}" for number in range(1005)]
    await storage.objects.put("other", b"", TYPE)
    await storage.objects.put("many2/x", b"", TYPE)
    for name in names:
        await storage.multipart._put_client.put("put_object", {"Bucket": storage.bucket.name, "Key": name}, b"")  # noqa: SLF001
    assert sorted([info.key async for info in storage.objects.list("many/")]) == names
    await storage.objects.delete(names)  # more than one request holds
    assert sorted([info.key async for info in storage.objects.list("")]) == ["many2/x", "other"]


async def test_list_takes_whole_folders_only(storage: Storage) -> None:
    with pytest.raises(ValueError, match="must end with '/'"):
        await anext(storage.objects.list("man"))
    assert [info async for info in storage.objects.list("none/")] == []


@pytest.mark.parametrize("good", [0, PART_SIZE + 1])
async def test_errors_of_the_source_are_raised_unchanged(storage: Storage, good: int) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield bytes(good)
        raise OSError("the disk is broken")

    with pytest.raises(OSError, match="the disk is broken"):
        await storage.objects.put("a", failing(), TYPE)
    with pytest.raises(ObjectMissing):
        await storage.objects.head("a")
