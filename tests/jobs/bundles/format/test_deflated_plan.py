"""Deflated bundles, written by a small packer that can stop after any part, and read by zipfile."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.bundles.format import deflated_plan, stored_plan
from jobs.bundles.format.checkpoints import Checkpoint, PackedEntry
from jobs.bundles.format.deflated_plan import (
    BundleWriter,
    Chunk,
    DeflatedPlan,
    part_capacity,
    plan_deflated,
    stored_blocks,
)
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.zip_records import Entry, Method
from jobs.errors import BundleTooLarge

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
MIB = 1 << 20
LIMIT = 0xFFFFFFFF
CHUNK, WHOLE = 60, 150
"""The limits of these tests, in bytes."""
NOISE = Random(6).randbytes(2_000)
TEXT = b"2026-11-21T08:00:00Z INFO all is well\n" * 60

files = st.lists(
    st.tuples(st.integers(0, 700), st.sampled_from([NOISE, TEXT, NOISE[:100] + TEXT]), st.booleans()), max_size=9
)
part_sizes = st.integers(30, 900)
Rows = list[tuple[int, bytes, bool]]


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with (
        patch.multiple(deflated_plan, CHUNK_SIZE=CHUNK, MAX_BUFFERED_SIZE=WHOLE),
        patch.object(stored_plan, "MIN_PART_SIZE", 1),
    ):
        yield


def content_of(rows: Rows, number: int) -> bytes:
    size, content, _ = rows[number]
    return content[:size]


def plan_of(rows: Rows, part_size: int) -> DeflatedPlan:
    contents = [content_of(rows, number) for number in range(len(rows))]
    entries = [
        Entry(f"{n}-ä", len(content), zlib.crc32(content) if known else None, None, NOW)
        for n, (content, (_, _, known)) in enumerate(zip(contents, rows, strict=True))
    ]
    return plan_deflated(entries, a_manifest(len(rows)), part_size)


def a_manifest(count: int) -> Manifest:
    return Manifest(NOW, tuple(range(10_000, 10_000 + count)))


def deflate(data: bytes, *, last: bool) -> bytes:
    compressor = zlib.compressobj(1, zlib.DEFLATED, -15)
    compressed = compressor.compress(data) + compressor.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)
    return min(compressed, stored_blocks(data, last=last), key=len)


class SmallPacker:
    """Writes the parts one after the other, from the last checkpoint on."""

    def __init__(self, rows: Rows, plan: DeflatedPlan, kept: list[tuple[bytes, Checkpoint]]) -> None:
        self.rows, self.plan = rows, plan
        self.parts = list(kept)
        self.writer = BundleWriter(plan, [checkpoint for _, checkpoint in kept])
        self.chunks: list[Chunk] = []

    def run(self) -> list[tuple[bytes, Checkpoint]]:
        for chunk in self.plan.chunks(self.writer.entry, self.writer.offset):
            self.add(chunk)
            if self.writer.full_part:
                self.cut()
        self.writer.finish()
        while self.writer.pending:
            self.cut()
        return self.parts

    def add(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        whole = content_of(self.rows, chunk.entry)
        data = whole[chunk.start : chunk.stop]
        deflated = deflate(data, last=chunk.last)
        begun = self.writer.begun
        method = self.plan.method(chunk, len(deflated)) if begun is None else begun.method
        written = data if method is Method.STORED else deflated
        self.writer.add(chunk, written, method, zlib.crc32(whole[: chunk.stop]))

    def cut(self) -> None:
        part, checkpoint = self.writer.next_part(zlib.crc32)
        self.parts.append((bytes(part), checkpoint))


def written(rows: Rows, plan: DeflatedPlan) -> list[tuple[bytes, Checkpoint]]:
    return SmallPacker(rows, plan, []).run()


def bundle_of(parts: list[tuple[bytes, Checkpoint]]) -> bytes:
    return b"".join(part for part, _ in parts)


@given(files, part_sizes)
def test_the_bundle_is_an_archive_of_the_files(rows: Rows, part_size: int) -> None:
    plan = plan_of(rows, part_size)
    bundle = bundle_of(written(rows, plan))
    assert len(bundle) <= plan.max_size
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert archive.testzip() is None
        *infos, last = archive.infolist()
        assert [info.filename for info in infos] == [entry.name for entry in plan.entries]
        for number, info in enumerate(infos):
            assert archive.read(info) == content_of(rows, number)
            assert info.compress_type == 8 or info.compress_size == info.file_size
        listed = json.loads(archive.read(last))["files"]
        assert [row["crc32"] for row in listed] == [f"{info.CRC:08x}" for info in infos]
        assert last.filename == "manifest.json"


@given(files, part_sizes)
def test_parts_have_valid_sizes_and_checkpoints_describe_them(rows: Rows, part_size: int) -> None:
    parts = written(rows, plan_of(rows, part_size))
    assert all(part_size <= len(part) <= part_capacity(part_size) for part, _ in parts[:-1])
    assert 0 < len(parts[-1][0]) <= part_capacity(part_size)
    assert [(kept.size, kept.crc32) for _, kept in parts] == [(len(part), zlib.crc32(part)) for part, _ in parts]


@given(files, part_sizes, st.data())
def test_the_rest_is_written_from_the_checkpoints_of_the_first_parts(
    rows: Rows, part_size: int, data: st.DataObject
) -> None:
    plan = plan_of(rows, part_size)
    whole = written(rows, plan)
    kept = whole[: data.draw(st.integers(0, len(whole)))]
    second = SmallPacker(rows, plan, kept)
    assert second.run() == whole
    *_, place = [(0, 0), *((checkpoint.entry, checkpoint.offset) for _, checkpoint in kept)]
    assert all((chunk.entry, chunk.start) >= place for chunk in second.chunks), "nothing is read again"


@given(files, part_sizes)
def test_local_headers_have_sizes_where_possible(rows: Rows, part_size: int) -> None:
    plan = plan_of(rows, part_size)
    with zipfile.ZipFile(io.BytesIO(bundle_of(written(rows, plan)))) as archive:
        for info, entry in zip(archive.infolist(), plan.entries, strict=False):
            described = bool(info.flag_bits & 8)
            assert not described or (info.compress_type == 8 and entry.size > WHOLE)
            assert described or info.compress_type == 0 or entry.size <= WHOLE


@given(files)
def test_chunks_are_the_files_from_front_to_back(rows: Rows) -> None:
    plan = plan_of(rows, 100)
    chunks = list(plan.chunks())
    read = [b""] * len(rows)
    for chunk in chunks:
        assert chunk.start == len(read[chunk.entry])
        read[chunk.entry] += content_of(rows, chunk.entry)[chunk.start : chunk.stop]
        assert chunk.last == (len(read[chunk.entry]) == plan.entries[chunk.entry].size)
    assert read == [content_of(rows, number) for number in range(len(rows))]
    for at, chunk in enumerate(chunks):
        assert list(plan.chunks(chunk.entry, chunk.start)) == chunks[at:]
    assert list(plan.chunks(len(rows))) == []


@given(st.binary(max_size=300), st.booleans())
def test_stored_blocks_are_a_deflate_stream(data: bytes, last: bool) -> None:
    with patch.object(deflated_plan, "_STORED_BLOCK", 100):
        blocks = stored_blocks(data, last=last)
    reader = zlib.decompressobj(-15)
    assert reader.decompress(blocks) == data
    assert reader.eof == last
    assert len(blocks) == len(data) + 5 * max(1, -(-len(data) // 100))


def test_incompressible_files_are_stored_if_their_crc_is_known() -> None:
    rows = [(150, NOISE, False), (151, NOISE, True), (151, NOISE, False), (151, TEXT, True)]
    with zipfile.ZipFile(io.BytesIO(bundle_of(written(rows, plan_of(rows, 100))))) as archive:
        assert [info.compress_type for info in archive.infolist()[:-1]] == [0, 0, 8, 8]


def test_the_part_size_grows_with_the_largest_possible_bundle() -> None:
    large = [Entry("a", 10**9, None, None, NOW)]
    with patch.multiple(deflated_plan, CHUNK_SIZE=MIB):
        plan = plan_deflated(large, a_manifest(1), 10_000)
        assert plan.max_size <= 10_000 * plan.part_size
        with pytest.raises(BundleTooLarge):
            plan_deflated(large, a_manifest(1), 10_000, 20_000)


@pytest.mark.parametrize(
    ("size", "descriptor"),
    [(LIMIT - 500_000, 16), (4_294_900_000, 16), (LIMIT - 1, 16), (LIMIT, 16), (LIMIT + 1, 24)],
)
def test_a_file_from_4_gib_on_has_a_descriptor_of_64_bits(size: int, descriptor: int) -> None:
    """Its chunks are fake: only the records matter."""
    with patch.multiple(deflated_plan, CHUNK_SIZE=1 << 30):
        plan = plan_deflated([Entry("a", size, None, None, NOW)], a_manifest(1), 1 << 20)
        writer = BundleWriter(plan)
        for chunk in plan.chunks():
            writer.add(chunk, b"x", Method.DEFLATED, 7)
    [packed] = writer.packed
    assert packed.size == 4, "a byte a chunk"
    header = 31 + 9 + (20 if descriptor == 24 else 0)
    assert writer.size == header + packed.size + descriptor
    writer.finish()
    part, _ = writer.next_part(zlib.crc32)
    assert part[header + packed.size :][:4] == b"PK\x07\x08"
    info = zipfile.ZipFile(io.BytesIO(part)).infolist()[0]
    assert (info.file_size, info.compress_size, info.flag_bits & 8) == (size, packed.size, 8)


@pytest.mark.parametrize(("before", "descriptor"), [(LIMIT - 2, 16), (LIMIT - 1, 16), (LIMIT, 24)])
def test_a_file_that_grows_beyond_4_gib_has_a_descriptor_of_64_bits(before: int, descriptor: int) -> None:
    """It is a bit smaller than 4 GiB, does not shrink, and its last byte follows `before` packed ones."""
    size = LIMIT - 1000
    plan = plan_deflated([Entry("a", size, None, None, NOW)], a_manifest(1), 1 << 20)
    begun = PackedEntry(offset=0, method=Method.DEFLATED, crc32=7, size=before)
    first = Checkpoint(size=39 + before, crc32=0, entry=0, offset=size - 1, begun=begun, ended=())
    writer = BundleWriter(plan, [first])
    writer.add(Chunk(0, size - 1, size, last=True), b"x", Method.DEFLATED, 7)
    assert writer.size == first.size + 1 + descriptor


def test_a_bundle_beyond_4_gib_has_its_offsets_in_zip64(tmp_path: Path) -> None:
    """The checkpoint of the first part says 4 GiB more than its size: a hole."""
    rows = [(200, TEXT, True), (20, TEXT, True)]
    plan = plan_of(rows, 30)
    part, checkpoint = written(rows, plan)[0]
    parts = SmallPacker(rows, plan, [(part, replace(checkpoint, size=checkpoint.size + LIMIT))]).run()
    with (tmp_path / "a.zip").open("wb") as file:
        file.write(part)
        file.seek(LIMIT, io.SEEK_CUR)
        file.write(bundle_of(parts[1:]))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        first, second, _ = archive.infolist()
        assert first.header_offset == 0
        assert second.header_offset > LIMIT
        assert archive.read(second) == content_of(rows, 1)
