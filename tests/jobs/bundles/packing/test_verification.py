"""Checksums of files that are read in ranges, in any order."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import zlib
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.bundles.format.zip_records import Entry
from jobs.bundles.packing.verification import FileVerifier
from jobs.errors import ChecksumMismatch
from jobs.storage.crc32 import combine, crc32

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def entry(data: bytes, crc: int | None = None, sha256: str | None = None) -> Entry:
    return Entry("a", len(data), crc, sha256, NOW)


def in_two(data: bytes) -> list[bytes]:
    return [data[: len(data) // 3], data[len(data) // 3 :]]


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_the_checksums_of_pieces_combine_to_that_of_the_whole(pieces: list[bytes]) -> None:
    assert combine((crc32(piece), len(piece)) for piece in pieces) == zlib.crc32(b"".join(pieces))


@given(st.binary(min_size=1, max_size=200), st.lists(st.integers(1, 199), max_size=8), st.randoms())
def test_a_file_is_verified_in_any_order_of_its_ranges(data: bytes, cuts: list[int], random: Random) -> None:
    async def run() -> None:
        check = FileVerifier(entry(data, None, hashlib.sha256(data).hexdigest()))
        edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        pieces = list(itertools.pairwise(edges))
        random.shuffle(pieces)
        completed = await asyncio.gather(*(check.add(start, in_two(data[start:stop])) for start, stop in pieces))
        assert completed.count(True) == 1
        assert await check.wait_for_crc() == zlib.crc32(data)

    asyncio.run(run())


async def test_a_wrong_crc_is_found() -> None:
    check = FileVerifier(entry(b"abcd", crc=1))
    await check.add(0, [b"ab"])
    with pytest.raises(ChecksumMismatch, match="CRC-32"):
        await check.add(2, [b"cd"])


async def test_a_wrong_sha256_is_found_though_the_crc_is_right() -> None:
    check = FileVerifier(entry(b"abcd", crc=zlib.crc32(b"abcd"), sha256="0" * 64))
    with pytest.raises(ChecksumMismatch, match="SHA-256"):
        await check.add(0, [b"abcd"])


async def test_different_bytes_for_the_same_range_are_found() -> None:
    check = FileVerifier(entry(b"abcd"))
    await check.add(0, [b"ab"])
    with pytest.raises(ChecksumMismatch, match="different"):
        await check.add(0, [b"xy"])


async def test_an_empty_file_is_complete_at_once() -> None:
    check = FileVerifier(entry(b""))
    assert check.complete
    assert await check.wait_for_crc() == 0
