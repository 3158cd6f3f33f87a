"""The records of a ZIP archive as bytes. For stored entries their sizes follow from names, sizes and times alone.

Section numbers are those of PKWARE's APPNOTE.TXT 6.3.10. The CRC-32 of a stored entry is always in its local header: Java's
`ZipInputStream` and other streaming readers reject stored entries with a data descriptor (4.3.9). After a deflated entry,
which marks its own end, a data descriptor is fine.

The times of MS-DOS have no time zone, and readers take them for local time. So every entry has its time as seconds in
UTC as well, in the extended timestamp of Info-ZIP (`proginfo/extrafld.txt` in its sources). Readers disagree on the sign
of these 32 bits, so a time before 1970 or from 2038 on also has the field of NTFS, which has 64 bits and wins where it is
read (docs/decisions/0021-times-and-sizes-that-readers-agree-on.md).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

MAX_16 = 0xFFFF
MAX_32 = 0xFFFFFFFF
"""As a field's value it means "see the ZIP64 field" (4.4.1.4), so this very value needs ZIP64, too."""

_UTF_8 = 1 << 11  # 4.4.4, bit 11: the name is UTF-8
_HAS_DESCRIPTOR = 1 << 3  # 4.4.4, bit 3: CRC-32 and sizes are in a data descriptor
_VERSION = 20  # 4.4.3.2
_VERSION_ZIP64 = 45
_MADE_BY_UNIX = 3 << 8  # 4.4.2.2
_REGULAR_0644 = 0o100644 << 16  # 4.4.15: st_mode in the upper half
_ZIP64_EXTRA = 0x0001  # 4.5.3
_NTFS_EXTRA = 0x000A  # 4.5.5
_TIMESTAMP_EXTRA = 0x5455  # 4.6.1, "extended timestamp"
_HAS_MODIFIED = 1  # bit 0 of its flags

_LOCAL = struct.Struct("<4s5H3I2H")  # 4.3.7
_DIRECTORY = struct.Struct("<4s6H3I5H2I")  # 4.3.12
_END_ZIP64 = struct.Struct("<4sQ2H2I4Q")  # 4.3.14
_LOCATOR = struct.Struct("<4sIQI")  # 4.3.15
_END = struct.Struct("<4s4H2IH")  # 4.3.16
_DESCRIPTOR = struct.Struct("<4s3I")  # 4.3.9
_DESCRIPTOR_ZIP64 = struct.Struct("<4sI2Q")  # 4.3.9.2
_TIMESTAMP = struct.Struct("<2HBI")
_NTFS_TIMES = struct.Struct("<2HI2H3Q")  # 4.5.5; times of modification, access and creation

_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
_LATEST = datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NTFS_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MAX_SIGNED_32 = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a bundle, known before its first byte is read."""

    name: str
    """The name in the archive, as `names.unique_names` returns it."""
    size: int
    """Bytes."""
    crc32: int | None
    """Of the whole file; None when the file must be read to compute it."""
    sha256: str | None
    """64 hexadecimal digits; None when unknown."""
    modified: datetime
    """When the file was last changed, timezone-aware. The archive stores whole seconds."""
    trusted: bool = False
    """The CRC-32, if known, belongs to the very object in the store, so its bytes need not be read to check it."""

    @property
    def known_crc32(self) -> int | None:
        """The CRC-32 as far as it is known before reading: that of an empty file always is."""
        return 0 if self.size == 0 else self.crc32


class Method(IntEnum):
    """The compression method of an entry (4.4.5)."""

    STORED = 0
    DEFLATED = 8


@dataclass(frozen=True, slots=True)
class Deflated:
    """The compressed form of a deflated entry."""

    size: int
    """Bytes in the archive."""
    has_descriptor: bool
    """CRC-32 and sizes are in a data descriptor after the bytes."""


def local_header(entry: Entry, crc32: int, deflated: int | None = None) -> bytes:
    """The local file header (4.3.7) of a stored entry, or of one that was deflated to `deflated` bytes.

    Its ZIP64 extra field has both sizes, as 4.5.3 requires for local headers.
    """
    method, size = (Method.STORED, entry.size) if deflated is None else (Method.DEFLATED, deflated)
    return _local_header(entry, method, _UTF_8, crc32, size, entry.size, zip64=max(size, entry.size) >= MAX_32)


def local_header_with_descriptor(entry: Entry) -> bytes:
    """The local file header of a deflated entry with a data descriptor: CRC-32 and sizes are 0.

    It has a ZIP64 extra field if the file alone is so large that the descriptor will have 64-bit sizes (4.3.9.2).
    """
    flags = _UTF_8 | _HAS_DESCRIPTOR
    return _local_header(entry, Method.DEFLATED, flags, 0, 0, 0, zip64=entry.size > MAX_32)


def _local_header(
    entry: Entry, method: Method, flags: int, crc32: int, packed: int, size: int, *, zip64: bool
) -> bytes:
    name = entry.name.encode()
    extra = _times(entry) + (_zip64(size, packed) if zip64 else b"")
    if zip64:
        packed = size = MAX_32
    time, date = _dos_time(entry.modified)
    version = _VERSION_ZIP64 if zip64 else _VERSION
    fixed = _LOCAL.pack(b"PK\x03\x04", version, flags, method, time, date, crc32, packed, size, len(name), len(extra))
    return fixed + name + extra


def local_header_size(entry: Entry) -> int:
    """Bytes of `local_header` of a stored entry."""
    extra = len(_times(entry)) + _zip64_size(2 if entry.size >= MAX_32 else 0)
    return _LOCAL.size + len(entry.name.encode()) + extra


def data_descriptor(entry: Entry, crc32: int, deflated: int) -> bytes:
    """The data descriptor (4.3.9) after an entry that was deflated to `deflated` bytes.

    Its sizes have 64 bits exactly if one of them needs them. Readers that go from front to back count the bytes and
    expect just that, whatever the local header says: Java's `ZipInputStream` does so in all versions. The value
    0xFFFFFFFF is no reference to a ZIP64 field here.
    """
    record = _DESCRIPTOR_ZIP64 if max(entry.size, deflated) > MAX_32 else _DESCRIPTOR
    return record.pack(b"PK\x07\x08", crc32, deflated, entry.size)


def central_directory_header(entry: Entry, crc32: int, offset: int, deflated: Deflated | None = None) -> bytes:
    """The central directory header (4.3.12) of an entry, stored or deflated, whose local header is at byte `offset`.

    Its ZIP64 extra field has only the values that do not fit into the regular fields (4.5.3).
    """
    name = entry.name.encode()
    method, size, flags = Method.STORED, entry.size, _UTF_8
    if deflated is not None:
        method, size = Method.DEFLATED, deflated.size
        flags |= _HAS_DESCRIPTOR if deflated.has_descriptor else 0
    too_large = _too_large(entry.size, size, offset)
    extra = _times(entry) + (_zip64(*too_large) if too_large else b"")
    time, date = _dos_time(entry.modified)
    version = _VERSION_ZIP64 if too_large else _VERSION
    fixed = _DIRECTORY.pack(
        b"PK\x01\x02", _MADE_BY_UNIX | version, version, flags, method, time, date, crc32,
        min(size, MAX_32), min(entry.size, MAX_32), len(name), len(extra), 0, 0, 0, _REGULAR_0644, min(offset, MAX_32),
    )  # fmt: skip
    return fixed + name + extra


def central_directory_header_size(entry: Entry, offset: int) -> int:
    """Bytes of `central_directory_header` of a stored entry."""
    extra = len(_times(entry)) + _zip64_size(len(_too_large(entry.size, entry.size, offset)))
    return _DIRECTORY.size + len(entry.name.encode()) + extra


def end_records(entries: int, directory_offset: int, directory_size: int) -> bytes:
    """The end of the archive (4.3.14 to 4.3.16): the ZIP64 records, if needed, and the end of central directory record."""
    end = _END.pack(
        b"PK\x05\x06", 0, 0, min(entries, MAX_16), min(entries, MAX_16),
        min(directory_size, MAX_32), min(directory_offset, MAX_32), 0,
    )  # fmt: skip
    if not _end_zip64(entries, directory_offset, directory_size):
        return end
    record = _END_ZIP64.pack(
        b"PK\x06\x06", _END_ZIP64.size - 12, _MADE_BY_UNIX | _VERSION_ZIP64, _VERSION_ZIP64, 0, 0,
        entries, entries, directory_size, directory_offset,
    )  # fmt: skip
    return record + _LOCATOR.pack(b"PK\x06\x07", 0, directory_offset + directory_size, 1) + end


def end_records_size(entries: int, directory_offset: int, directory_size: int) -> int:
    """Bytes of `end_records`."""
    zip64 = _end_zip64(entries, directory_offset, directory_size)
    return _END.size + (_END_ZIP64.size + _LOCATOR.size if zip64 else 0)


def _end_zip64(entries: int, directory_offset: int, directory_size: int) -> bool:
    return entries >= MAX_16 or directory_offset >= MAX_32 or directory_size >= MAX_32


def _too_large(*values: int) -> tuple[int, ...]:
    """The values for the ZIP64 extra field of a directory header, in the order of 4.5.3: size, compressed size, offset."""
    return tuple(value for value in values if value >= MAX_32)


def _zip64(*values: int) -> bytes:
    return struct.pack(f"<2H{len(values)}Q", _ZIP64_EXTRA, 8 * len(values), *values)


def _zip64_size(values: int) -> int:
    return 4 + 8 * values if values else 0


def _times(entry: Entry) -> bytes:
    """The extra fields with the time of modification, the same in both headers of an entry.

    The extended timestamp stores the nearest time that its 32 bits have without a sign.
    """
    seconds = (entry.modified - _UNIX_EPOCH) // _SECOND
    stored = min(max(seconds, 0), MAX_32)
    timestamp = _TIMESTAMP.pack(_TIMESTAMP_EXTRA, _TIMESTAMP.size - 4, _HAS_MODIFIED, stored)
    if 0 <= seconds <= _MAX_SIGNED_32:
        return timestamp
    ticks = max(0, (entry.modified - _NTFS_EPOCH) // _SECOND * 10_000_000)  # of 100 ns since 1601
    return timestamp + _NTFS_TIMES.pack(_NTFS_EXTRA, _NTFS_TIMES.size - 4, 0, 1, 24, ticks, ticks, ticks)


def _dos_time(moment: datetime) -> tuple[int, int]:
    """UTC time and date in MS-DOS format (4.4.6)."""
    utc = min(max(moment, _EARLIEST), _LATEST).astimezone(UTC)
    return utc.hour << 11 | utc.minute << 5 | utc.second // 2, (utc.year - 1980) << 9 | utc.month << 5 | utc.day
