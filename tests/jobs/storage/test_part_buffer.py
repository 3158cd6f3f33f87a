"""Bytes that come in while they are sent: what a thread gets of them, and when it stops waiting."""

from __future__ import annotations

import asyncio
import threading
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.storage import part_buffer as module
from jobs.storage.part_buffer import Filling, Starved
from jobs.storage.put_client import SLICE, SMALL, _sliced


def never() -> bool:
    return False


@given(st.lists(st.lists(st.binary(min_size=1, max_size=9), max_size=4), max_size=6), st.integers(0, 1 << 32))
def test_a_thread_gets_the_pieces_in_their_order_in_whatever_order_they_come(
    pieces: list[list[bytes]], seed: int
) -> None:
    random, filling = Random(seed), Filling([sum(map(len, chunks)) for chunks in pieces])
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.extend(map(bytes, filling.sent(never))))
    thread.start()
    coming = [(number, iter(chunks)) for number, chunks in enumerate(pieces)]
    while coming:
        number, chunks = random.choice(coming)
        if (chunk := next(chunks, None)) is None:
            coming.remove((number, chunks))
        else:
            filling.put(number, chunk)
    thread.join(5)
    whole = b"".join(b"".join(chunks) for chunks in pieces)
    assert b"".join(got) == whole
    assert b"".join(map(bytes, filling.sent(never))) == whole, "it can be sent again"
    assert len(filling) == len(whole)


async def test_it_has_begun_with_its_first_piece_and_is_full_with_its_last() -> None:
    filling = Filling([2, 3])
    filling.put(1, b"cde")
    assert not filling.begun.is_set()
    filling.put(0, b"a")
    assert filling.begun.is_set()
    assert not filling.full.is_set()
    filling.put(0, b"b")
    assert filling.full.is_set()
    assert [*filling.chunks(0), *filling.chunks(1)] == [b"a", b"b", b"cde"]


async def test_a_thread_that_is_stopped_waits_no_more() -> None:
    filling, stopped = Filling([1]), threading.Event()
    waiting = asyncio.create_task(asyncio.to_thread(lambda: list(filling.sent(stopped.is_set))))
    stopped.set()
    filling.wake()
    async with asyncio.timeout(2):
        assert await waiting == []


def test_a_thread_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    filling = Filling([2])
    filling.put(0, b"a")
    sent = filling.sent(never)
    assert next(sent) == b"a"
    with pytest.raises(Starved):
        next(sent)


@given(st.lists(st.sampled_from([0, 1, 1000, SMALL, SMALL + 1, SLICE, 2 * SLICE + 7]), max_size=30))
def test_slices_are_neither_tiny_nor_huge(sizes: list[int]) -> None:
    data = Random(1).randbytes(2 * SLICE + 7)
    slices = [bytes(each) for each in _sliced(data[:size] for size in sizes)]
    assert b"".join(slices) == b"".join(data[:size] for size in sizes)
    assert all(len(each) < SLICE + SMALL for each in slices)
    assert len(slices) <= 1 + 4 * sum(size > SMALL for size in sizes) + sum(sizes) // SLICE
