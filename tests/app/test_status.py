"""GET /v1/download/job/{jobId}: what is now, what has changed, and the wait for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import httpx
import pytest

from app.following.reconciler import RECONCILE_INTERVAL
from app.requests import MAX_WAIT
from app.status_reader import StatusReader
from jobs.engine.events import Event, EventType, FileView, ProgressView
from jobs.engine.jobs import FileState, Job, Progress, Status
from jobs.engine.live.feed import channel
from jobs.engine.order import QUEUE_TICKS
from jobs.engine.sql.file_records import load_files
from jobs.kinds import Phase
from tests.app.shared import Shared, link
from tests.helpers.jobs import create
from tests.helpers.redis_clients import redis_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


def live(job: Job, tick: int, files: list[FileView] | None = None) -> Event:
    """A live message of a running attempt."""
    progress = Progress(files_total=1, bytes_total=100, bytes_done=10 * tick)
    view = ProgressView.at(Phase.PACKING, progress).model_copy(update={"bytes_per_second": 7, "eta_seconds": 1.5})
    return Event(
        type=EventType.PROGRESS,
        job_id=job.id,
        since=job.seq - 1,
        seq=job.seq,
        tick=tick,
        ts=datetime.now(UTC),
        status=Status.PROCESSING,
        attempt=1,
        progress=view,
        files=files or [],
    )


async def poll(shared: Shared, job: Job, etag: str | None = None, query: str = "", **headers: str) -> httpx.Response:
    if etag is not None:
        headers["If-None-Match"] = etag
    return await shared.api.get(link(job, query), headers=headers)


async def waiting(shared: Shared, job: Job, subscribers: int = 1) -> None:
    """Returns when a long-poll listens to the job's channel."""
    redis: Any = redis_of(shared.services.feed)
    while (await redis.pubsub_numsub(channel(job.id)))[0][1] < subscribers:
        pass


async def soon(polling: asyncio.Task[httpx.Response]) -> httpx.Response:
    """The answer of a long-poll, which came long before its time."""
    async with asyncio.timeout(10):
        return await polling


async def test_the_status_of_a_job_is_complete(shared: Shared) -> None:
    job = await shared.completed(b"12345")
    answer = await poll(shared, job)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["etag"] == f'W/"{job.seq}.0.0"'
    body = answer.json()
    assert (body["type"], body["jobId"], body["status"]) == ("completed", str(job.id), "completed")
    assert (body["progress"]["percent"], body["progress"]["phase"]) == (100, "ready")
    assert body["result"]["size"] == 5
    assert body["result"]["checksum"] == {"algorithm": "crc32", "value": "00000abc"}
    assert body["finishedAt"].endswith("Z")
    assert (body["since"], body["files"], body["degraded"]) == (body["seq"], [], False)
    head = await shared.api.head(link(job))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "cache-control", "content-type"):
        assert head.headers[name] == answer.headers[name]


async def test_an_unchanged_status_returns_304_by_weak_comparison(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    etag = (await poll(shared, job)).headers["etag"]
    for same in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        answer = await poll(shared, job, same)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == "private, no-cache"
    for other in ('"x"', 'W/"1"', ""):
        assert (await poll(shared, job, other)).status_code == 200
    await shared.services.lifecycle.cancel(job.id)
    assert (await poll(shared, job, etag)).status_code == 200


async def test_since_adds_the_files_that_changed(shared: Shared) -> None:
    job = await shared.processing(10_000, 10_001, 10_002)
    everything = (await poll(shared, job, query="?since=0")).json()
    assert [file["fileId"] for file in everything["files"]] == [10_000, 10_001, 10_002]
    assert everything["since"] == 0
    async with shared.services.database.reading() as connection:
        records = await load_files(connection, job.id)
    done = replace(records[1], state=FileState.DONE, size=3, bytes_done=3)
    seq = await shared.services.lifecycle.record(job, Phase.PACKING, Progress(files_total=3, bytes_total=3), [done])
    changed = (await poll(shared, job, query=f"?since={job.seq}")).json()
    assert changed["seq"] == seq
    assert [(file["fileId"], file["status"]) for file in changed["files"]] == [(10_001, "done")]
    assert (await poll(shared, job, query=f"?since={seq}")).json()["files"] == []


async def test_live_numbers_of_the_running_attempt_are_shown(shared: Shared) -> None:
    job = await shared.processing()
    active = FileView(index=0, file_id=10_000, name="a", status=FileState.ACTIVE, bytes_done=30, size=100, error=None)
    await shared.publish(live(job, 3, [active]))
    answer = await poll(shared, job, query=f"?since={job.seq}")
    body = answer.json()
    assert answer.headers["etag"] == f'W/"{job.seq}.3.0"'
    assert (body["seq"], body["tick"]) == (job.seq, 3)
    assert (body["progress"]["percent"], body["progress"]["bytesPerSecond"]) == (30, 7)
    assert [(file["status"], file["bytesDone"]) for file in body["files"]] == [("active", 30)]
    ended = await shared.services.lifecycle.cancel(job.id)
    after = (await poll(shared, job)).json()
    assert (after["seq"], after["tick"], after["progress"]["bytesPerSecond"]) == (ended.seq, 0, None)


async def test_an_answer_from_memory_is_that_of_postgresql(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that is polled again and again is answered from memory, with the same body and headers."""
    reads, real = [0], StatusReader.read

    async def counted(*args: Any, **kwargs: Any) -> Any:
        reads[0] += 1
        return await real(*args, **kwargs)

    monkeypatch.setattr(StatusReader, "read", counted)
    job = await shared.processing()
    await shared.publish(live(job, 1))

    async def taken(etag: str | None = None) -> httpx.Response:
        async with asyncio.timeout(10):
            while True:
                before = reads[0]
                answer = await poll(shared, job, etag)
                if reads[0] == before:
                    return answer

    for tick in (2, 3):
        quick = await taken()
        before = reads[0]
        slow = await poll(shared, job, **{"Cache-Control": "no-cache"})
        assert reads[0] > before
        assert (quick.json() | {"ts": ""}, quick.json()["tick"]) == (slow.json() | {"ts": ""}, tick - 1)
        kept = [dict(it.headers) | {"x-request-id": "", "date": "", "content-length": ""} for it in (quick, slow)]
        assert kept[0] == kept[1]
        assert (await taken(quick.headers["etag"])).status_code == 304
        await shared.publish(live(job, tick))
        while (await poll(shared, job, quick.headers["etag"])).status_code == 304:
            pass  # until it has come in
    ended = await shared.services.lifecycle.cancel(job.id)
    while (await poll(shared, job)).json()["seq"] != ended.seq:
        pass
    assert (await taken()).json()["status"] == "cancelled"


async def test_a_queued_job_has_its_position(shared: Shared) -> None:
    jobs = [await create(shared.services, 10_000) for _ in range(3)]
    first, _, last = [(await poll(shared, job)).json()["progress"]["queuePosition"] for job in jobs]
    assert last == first + 2
    etag = (await poll(shared, jobs[2])).headers["etag"]
    assert etag == f'W/"1.{QUEUE_TICKS - last}.{last}"'
    await shared.services.lifecycle.cancel(jobs[0].id)
    answer = await poll(shared, jobs[2], etag)
    assert (answer.status_code, answer.json()["progress"]["queuePosition"]) == (200, last - 1)
    assert (await poll(shared, jobs[0])).json()["progress"]["queuePosition"] is None


async def test_a_long_poll_without_since_or_etag_waits_for_the_end(shared: Shared) -> None:
    job = await shared.processing()
    polling = asyncio.create_task(poll(shared, job, Prefer="respond-async, wait=20"))
    await waiting(shared, job)
    await shared.publish(live(job, 1))
    await shared.services.lifecycle.cancel(job.id)
    answer = await soon(polling)
    assert answer.json()["status"] == "cancelled"
    assert answer.headers["preference-applied"] == "wait=20"
    again = await poll(shared, job, answer.headers["etag"], Prefer="wait=20")
    assert again.status_code == 304


@pytest.mark.parametrize("mark", ["etag", "since"])
async def test_a_long_poll_with_since_or_etag_ends_with_the_first_change(shared: Shared, mark: str) -> None:
    job = await create(shared.services, 10_000)
    first = await poll(shared, job)
    etag, query = (first.headers["etag"], "") if mark == "etag" else (None, f"?since={first.json()['seq']}")
    polling = asyncio.create_task(poll(shared, job, etag, query, Prefer="wait=20"))
    await waiting(shared, job)
    claimed = await shared.services.lifecycle.claim(job.id, job.fence, "worker-1")
    assert claimed is not None
    answer = await soon(polling)
    assert (answer.status_code, answer.json()["status"]) == (200, "processing")


async def test_a_long_poll_by_etag_ends_with_live_progress(shared: Shared) -> None:
    job = await shared.processing()
    etag = (await poll(shared, job)).headers["etag"]
    polling = asyncio.create_task(poll(shared, job, etag, Prefer="wait=20"))
    await waiting(shared, job)
    await shared.publish(live(job, 1))
    assert (await soon(polling)).json()["tick"] == 1


async def test_a_lost_message_only_delays_a_long_poll(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    polling = asyncio.create_task(poll(shared, job, Prefer="wait=20"))
    await waiting(shared, job)
    redis: Any = redis_of(shared.services.feed)
    await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    began = monotonic()
    await shared.services.lifecycle.cancel(job.id)
    assert (await soon(polling)).json()["status"] == "cancelled"
    assert monotonic() - began < 2 * RECONCILE_INTERVAL + 1


async def test_a_long_poll_without_changes_ends_after_its_time(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    etag = (await poll(shared, job)).headers["etag"]
    began = monotonic()
    answer = await poll(shared, job, etag, Prefer='wait="1"')
    assert 1 <= monotonic() - began < 3
    assert (answer.status_code, answer.headers["preference-applied"]) == (304, "wait=1")


@pytest.mark.parametrize("prefer", ["wait=0", "wait", "wait=", "wait=-5", "wait=1.5", "wait=x", "handling=lenient", ""])
async def test_an_invalid_preference_is_ignored(shared: Shared, prefer: str) -> None:
    job = await create(shared.services, 10_000)
    answer = await poll(shared, job, Prefer=prefer)
    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers


@pytest.mark.parametrize("wait", ["61", "99999999999999999999"])
async def test_a_long_poll_waits_at_most_a_minute(shared: Shared, wait: str) -> None:
    job = await shared.completed()
    answer = await poll(shared, job, Prefer=f"wait={wait}; foo=bar, respond-async")
    assert answer.headers["preference-applied"] == f"wait={MAX_WAIT}"
