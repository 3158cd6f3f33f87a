"""A gateway that is nearly full asks some of its streams to reconnect, so that they reach one that has been added."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from structlog.testing import capture_logs

from app.following import hub as hub_module
from app.following import shedding
from app.following.shedding import Shedding
from tests.app.following.followers import PATIENCE, socket
from tests.app.shared import Shared
from tests.helpers.jobs import create
from tests.helpers.running import serving
from tests.helpers.settings import with_changes


def test_above_nine_tenths_one_in_a_hundred_is_moved_a_second() -> None:
    shed = Shedding(10_000)
    assert [shed.due(9000, 0.0), shed.due(9000, 1.0)] == [0, 0]
    with capture_logs() as lines:
        moved = [shed.due(10_000, 2.0), shed.due(9900, 3.0), shed.due(9801, 3.5), shed.due(9050, 4.5)]
        assert moved == [100, 99, 49, 50], "never below the threshold"
        assert shed.due(9000, 5.5) == 0
    assert [line["event"] for line in lines] == ["shedding_started", "shedding_stopped"]
    assert lines[-1]["moved"] == sum(moved)


def test_a_pause_of_the_process_does_not_move_more_and_few_followers_are_moved_slowly() -> None:
    shed = Shedding(10_000)
    shed.due(9500, 0.0)
    assert shed.due(9500, 60.0) == 95
    small = Shedding(20)
    assert sum(small.due(20, float(now)) for now in range(11)) == 2


@pytest.mark.asyncio(loop_scope="module")
async def test_clients_of_a_gateway_that_is_nearly_full_are_told_to_reconnect(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shedding, "SHED_RATE", 0.5)
    monkeypatch.setattr(hub_module, "HOUSEKEEPING_INTERVAL", 0.05)
    job = await create(shared.services, 10_000)
    async with serving(with_changes(shared.settings, max_followers=10)) as url, AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(socket(url, f"/{job.id}")) for _ in range(10)]
        closed = [asyncio.create_task(follower.closed()) for follower in followers]
        done, _ = await asyncio.wait(closed, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [1012]
        async with socket(url, f"/{job.id}") as back:
            await back.until(lambda: len(back.messages) == 1)
        for task in closed:
            task.cancel()
