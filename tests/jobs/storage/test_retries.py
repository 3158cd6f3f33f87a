"""Which errors of the store are retried within an attempt, and for how long."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from jobs.errors import ObjectMissing, StorageDown, StorageOut, StorageTimeout, StorageUnreachable
from jobs.storage.part_buffer import BodyStalled
from jobs.storage.retries import Retries

RANDOM = Random(0)


@pytest.mark.parametrize("error", [StorageDown("x"), StorageUnreachable("x"), StorageTimeout("x"), BodyStalled()])
async def test_a_transient_error_is_retried(error: Exception) -> None:
    assert await Retries(0.001, RANDOM).pause(error)


@pytest.mark.parametrize("error", [StorageOut("x"), ObjectMissing("x")])
async def test_an_error_that_is_not_transient_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        await Retries(0.001, RANDOM).pause(error)


async def test_retries_end_at_their_limit_unless_there_is_progress() -> None:
    retries = Retries(0.001, RANDOM, limit=2)
    error = StorageDown("x")
    assert [await retries.pause(error) for _ in range(3)] == [True, True, False]
    assert await retries.pause(error, progress=True)


async def test_retries_end_when_there_was_no_progress_for_too_long() -> None:
    retries = Retries(0.001, RANDOM, patience=0.1)
    error = StorageDown("x")
    assert await retries.pause(error)
    await asyncio.sleep(0.15)
    assert await retries.pause(error, progress=True)
    await asyncio.sleep(0.15)
    assert not await retries.pause(error)


async def test_pauses_grow_until_there_is_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def record(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", record)
    retries = Retries(0.2, RANDOM)
    for progress in (False, False, False, True):
        await retries.pause(StorageDown("x"), progress=progress)
    for pause, longest in zip(pauses, (0.2, 0.4, 0.8, 0.2), strict=True):
        assert longest / 2 <= pause <= longest
