"""The plan, carried out by a small packer with memory for one part, and read by zipfile, unzip and zipinfo."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import struct
import subprocess
import time
import tracemalloc
import zipfile
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from unittest.mock import patch
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.bundles.format import manifests, stored_plan, zip_records
from jobs.bundles.format.bundle_parts import HeaderRange, Part, Piece, SourceRange, TrailerRange
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import StoredPlan, bundle_size, plan_stored
from jobs.bundles.format.zip_records import Entry
from jobs.errors import BundleTooLarge

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
MIB = 1 << 20
LIMIT = 0xFFFFFFFF
BLOB = Random(6).randbytes(17 * MIB)
MANIFEST_ENTRY = 1

sizes = st.one_of(st.integers(0, 12), st.integers(0, 900))
specs = st.lists(st.tuples(sizes, st.booleans(), st.booleans(), st.integers(0, 60)), max_size=9)
part_sizes = st.integers(24, 1200)


def content_of(index: int, size: int) -> bytes:
    return BLOB[index : index + size]


def an_entry(index: int, size: int, *, crc: bool = True, sha: bool = False, name: str = "") -> Entry:
    content = content_of(index, size)
    sha256 = hashlib.sha256(content).hexdigest() if sha else None
    return Entry(name or f"{index}.bin", size, crc32(content) if crc else None, sha256, NOW)


def a_manifest(count: int) -> Manifest:
    return Manifest(NOW, tuple(range(10_000, 10_000 + count)))


def a_plan(entries: list[Entry], part_size: int = 5 * MIB) -> StoredPlan:
    with patch.object(stored_plan, "MIN_PART_SIZE", 1):
        return plan_stored(entries, a_manifest(len(entries)), part_size)


def plan_of(rows: list[tuple[int, bool, bool, int]], part_size: int) -> StoredPlan:
    return a_plan(
        [
            an_entry(index, size, crc=crc, sha=sha, name=f"{index}{'ä' * longer}")
            for index, (size, crc, sha, longer) in enumerate(rows)
        ],
        part_size,
    )


class OnePartPacker:
    """A packer with memory for one part: it reads a part, and must then be able to render it.

    It knows a CRC only when it has seen every byte of the entry, and hashes only from front to back.
    """

    def __init__(self, plan: StoredPlan) -> None:
        self.plan = plan
        self.crcs = plan.known_crcs()
        self.seen: dict[int, set[int]] = defaultdict(set)
        self.hashed: dict[int, int] = defaultdict(int)
        self.hashes_late = {one.entry for one in plan.prescan if one.stop - one.start == plan.entries[one.entry].size}

    def assemble(self) -> bytes:
        for one in self.plan.prescan:
            self.read(one)
        done = {part.number: self.make(part) for part in self.plan.schedule}
        assert all(self.hashed[entry] == self.plan.entries[entry].size for entry in self.hashed)
        return b"".join(done[part.number] for part in self.plan.parts)

    def make(self, part: Part) -> bytes:
        for piece in part.pieces:
            if isinstance(piece, SourceRange):
                self.read(piece)
                self.hash(piece)
        for entry in self.plan.required_crcs(part):
            assert len(self.seen[entry]) == self.plan.entries[entry].size
            self.crcs[entry] = crc32(content_of(entry, self.plan.entries[entry].size))
        return b"".join(map(self.bytes_of, part.pieces))

    def read(self, one: SourceRange) -> None:
        self.seen[one.entry].update(range(one.start, one.stop))

    def hash(self, one: SourceRange) -> None:
        if self.plan.entries[one.entry].sha256 and one.entry not in self.hashes_late:
            assert self.hashed[one.entry] == one.start
            self.hashed[one.entry] = one.stop

    def bytes_of(self, piece: Piece) -> bytes:
        if isinstance(piece, SourceRange):
            return content_of(piece.entry, piece.stop)[piece.start :]
        return self.plan.render(piece, self.crcs)


def assembled(plan: StoredPlan) -> bytes:
    """The bundle, ignoring the schedule, for plans that are too large to track every byte."""
    crcs: list[int | None] = [crc32(content_of(index, entry.size)) for index, entry in enumerate(plan.entries)]
    trailer = plan.render_trailer(crcs)
    return b"".join(
        content_of(piece.entry, piece.stop)[piece.start :]
        if isinstance(piece, SourceRange)
        else plan.render(piece, crcs, trailer)
        for part in plan.parts
        for piece in part.pieces
    )


def as_zipfile_writes_it(plan: StoredPlan) -> bytes:
    """The same archive, written by `zipfile`."""
    target = io.BytesIO()
    crcs = [crc32(content_of(index, entry.size)) for index, entry in enumerate(plan.entries)]
    contents = [content_of(index, entry.size) for index, entry in enumerate(plan.entries)]
    contents.append(manifests.render(plan.manifest, plan.entries, crcs))
    with zipfile.ZipFile(target, "w") as archive:
        for entry, content in zip([*plan.entries, plan.layout.manifest_entry], contents, strict=True):
            info = zipfile.ZipInfo(entry.name, NOW.timetuple()[:6])
            info.extra = struct.pack("<2HBI", 0x5455, 5, 1, int(NOW.timestamp()))
            archive.writestr(info, content)
    return target.getvalue()


def check_archive(plan: StoredPlan, bundle: bytes) -> None:
    archive = zipfile.ZipFile(io.BytesIO(bundle))
    assert archive.testzip() is None
    assert archive.namelist() == [*(entry.name for entry in plan.entries), "manifest.json"]
    for index, entry in enumerate(plan.entries):
        assert archive.read(entry.name) == content_of(index, entry.size)
    files = json.loads(archive.read("manifest.json"))["files"]
    assert [(row["name"], row["crc32"]) for row in files] == [
        (info.filename, f"{info.CRC:08x}") for info in archive.infolist()[:-1]
    ]


@given(specs, part_sizes)
def test_the_scheduled_parts_are_the_bundle_with_memory_for_one(
    rows: list[tuple[int, bool, bool, int]], part_size: int
) -> None:
    plan = plan_of(rows, part_size)
    bundle = OnePartPacker(plan).assemble()
    assert len(bundle) == plan.size == bundle_size(plan.entries, plan.manifest) == len(as_zipfile_writes_it(plan))
    check_archive(plan, bundle)


@given(specs, part_sizes)
def test_parts_are_equal_and_only_the_last_is_shorter(rows: list[tuple[int, bool, bool, int]], part_size: int) -> None:
    plan = plan_of(rows, part_size)
    assert [part.number for part in plan.parts] == list(range(1, len(plan.parts) + 1))
    assert all(part.size == part_size for part in plan.parts[:-1])
    assert 0 < plan.parts[-1].size <= part_size
    assert sum(part.size for part in plan.parts) == plan.size
    for part in plan.parts:
        assert sum(piece.stop - piece.start for piece in part.pieces) == part.size
        assert all(piece.start < piece.stop for piece in part.pieces)


@given(specs, part_sizes)
def test_the_schedule_has_every_part_once_and_the_trailer_last(
    rows: list[tuple[int, bool, bool, int]], part_size: int
) -> None:
    plan = plan_of(rows, part_size)
    assert sorted(part.number for part in plan.schedule) == [part.number for part in plan.parts]
    trailer = [part.number for part in plan.parts if any(isinstance(piece, TrailerRange) for piece in part.pieces)]
    assert [part.number for part in plan.schedule[-len(trailer) :]] == trailer
    assert plan == plan_of(rows, part_size)


@given(specs, part_sizes)
def test_the_header_of_an_entry_without_crc_is_scheduled_after_its_bytes(
    rows: list[tuple[int, bool, bool, int]], part_size: int
) -> None:
    plan = plan_of(rows, part_size)
    place = {part.number: at for at, part in enumerate(plan.schedule)}
    read_first = {one.entry for one in plan.prescan}
    for entry in set(plan.unknown_crcs) - read_first:
        headers = [
            p.number for p in plan.parts for one in p.pieces if isinstance(one, HeaderRange) and one.entry == entry
        ]
        ranges = [
            p.number for p in plan.parts for one in p.pieces if isinstance(one, SourceRange) and one.entry == entry
        ]
        assert all(place[data] < place[header] for header in headers for data in ranges if data > header)


@given(specs, part_sizes)
def test_entries_with_known_crc_and_no_hash_do_not_change_the_schedule(
    rows: list[tuple[int, bool, bool, int]], part_size: int
) -> None:
    plan = plan_of([(size, True, False, longer) for size, _, _, longer in rows], part_size)
    assert plan.schedule == plan.parts
    assert plan.prescan == ()
    assert all(plan.required_crcs(part) == () for part in plan.parts)


def header_in(part: Part, entry: int) -> HeaderRange:
    """The piece of the entry's header in a part."""
    return next(piece for piece in part.pieces if isinstance(piece, HeaderRange) and piece.entry == entry)


copied_specs = st.lists(st.tuples(st.integers(0, 900), st.booleans(), st.booleans(), st.booleans()), max_size=12)
SMALL, COPY = 50, 170
"""The smallest part and the largest copy of these tests, in bytes."""


def copying(rows: list[tuple[int, bool, bool, bool]], part_size: int) -> StoredPlan:
    entries = [
        replace(an_entry(index, size, crc=crc, sha=sha), trusted=certain)
        for index, (size, crc, sha, certain) in enumerate(rows)
    ]
    with patch.multiple(stored_plan, MIN_PART_SIZE=SMALL, MAX_COPY_SIZE=COPY):
        streamed = plan_stored(entries, a_manifest(len(entries)), part_size)
        plan = plan_stored(entries, a_manifest(len(entries)), part_size, copies=True)
    assert plan.layout == streamed.layout, "the size does not depend on what the store can do"
    return plan


@given(copied_specs, st.integers(SMALL, 400))
def test_with_copies_the_parts_are_the_bundle_and_have_valid_sizes(
    rows: list[tuple[int, bool, bool, bool]], part_size: int
) -> None:
    plan = copying(rows, part_size)
    bundle = assembled(plan)
    assert len(bundle) == plan.size == bundle_size(plan.entries, plan.manifest)
    check_archive(plan, bundle)
    assert [part.number for part in plan.parts] == list(range(1, len(plan.parts) + 1))
    assert sorted(part.number for part in plan.schedule) == [part.number for part in plan.parts]
    for part in plan.parts:
        assert part.size == sum(piece.stop - piece.start for piece in part.pieces)
        assert part.size >= SMALL or part is plan.parts[-1]
        assert part.size <= (
            COPY if part.copied else max(part_size + part_size // stored_plan.OVERSIZE_SHARE, 2 * SMALL)
        )


@given(st.lists(st.integers(0, 900), max_size=12), st.integers(SMALL, 400))
def test_with_copies_streamed_parts_end_with_files(sizes: list[int], part_size: int) -> None:
    plan = copying([(size, False, False, False) for size in sizes], part_size)
    largest = part_size + part_size // stored_plan.OVERSIZE_SHARE
    for number, entry in enumerate(plan.entries):
        mine = [part for part in plan.parts if any(getattr(piece, "entry", None) == number for piece in part.pieces)]
        length = zip_records.local_header_size(entry) + entry.size
        before = sum(
            piece.stop - piece.start for piece in mine[0].pieces[: mine[0].pieces.index(header_in(mine[0], number))]
        )
        if before + length <= largest:
            assert len(mine) == 1
        elif before >= SMALL:
            assert mine[0].size - before == 0, "the part would have been long enough without it"


def test_two_files_of_half_a_part_are_one_part_with_their_headers() -> None:
    entries = [Entry(f"{n}", 4 * MIB, None, None, NOW) for n in range(6)]
    plan = plan_stored(entries, a_manifest(6), 8 * MIB, copies=True)
    assert [[type(piece) for piece in part.pieces] for part in plan.parts[:2]] == [[HeaderRange, SourceRange] * 2] * 2
    assert plan.schedule == plan.parts
    equal = plan_stored(entries, a_manifest(6), 8 * MIB)
    assert {part.size for part in equal.parts[:-1]} == {8 * MIB}, "a store that does not copy may take nothing else"


def test_parts_end_within_files_if_there_would_be_too_many() -> None:
    entries = [Entry(f"{n}", 3 * MIB, None, None, NOW) for n in range(20_000)]
    with patch.object(stored_plan, "MAX_PARTS", 7_600):
        plan = plan_stored(entries, a_manifest(20_000), 8 * MIB, copies=True)
    assert len(plan.parts) <= 7_600
    assert {part.size for part in plan.parts[:-1]} == {8 * MIB}


@given(copied_specs, st.integers(SMALL, 400))
def test_only_trusted_and_large_files_are_copied(rows: list[tuple[int, bool, bool, bool]], part_size: int) -> None:
    plan = copying(rows, part_size)
    copied = {
        piece.entry for part in plan.parts if part.copied for piece in part.pieces if isinstance(piece, SourceRange)
    }
    assert copied == plan.copied
    for number, entry in enumerate(plan.entries):
        known = entry.trusted and entry.crc32 is not None
        assert known or number not in copied
        assert number in copied or not known or entry.size < 2 * SMALL
        streamed = sum(
            piece.stop - piece.start
            for part in plan.parts
            if not part.copied
            for piece in part.pieces
            if isinstance(piece, SourceRange) and piece.entry == number
        )
        assert streamed < SMALL if number in copied else streamed == entry.size


@given(copied_specs, st.integers(SMALL, 400))
def test_with_copies_parts_are_scheduled_after_those_they_wait_for(
    rows: list[tuple[int, bool, bool, bool]], part_size: int
) -> None:
    plan = copying(rows, part_size)
    known = set(range(len(plan.entries))) - set(plan.unknown_crcs)
    seen: dict[int, int] = defaultdict(int)
    for piece in plan.prescan:
        seen[piece.entry] = plan.entries[piece.entry].size  # as a whole, or what the trailer's part has of it
    for part in plan.schedule:
        for one in part.pieces:
            if isinstance(one, SourceRange):
                seen[one.entry] += one.stop - one.start
        for entry in plan.required_crcs(part):
            assert entry in known or seen[entry] >= plan.entries[entry].size


def test_real_sizes_are_copied_except_what_completes_a_part() -> None:
    entries = [Entry(f"{n}", size * MIB, 1, None, NOW, trusted=True) for n, size in enumerate([128, 600, 4, 9])]
    plan = plan_stored(entries, a_manifest(4), 8 * MIB, copies=True)
    assert plan.layout.entry_order == (2, 1, 0, 3)
    sizes = [round(part.size / MIB, 1) if not part.copied else f"copy {part.size // MIB}" for part in plan.parts]
    assert sizes == [5.0, "copy 199", "copy 199", "copy 199", 5.0, "copy 123", 8.0, 1.0]


@pytest.mark.parametrize(("count", "size"), [(2_600, 6 * MIB), (1_000, 5 << 30), (2_400, 200 * MIB), (9_000, 11 * MIB)])
def test_there_are_never_more_parts_than_s3_accepts(count: int, size: int) -> None:
    entries = [Entry(f"{n}", size, 1, None, NOW, trusted=True) for n in range(count)]
    entries += [Entry(f"s{n}", 5 * MIB, None, None, NOW) for n in range(count)]
    plan = plan_stored(entries, a_manifest(2 * count), 8 * MIB, 64 * MIB, copies=True)
    assert len(plan.parts) <= 10_000
    assert all(5 * MIB <= part.size <= 5 << 30 for part in plan.parts[:-1])


def test_the_first_part_of_an_entry_without_crc_is_scheduled_last() -> None:
    plan = plan_of([(900, False, False, 0), (900, False, False, 0), (900, True, True, 0)], 300)
    assert [part.number for part in plan.schedule[:10]] == [2, 3, 5, 6, 7, 4, 1, 8, 9, 10]


def test_bytes_in_the_part_of_the_trailer_are_prescanned() -> None:
    plan = plan_of([(900, False, False, 0)], 500)
    header = zip_records.local_header_size(plan.entries[0])
    assert plan.prescan == (SourceRange(0, 500 - header, 900),)


def test_an_entry_in_several_parts_with_a_hash_and_no_crc_is_prescanned() -> None:
    plan = plan_of([(900, False, True, 0), (900, True, True, 0), (20, False, True, 0), (999, True, False, 0)], 300)
    assert plan.prescan == (SourceRange(0, 0, 900),)


def test_a_file_within_one_part_is_hashed_there_though_its_header_is_in_another() -> None:
    plan = plan_of([(20, False, True, 0), (900, True, False, 0)], 31)
    assert plan.parts[0].pieces == (HeaderRange(0, 0, 31),)
    assert plan.prescan == ()


def test_an_empty_file_needs_no_reading_for_its_crc() -> None:
    plan = plan_of([(0, False, True, 0)], 300)
    assert plan.unknown_crcs == ()
    assert plan.known_crcs() == [0]


def test_a_header_is_not_rendered_without_its_crc() -> None:
    plan = plan_of([(9, False, False, 0)], 300)
    with pytest.raises(ValueError, match="entry 0"):
        plan.render(HeaderRange(0, 0, 10), plan.known_crcs())


@pytest.mark.parametrize(
    "size", [0, 1, *(5 * MIB + step for step in (-80, -36, -35, -1, 0, 1)), 16 * MIB - 1, 16 * MIB + 1]
)
def test_files_around_the_boundaries_of_real_parts(size: int) -> None:
    entries = [an_entry(0, size), an_entry(1, 5 * MIB, crc=False), an_entry(2, size, crc=False, sha=True)]
    plan = plan_stored(entries, a_manifest(3), 5 * MIB)
    bundle = assembled(plan)
    assert len(bundle) == plan.size
    check_archive(plan, bundle)


@pytest.mark.skipif(not shutil.which("unzip"), reason="unzip is not installed")
@pytest.mark.parametrize("size", [0, 1, 5 * MIB + 1])
def test_unzip_accepts_a_bundle(tmp_path: Path, size: int) -> None:
    entries = [an_entry(0, size, name="ä/ö.bin"), an_entry(1, 10, crc=False)]
    (tmp_path / "a.zip").write_bytes(assembled(plan_stored(entries, a_manifest(2), 5 * MIB)))
    run = subprocess.run(["unzip", "-t", tmp_path / "a.zip"], capture_output=True, check=False)
    assert run.returncode == 0, run.stdout
    assert b"No errors detected" in run.stdout


@pytest.mark.parametrize("count", [65_534, 65_535, 65_536])
def test_bundles_around_the_zip64_count_of_entries(count: int) -> None:
    entries = [an_entry(index, 0, crc=False, name=f"{index}") for index in range(count - MANIFEST_ENTRY)]
    plan = plan_stored(entries, a_manifest(len(entries)), 5 * MIB)
    bundle = assembled(plan)
    assert len(bundle) == plan.size
    assert (b"PK\x06\x06" in bundle[-100:]) == (count >= 65_535)
    archive = zipfile.ZipFile(io.BytesIO(bundle))
    assert len(archive.namelist()) == count
    assert archive.read("65532") == b""
    assert len(json.loads(archive.read("manifest.json"))["files"]) == count - 1


def write_sparse(plan: StoredPlan, path: Path, contents: dict[int, bytes]) -> None:
    """Writes the bundle as a sparse file, with holes for entries that are not in `contents`."""
    crcs: list[int | None] = [crc32(contents.get(index, b"")) for index in range(len(plan.entries))]
    trailer = plan.render_trailer(crcs)
    with path.open("wb") as file:
        file.truncate(plan.size)
        for part in plan.parts:
            file.seek((part.number - 1) * plan.part_size)
            for piece in part.pieces:
                if not isinstance(piece, SourceRange):
                    file.write(plan.render(piece, crcs, trailer))
                elif piece.entry in contents:
                    file.write(contents[piece.entry][piece.start : piece.stop])
                else:
                    file.seek(piece.stop - piece.start, io.SEEK_CUR)


HEADER = zip_records.local_header_size(Entry("large", 0, 0, None, NOW))


@pytest.mark.parametrize(
    "size",
    [LIMIT - 1, LIMIT, LIMIT + 1, *(LIMIT + step - HEADER for step in (-1, 0, 1))],
    ids=["size-1", "size", "size+1", "offset-1", "offset", "offset+1"],
)
def test_bundles_around_4_gib(tmp_path: Path, size: int) -> None:
    entries = [Entry("large", size, None, None, NOW), Entry("small", 5, None, None, NOW)]
    plan = plan_stored(entries, a_manifest(2), 64 * MIB)
    path = tmp_path / "a.zip"
    write_sparse(plan, path, {1: b"hello"})
    with zipfile.ZipFile(path) as archive:
        large, small, _ = archive.infolist()
        assert (large.file_size, large.compress_size, large.header_offset) == (size, size, 0)
        assert small.header_offset == size + HEADER + (20 if size >= LIMIT else 0)
        assert archive.read("small") == b"hello"
        assert len(json.loads(archive.read("manifest.json"))["files"]) == 2
        assert archive.open("large").read(3) == b"\0\0\0"
    # UnZip 6.00 takes the size of such a file for that of the next one, also in archives that zipfile wrote.
    if shutil.which("unzip") and size != LIMIT:
        run = subprocess.run(["unzip", "-p", path, "small"], capture_output=True, check=False)
        assert (run.returncode, run.stdout, run.stderr) == (0, b"hello", b"")


@pytest.mark.parametrize(
    ("size", "part_size"),
    [
        (8 * MIB * 9_999, 8 * MIB),
        (8 * MIB * 10_000, 9 * MIB),
        (50 << 30, 8 * MIB),
        (100 << 30, 11 * MIB),
        (5 << 40, 525 * MIB),
    ],
)
def test_part_size_grows_in_whole_mib_when_there_would_be_too_many_parts(size: int, part_size: int) -> None:
    plan = plan_stored([Entry("a", size, None, None, NOW)], a_manifest(1), 8 * MIB)
    assert plan.part_size == part_size
    assert len(plan.parts) <= 10_000
    assert sum(part.size for part in plan.parts) == plan.size


def test_a_bundle_too_large_for_the_memory_names_both_sizes() -> None:
    entries = [Entry("a", 10_000 * 8 * MIB, 0, None, NOW)]
    with pytest.raises(BundleTooLarge, match=r"83,886,080,\d{3} bytes.* 8,388,608 bytes"):
        plan_stored(entries, a_manifest(1), 8 * MIB, max_part_size=8 * MIB)


@pytest.mark.parametrize(
    ("part_size", "max_part_size"), [(5 * MIB - 1, 5 << 30), (8 * MIB, 7 * MIB), (5 << 30, 6 << 30)]
)
def test_invalid_part_sizes_are_rejected(part_size: int, max_part_size: int) -> None:
    with pytest.raises(ValueError, match="part sizes"):
        plan_stored([], a_manifest(0), part_size, max_part_size)


def test_an_empty_bundle_has_its_manifest() -> None:
    plan = plan_stored([], a_manifest(0), 5 * MIB)
    assert len(plan.parts) == 1
    check_archive(plan, assembled(plan))


@pytest.mark.parametrize("crc", [0, None])
def test_a_plan_of_60_000_entries_is_quick(crc: int | None) -> None:
    count = 60_000
    entries = [Entry(f"a folder/the file {index}.pdf", 200_000, crc, None, NOW) for index in range(count)]
    manifest = a_manifest(count)
    started = time.process_time()
    plan = plan_stored(entries, manifest, 8 * MIB)
    trailer = plan.render_trailer([0] * count)
    trailers = [piece for part in plan.parts for piece in part.pieces if isinstance(piece, TrailerRange)]
    rendered = sum(len(plan.render(piece, (), trailer)) for piece in trailers)
    assert time.process_time() - started < 3
    assert rendered == len(trailer)


def test_a_plan_takes_little_memory_for_an_entry() -> None:
    count = 6_000
    entries = [Entry(f"a folder/the file {index}.pdf", 200_000, None, None, NOW) for index in range(count)]
    manifest = a_manifest(count)
    tracemalloc.start()
    plan_stored(entries, manifest, 8 * MIB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_500 * count
