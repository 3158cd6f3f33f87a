"""CRC-32 as ZIP has it, and as S3 writes it."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from isal import isal_zlib

Buffer = bytes | bytearray | memoryview

LENGTH = 4
"""Bytes of a CRC-32."""


def crc32(data: Buffer, before: int = 0) -> int:
    """The CRC-32 of the bytes behind others, whose own is `before`; six times the speed of zlib's here."""
    return isal_zlib.crc32(data, before)


def combine(pieces: Iterable[tuple[int, int]]) -> int:
    """The CRC-32 of a whole from those of its pieces: pairs of (CRC-32, length in bytes), in their order."""
    whole = 0
    for value, length in pieces:
        whole = joined(whole, value, length)
    return whole


def joined(first: int, second: int, length: int) -> int:
    """The CRC-32 of two pieces one behind the other, from their own; the second is so many bytes."""
    return isal_zlib.crc32_combine(first, second, length)


def written(value: int) -> str:
    """The CRC-32 as it stands in `x-amz-checksum-crc32` (Amazon S3 User Guide, "Checking object integrity")."""
    return base64.b64encode(value.to_bytes(LENGTH, "big")).decode()


def understood(value: object) -> int | None:
    """The CRC-32 that a store has written; None for anything else.

    One that ends in `-N` is the checksum of N parts' checksums, and says nothing about the whole.
    """
    if not isinstance(value, str):
        return None
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        return None
    return int.from_bytes(raw, "big") if len(raw) == LENGTH else None
