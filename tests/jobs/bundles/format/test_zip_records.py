"""ZIP records, compared with those that Python's `zipfile` writes and reads."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.bundles.format import zip_records
from jobs.bundles.format.zip_records import Entry

LIMIT = 0xFFFFFFFF
NOON = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
AROUND_4_GIB = [0, 1, LIMIT - 1, LIMIT, LIMIT + 1, 1 << 40]
around_4_gib = st.sampled_from(AROUND_4_GIB)


def timestamp(modified: datetime = NOON) -> bytes:
    """The extra field with this time, in its 32 bits."""
    return struct.pack("<2HBI", 0x5455, 5, 1, int(modified.timestamp()))


def an_entry(size: int = 3, name: str = "ordner/ä.txt", modified: datetime = NOON) -> Entry:
    return Entry(name, size, None, None, modified)


def info_of(entry: Entry, crc32: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(entry.name, entry.modified.timetuple()[:6])
    info.file_size = info.compress_size = entry.size
    info.CRC = crc32
    info.extra = timestamp(entry.modified)
    return info


@pytest.mark.parametrize("size", AROUND_4_GIB)
def test_a_local_header_is_the_one_that_zipfile_writes(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", LIMIT - 1)  # its own is 2 GiB, the format's is 4 GiB
    entry = an_entry(size)
    header = zip_records.local_header(entry, 0xDEADBEEF)
    assert header == info_of(entry, 0xDEADBEEF).FileHeader(zip64=size >= LIMIT)


@given(
    st.text(st.characters(codec="utf-8"), max_size=30),
    around_4_gib,
    around_4_gib,
    st.integers(0, LIMIT),
    st.datetimes(timezones=st.just(UTC)),
)
def test_sizes_of_records_depend_on_names_sizes_and_times_alone(
    name: str, size: int, offset: int, crc32: int, modified: datetime
) -> None:
    entry = an_entry(size, name, modified)
    assert len(zip_records.local_header(entry, crc32)) == zip_records.local_header_size(entry)
    assert len(zip_records.central_directory_header(entry, crc32, offset)) == zip_records.central_directory_header_size(
        entry, offset
    )


@pytest.mark.parametrize("entries", [0, 65_534, 65_535, 65_536])
@pytest.mark.parametrize("offset", AROUND_4_GIB)
@pytest.mark.parametrize("size", AROUND_4_GIB)
def test_end_records_have_zip64_only_from_the_limits_on(entries: int, offset: int, size: int) -> None:
    end = zip_records.end_records(entries, offset, size)
    assert len(end) == zip_records.end_records_size(entries, offset, size)
    assert (len(end) > 22) == (entries >= 65_535 or offset >= LIMIT or size >= LIMIT)


def test_the_zip64_end_record_matches_its_locator_and_length() -> None:
    end = zip_records.end_records(70_000, 1_000, 500)
    record, locator = end[:56], end[56:76]
    assert struct.unpack("<4sQ", record[:12]) == (b"PK\x06\x06", len(record) - 12)
    assert struct.unpack("<4Q", record[24:]) == (70_000, 70_000, 500, 1_000)
    assert struct.unpack("<4sIQI", locator) == (b"PK\x06\x07", 0, 1_500, 1)


@given(around_4_gib, around_4_gib, st.integers(0, LIMIT))
@example(LIMIT, LIMIT, 0)
def test_a_directory_is_read_by_zipfile(size: int, offset: int, crc32: int) -> None:
    entry = an_entry(size)
    directory = zip_records.central_directory_header(entry, crc32, offset)
    end = zip_records.end_records(1, 0, len(directory))
    archive = zipfile.ZipFile(io.BytesIO(directory + end))
    (info,) = archive.infolist()
    assert (info.filename, info.file_size, info.compress_size, info.CRC) == (entry.name, size, size, crc32)
    assert info.header_offset == offset
    assert info.date_time == (2026, 11, 21, 12, 34, 56)
    assert info.create_system == 3
    assert info.external_attr == 0o100644 << 16
    assert info.flag_bits == 1 << 11
    assert info.extract_version == (45 if size >= LIMIT or offset >= LIMIT else 20)


@pytest.mark.parametrize(
    ("modified", "said"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(1980, 1, 1, 0, 0, 1, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2107, 12, 31, 23, 59, 59, tzinfo=UTC), (2107, 12, 31, 23, 59, 58)),
        (datetime(9999, 1, 1, tzinfo=UTC), (2107, 12, 31, 23, 59, 58)),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), (2025, 12, 31, 23, 0, 0)),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=2))), (1980, 1, 1, 0, 0, 0)),
    ],
)
def test_dos_times_are_utc_within_their_range(modified: datetime, said: tuple[int, ...]) -> None:
    entry = an_entry(0, modified=modified)
    directory = zip_records.central_directory_header(entry, 0, 0)
    archive = zipfile.ZipFile(
        io.BytesIO(zip_records.local_header(entry, 0) + directory + zip_records.end_records(1, 0, len(directory)))
    )
    assert archive.infolist()[0].date_time == said


def extra_fields(extra: bytes) -> dict[int, bytes]:
    """The fields by their ids (4.5.1)."""
    fields = {}
    while extra:
        key, size = struct.unpack("<2H", extra[:4])
        fields[key], extra = extra[4 : 4 + size], extra[4 + size :]
    return fields


@pytest.mark.parametrize(
    ("modified", "unix", "ntfs"),
    [
        (datetime.min.replace(tzinfo=UTC), 0, 0),
        (datetime(1890, 7, 1, 12, tzinfo=UTC), 0, 9_135_633_600),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), 0, 11_644_473_599),
        (datetime(1970, 1, 1, tzinfo=UTC), 0, None),
        (datetime(1975, 7, 1, 12, 0, 0, 999_999, tzinfo=UTC), 173_448_000, None),
        (datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC), 0x7FFFFFFF, None),
        (datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), 0x80000000, 11_644_473_600 + 0x80000000),
        (datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC), LIMIT, 11_644_473_600 + LIMIT),
        (datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC), LIMIT, 11_644_473_600 + LIMIT + 1),
        (datetime.max.replace(tzinfo=UTC), LIMIT, 265_046_774_399),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), 1_767_222_000, None),
    ],
)
def test_both_headers_have_the_time_in_utc(modified: datetime, unix: int, ntfs: int | None) -> None:
    """`ntfs`: seconds since 1601, None without the field of NTFS."""
    entry = an_entry(LIMIT + 1, "a", modified)
    local, directory = zip_records.local_header(entry, 0), zip_records.central_directory_header(entry, 0, LIMIT + 1)
    for extra in (local[31:], directory[47:]):
        fields = extra_fields(extra)
        assert fields.pop(0x0001), "ZIP64 is not in the way"
        assert struct.unpack("<BI", fields.pop(0x5455)) == (1, unix)
        if ntfs is not None:
            ticks = ntfs * 10_000_000
            assert struct.unpack("<I2H3Q", fields.pop(0x000A)) == (0, 1, 24, ticks, ticks, ticks)
        assert fields == {}


NEAR_4_GIB = [step for around in (-(1 << 20), -350_000, -1, 0, 1, 1 << 20) if (step := LIMIT + around)]


@pytest.mark.parametrize("deflated", [4, *NEAR_4_GIB])
@pytest.mark.parametrize("size", [4, *NEAR_4_GIB])
def test_a_descriptor_has_64_bits_only_if_a_size_needs_them(size: int, deflated: int) -> None:
    """Java's `ZipInputStream` counts both sizes while it reads, and expects 64 bits if one of them is above 2³² - 1."""
    descriptor = zip_records.data_descriptor(an_entry(size), 7, deflated)
    form = "<4sI2Q" if size > LIMIT or deflated > LIMIT else "<4s3I"
    assert struct.unpack(form, descriptor) == (b"PK\x07\x08", 7, deflated, size)


@pytest.mark.parametrize("size", [4, *NEAR_4_GIB])
def test_a_header_announces_64_bits_only_if_the_file_alone_needs_them(size: int) -> None:
    """Java from 23 on believes a ZIP64 field in the header, whatever the sizes turn out to be."""
    header = zip_records.local_header_with_descriptor(an_entry(size, "a"))
    assert (0x0001 in extra_fields(header[31:])) == (size > LIMIT)
    sizes = struct.unpack("<2I", header[18:26])
    assert sizes == ((LIMIT, LIMIT) if size > LIMIT else (0, 0))
