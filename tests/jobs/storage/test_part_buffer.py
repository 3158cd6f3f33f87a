"""`PartBuffer`: what a thread reads while bytes still arrive, and when it stops waiting."""

from __future__ import annotations

import asyncio
import threading
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.storage import part_buffer as module
from jobs.storage.part_buffer import BodyStalled, PartBuffer
from jobs.storage.put_client import SLICE_SIZE, SMALL_CHUNK, _slices


def never() -> bool:
    return False


@given(st.lists(st.lists(st.binary(min_size=1, max_size=9), max_size=4), max_size=6), st.integers(0, 1 << 32))
def test_a_thread_reads_the_pieces_in_order_whatever_order_they_arrive_in(pieces: list[list[bytes]], seed: int) -> None:
    random, buffer = Random(seed), PartBuffer([sum(map(len, chunks)) for chunks in pieces])
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.extend(map(bytes, buffer.iter_chunks(never))))
    thread.start()
    coming = [(number, iter(chunks)) for number, chunks in enumerate(pieces)]
    while coming:
        number, chunks = random.choice(coming)
        if (chunk := next(chunks, None)) is None:
            coming.remove((number, chunks))
        else:
            buffer.put(number, chunk)
    thread.join(5)
    whole = b"".join(b"".join(chunks) for chunks in pieces)
    assert b"".join(got) == whole
    assert b"".join(map(bytes, buffer.iter_chunks(never))) == whole, "it can be sent again"
    assert len(buffer) == len(whole)


async def test_it_is_ready_with_its_first_piece_and_full_with_its_last() -> None:
    buffer = PartBuffer([2, 3])
    buffer.put(1, b"cde")
    assert not buffer.ready.is_set()
    buffer.put(0, b"a")
    assert buffer.ready.is_set()
    assert not buffer.full.is_set()
    buffer.put(0, b"b")
    assert buffer.full.is_set()
    assert [*buffer.chunks(0), *buffer.chunks(1)] == [b"a", b"b", b"cde"]


async def test_a_stopped_thread_does_not_wait() -> None:
    buffer, stopped = PartBuffer([1]), threading.Event()
    waiting = asyncio.create_task(asyncio.to_thread(lambda: list(buffer.iter_chunks(stopped.is_set))))
    stopped.set()
    buffer.wake()
    async with asyncio.timeout(2):
        assert await waiting == []


def test_a_thread_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_TIMEOUT", 0.01)
    buffer = PartBuffer([2])
    buffer.put(0, b"a")
    sent = buffer.iter_chunks(never)
    assert next(sent) == b"a"
    with pytest.raises(BodyStalled):
        next(sent)


@given(
    st.lists(st.sampled_from([0, 1, 1000, SMALL_CHUNK, SMALL_CHUNK + 1, SLICE_SIZE, 2 * SLICE_SIZE + 7]), max_size=30)
)
def test_slices_are_neither_tiny_nor_huge(sizes: list[int]) -> None:
    data = Random(1).randbytes(2 * SLICE_SIZE + 7)
    slices = [bytes(each) for each in _slices(data[:size] for size in sizes)]
    assert b"".join(slices) == b"".join(data[:size] for size in sizes)
    assert all(len(each) < SLICE_SIZE + SMALL_CHUNK for each in slices)
    assert len(slices) <= 1 + 4 * sum(size > SMALL_CHUNK for size in sizes) + sum(sizes) // SLICE_SIZE
