"""Live following: every way tells the same, in order, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.following.reconciler import RECONCILE_INTERVAL
from app.status_reader import StatusReader
from jobs.engine.events import EventType, FileView
from jobs.engine.jobs import Failure, FileState, Job, Progress, Status
from jobs.engine.lifecycle import Lifecycle
from jobs.engine.live.feed import RedisFeed
from jobs.engine.sql.file_records import load_files
from jobs.engine.sql.snapshots import Snapshots
from jobs.errors import ErrorClass
from jobs.kinds import Phase
from jobs.settings import RedisSettings
from tests.app.following.followers import (
    PATIENCE,
    Follower,
    base,
    essence,
    final,
    items,
    live,
    socket,
    stream,
    subscribers,
    until_subscribers,
)
from tests.app.shared import Shared, link
from tests.helpers.jobs import create
from tests.helpers.redis_clients import redis_of
from tests.helpers.settings import UNAVAILABLE

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAILURE = Failure(error_class=ErrorClass.VALIDATION, message="no such file")
BUSY = 3.0
"""Seconds more than it should take, on a busy machine."""
WAYS = ["socket", "socket of many", "stream", "stream of many"]


@pytest.fixture(scope="module", params=["redis", "postgres"])
def shared_changes(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"queue": request.param}


WITH_REDIS = pytest.mark.parametrize("shared_changes", ["redis"], indirect=True, scope="module")
"""Redis tells who is subscribed to a job. With `QUEUE=postgres`, a gateway receives the events of all."""


@asynccontextmanager
async def following(shared: Shared, way: str, job: Job) -> AsyncIterator[Follower]:
    """A connection that has the job's first snapshot."""
    async with AsyncExitStack() as opened:
        follower: Follower
        if way == "socket":
            follower = await opened.enter_async_context(socket(base(shared), f"/{job.id}"))
        elif way == "socket of many":
            follower = many = await opened.enter_async_context(socket(base(shared)))
            await many.follow(job)
        elif way == "stream":
            follower = await opened.enter_async_context(stream(shared.api, f"/{job.id}"))
        else:
            follower = await opened.enter_async_context(stream(shared.api, items(job)))
        await follower.heard(job, (1, -1))
        yield follower


@asynccontextmanager
async def following_all_ways(shared: Shared, job: Job) -> AsyncIterator[list[Follower]]:
    async with AsyncExitStack() as opened:
        yield [await opened.enter_async_context(following(shared, way, job)) for way in WAYS]


class Held:
    """Answers from PostgreSQL that are read, and then held until they may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read = asyncio.Event()
        self._go_on = asyncio.Event()
        real = StatusReader.read

        async def held(*args: Any, **kwargs: Any) -> Any:
            status = await real(*args, **kwargs)
            self.read.set()
            await self._go_on.wait()
            return status

        monkeypatch.setattr(StatusReader, "read", held)

    def go_on(self) -> None:
        self._go_on.set()


def quiet(shared: Shared) -> Lifecycle:
    """Writes transitions of which nobody is told: its Redis is away."""
    feed = RedisFeed.open(RedisSettings(**UNAVAILABLE["redis"], redis_timeout=1))
    return Lifecycle(shared.services.database, feed, shared.services.queue, shared.settings)


# --- every way ----------------------------------------------------------------------------------------------------------


async def test_all_transports_send_the_same_messages(shared: Shared) -> None:
    job = await shared.processing(10_000, 10_001)
    polling = asyncio.create_task(shared.api.get(link(job), headers={"Prefer": "wait=30"}))
    async with following_all_ways(shared, job) as followers:
        await shared.publish(live(job, 1))
        async with shared.services.database.reading() as connection:
            records = await load_files(connection, job.id)
        done = replace(records[1], state=FileState.DONE, size=3, bytes_done=3)
        await shared.services.lifecycle.record(
            job, Phase.PACKING, Progress(files_total=2, bytes_total=9, bytes_done=3), [done]
        )
        await asyncio.gather(*(follower.heard(job, (job.seq, 1)) for follower in followers))
        await shared.services.lifecycle.fail(job, FAILURE)
        ends = [essence(await follower.end(job)) for follower in followers]
        files = {(str(job.id), file["index"]): file for file in (await polled(shared, job))["files"]}
        assert [follower.files for follower in followers] == [files] * len(WAYS)
    truth = await final(shared, job)
    assert (truth["status"], truth["error"]["message"]) == ("failed", "no such file")
    assert ends == [truth] * len(WAYS)
    assert essence((await polling).json()) == truth


async def polled(shared: Shared, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = (await shared.api.get(link(job, "?since=0"))).json()
    return found


async def test_a_connection_of_one_job_ends_with_it_and_one_of_many_stays_open(shared: Shared) -> None:
    jobs = [await shared.processing(), await shared.processing()]
    async with (
        socket(base(shared), f"/{jobs[0].id}") as one,
        socket(base(shared)) as many,
        stream(shared.api, items(*jobs)) as streamed,
        stream(shared.api, f"/{jobs[0].id}") as alone,
    ):
        await many.follow(*jobs)
        await asyncio.gather(*(it.heard(job, (1, -1)) for it in (many, streamed) for job in jobs))
        await shared.services.lifecycle.cancel(jobs[0].id)
        assert (await one.end(jobs[0]))["status"] == "cancelled"
        assert (await one.closed(), one.reason) == (1000, "The job has ended.")
        await alone.over()
        assert 1 <= alone.pause <= 5
        await asyncio.gather(many.end(jobs[0]), streamed.end(jobs[0]))
        ended = await shared.services.lifecycle.cancel(jobs[1].id)
        await streamed.over()
        await many.heard(jobs[1], (ended.seq, 0))
        another = await create(shared.services, 10_000)
        await many.follow(another)
        await many.heard(another, (1, -1))
        assert set(streamed.ids) == {None}
        assert alone.ids[-1] == f"{ended.seq}.0"


async def test_two_tabs_follow_the_same_job_and_one_is_closed(shared: Shared) -> None:
    job = await shared.processing()
    async with following(shared, "socket", job) as left:
        async with following(shared, "socket", job) as right:
            await shared.publish(live(job, 1))
            assert await left.heard(job, (job.seq, 1)) == await right.heard(job, (job.seq, 1))
        await shared.publish(live(job, 2))
        assert (await left.heard(job, (job.seq, 2)))["progress"]["bytesDone"] == 2


@WITH_REDIS
async def test_a_socket_follows_unfollows_and_follows_a_job_again(shared: Shared) -> None:
    job, other = await shared.processing(), await shared.processing()
    async with socket(base(shared)) as follower:
        await follower.follow(job, other)
        await asyncio.gather(follower.heard(job, (1, -1)), follower.heard(other, (1, -1)))
        await follower.say({"type": "unfollow", "jobs": [str(job.id), str(job.id)]})
        await until_subscribers(shared.services.feed, job, 0)
        await shared.publish(live(job, 1))
        await shared.publish(live(other, 1))
        await follower.heard(other, (other.seq, 1))
        assert len(follower.of(job)) == 1
        del follower.have[str(job.id)]
        await follower.follow(job)
        again = await follower.heard(job, (job.seq, 1))
        assert (again["type"], again["since"], again["tick"]) == ("snapshot", 0, 1)


@pytest.mark.parametrize("status", ["processing", "queued"])
async def test_followers_of_a_deleted_job_get_gone(shared: Shared, status: str) -> None:
    job = await (create(shared.services, 10_000) if status == "queued" else shared.processing())
    async with following_all_ways(shared, job) as followers:
        async with shared.services.database.begin() as connection:
            await connection.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": job.id})
        gone = await asyncio.gather(*(follower.end(job) for follower in followers))
        assert {(message["type"], message["status"]) for message in gone} == {(EventType.GONE, status)}
        for follower, way in zip(followers, WAYS, strict=True):
            if way != "socket of many":
                await follower.over()
        assert [len(follower.of(job)) for follower in followers] == [2] * len(WAYS)


# --- nothing is lost ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["socket", "stream"])
async def test_messages_published_during_a_snapshot_read_are_sent_after_it(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    job = await shared.processing()
    held = Held(monkeypatch)
    opening = asyncio.create_task(_all_of(shared, way, job, (job.seq, 3)))
    await asyncio.wait_for(held.read.wait(), PATIENCE)
    for tick in (1, 2, 3):
        await shared.publish(live(job, tick))
    held.go_on()
    snapshot, *rest = await asyncio.wait_for(opening, PATIENCE)
    assert (snapshot["type"], snapshot["tick"]) == ("snapshot", 0)
    assert rest[-1]["tick"] == 3


async def _all_of(shared: Shared, way: str, job: Job, order: tuple[int, int]) -> list[dict[str, Any]]:
    async with following(shared, way, job) as follower:
        await follower.heard(job, order)
        return follower.of(job)


@pytest.mark.parametrize("way", ["socket", "stream"])
async def test_a_job_that_ends_during_a_snapshot_read_ends_its_followers(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    job = await shared.processing()
    held = Held(monkeypatch)
    opening = asyncio.create_task(_whole(shared, way, job))
    await asyncio.wait_for(held.read.wait(), PATIENCE)
    await shared.services.lifecycle.cancel(job.id)
    held.go_on()
    began = monotonic()
    told = await asyncio.wait_for(opening, PATIENCE)
    assert [message["status"] for message in told] == ["processing", "cancelled"]
    assert monotonic() - began < RECONCILE_INTERVAL + BUSY


async def _whole(shared: Shared, way: str, job: Job) -> list[dict[str, Any]]:
    async with following(shared, way, job) as follower:
        await follower.end(job)
        return follower.of(job)


async def test_the_last_message_arrives_even_if_its_publish_is_lost(shared: Shared) -> None:
    job = await shared.processing()
    async with following_all_ways(shared, job) as followers:
        began = monotonic()
        await quiet(shared).cancel(job.id)
        ends = [essence(await follower.end(job)) for follower in followers]
        assert monotonic() - began < RECONCILE_INTERVAL + BUSY
    assert ends == [await final(shared, job)] * len(WAYS)


async def test_the_last_message_is_never_taken_from_redis(shared: Shared) -> None:
    job = await shared.processing()
    async with following(shared, "socket", job) as follower:
        wrong = live(job, 0, seq=job.seq + 1).model_copy(update={"status": Status.COMPLETED, "since": job.seq})
        await shared.publish(wrong)
        await shared.publish(live(job, 1))
        assert (await follower.heard(job, (job.seq, 1)))["status"] == "processing"
        ended = await shared.services.lifecycle.cancel(job.id)
        end = await follower.end(job)
        assert (end["status"], end["seq"], end["links"]["self"]) == ("cancelled", ended.seq, link(job))


async def test_live_file_progress_that_was_never_persisted_is_reset(shared: Shared) -> None:
    job = await shared.processing()
    active = FileView(index=0, file_id=10_000, name="a", status=FileState.ACTIVE, bytes_done=30, size=100, error=None)
    async with socket(base(shared), f"/{job.id}") as follower:
        await follower.heard(job, (1, -1))
        await shared.publish(live(job, 1, files=[active]))
        await follower.heard(job, (job.seq, 1))
        await shared.services.lifecycle.cancel(job.id)
        await follower.end(job)
    [truth] = (await shared.api.get(link(job, "?since=0"))).json()["files"]
    assert follower.files[str(job.id), 0] == truth


async def test_a_gap_is_filled_with_a_snapshot(shared: Shared) -> None:
    job = await shared.processing(10_000, 10_001)
    async with following(shared, "stream", job) as follower:
        async with shared.services.database.reading() as connection:
            first, second = await load_files(connection, job.id)
        progress = Progress(files_total=2, bytes_total=9, bytes_done=3)
        done = [replace(it, state=FileState.DONE, size=3, bytes_done=3) for it in (first, second)]
        await shared.services.lifecycle.record(
            job, Phase.PACKING, progress, done[:1]
        )  # nothing is published of these two
        seq = await shared.services.lifecycle.record(job, Phase.PACKING, progress, done[1:])
        began = monotonic()
        await shared.publish(live(job, 1, seq=seq))
        await follower.heard(job, (seq, 1))
        assert monotonic() - began < BUSY
        assert [follower.files[str(job.id), index]["status"] for index in (0, 1)] == ["done", "done"]


async def test_a_client_that_reconnects_gets_only_what_is_new(shared: Shared) -> None:
    job = await shared.processing(10_000, 10_001)
    async with following(shared, "stream", job) as follower:
        await shared.publish(live(job, 4))
        await follower.heard(job, (job.seq, 4))
    await shared.publish(live(job, 5))
    seen = {str(job.id): job.seq}
    async with (
        stream(shared.api, f"/{job.id}?since=0", since=seen, last_event_id=f"{job.seq}.5") as streamed,
        socket(base(shared), f"/{job.id}?since={job.seq}", since=seen) as socketed,
    ):
        first = await socketed.heard(job, (job.seq, 5))
        assert (first["since"], first["files"]) == (job.seq, [])
        await shared.publish(live(job, 6))
        await streamed.heard(job, (job.seq, 6))
        assert streamed.ids == [f"{job.seq}.6"]
        await shared.services.lifecycle.cancel(job.id)
        await asyncio.gather(streamed.end(job), socketed.end(job))
        last = streamed.ids[-1]
    assert last is not None
    answer = await shared.api.get(f"/v1/download/stream/{job.id}", headers={"Last-Event-ID": last})
    assert (answer.status_code, answer.content) == (204, b"")


async def test_the_queue_position_of_a_waiting_job_is_updated(shared: Shared) -> None:
    ahead, job = await create(shared.services, 10_000), await create(shared.services, 10_000)
    async with following_all_ways(shared, job) as followers:
        places = [follower.of(job)[-1]["progress"]["queuePosition"] for follower in followers]
        assert len(set(places)) == 1
        await shared.services.lifecycle.cancel(ahead.id)
        await asyncio.gather(*(follower.until(moved(follower, job, places[0] - 1)) for follower in followers))
    await shared.services.lifecycle.cancel(job.id)


async def test_a_moving_queue_is_read_with_few_queries(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    real = Snapshots.read_many

    async def counted(snapshots: Snapshots[Job], job_ids: Iterable[UUID]) -> Any:
        asked.append(await real(snapshots, job_ids))
        return asked[-1]

    async def counted_files(*args: Any) -> Any:
        asked.append(await load_files(*args))
        return asked[-1]

    ahead, *jobs = [await create(shared.services, 10_000) for _ in range(41)]
    async with socket(base(shared)) as follower:
        await follower.follow(*jobs)
        await asyncio.gather(*(follower.heard(job, (1, -1)) for job in jobs))
        places = {job.id: follower.of(job)[-1]["progress"]["queuePosition"] for job in jobs}
        monkeypatch.setattr(Snapshots, "read_many", counted)
        monkeypatch.setattr("jobs.engine.sql.file_records.load_files", counted_files)
        await shared.services.lifecycle.cancel(ahead.id)
        await asyncio.gather(*(follower.until(moved(follower, job, places[job.id] - 1)) for job in jobs))
        assert len(asked) < len(jobs) / 4
    for job in jobs:
        await shared.services.lifecycle.cancel(job.id)


async def test_followers_start_over_after_a_database_restore(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.following.reconciler.RECONCILE_INTERVAL", 0.3)
    job = await shared.processing()
    reads, real = [0], StatusReader.read

    async def counted(*args: Any, **kwargs: Any) -> Any:
        reads[0] += 1
        return await real(*args, **kwargs)

    async with following_all_ways(shared, job) as followers:
        for done in (1, 2, 3):
            seq = await shared.services.lifecycle.record(
                job, Phase.PACKING, Progress(files_total=1, bytes_done=done), []
            )
            await asyncio.gather(*(follower.heard(job, (seq, 0)) for follower in followers))
        monkeypatch.setattr(StatusReader, "read", counted)
        async with shared.services.database.begin() as connection:
            await connection.execute(text("UPDATE jobs SET seq = :seq WHERE id = :id"), {"id": job.id, "seq": job.seq})
        await asyncio.gather(*(follower.over() for follower in followers))
        had = {str(job.id): seq}
        async with (
            socket(base(shared), f"/{job.id}?since={seq}", since=had) as socketed,
            stream(shared.api, f"/{job.id}", since=had, last_event_id=f"{seq}.0") as streamed,
        ):
            for follower in (socketed, streamed):
                await follower.until(lambda follower=follower: bool(follower.messages))  # type: ignore[misc]
                assert (follower.messages[0]["since"], follower.messages[0]["seq"]) == (0, job.seq)
            await shared.publish(live(job, 5))
            await asyncio.gather(*(it.heard(job, (job.seq, 5)) for it in (socketed, streamed)))
        assert reads[0] < 20
    await shared.services.lifecycle.cancel(job.id)


def moved(follower: Follower, job: Job, place: int) -> Callable[[], bool]:
    return lambda: follower.of(job)[-1]["progress"]["queuePosition"] == place


# --- what it costs ------------------------------------------------------------------------------------------------------


@WITH_REDIS
async def test_all_followers_of_a_job_share_one_subscription(shared: Shared) -> None:
    jobs = [await shared.processing() for _ in range(3)]
    redis: Any = redis_of(shared.services.feed)
    async with AsyncExitStack() as opened:
        for job in jobs:
            for _ in range(5):
                await opened.enter_async_context(following_all_ways(shared, job))
        assert [await subscribers(shared.services.feed, job) for job in jobs] == [1, 1, 1]
        assert len(await redis.client_list(_type="pubsub")) == 1
        polling = asyncio.create_task(shared.api.get(link(jobs[0]), headers={"Prefer": "wait=1"}))
        await polling
        assert await subscribers(shared.services.feed, jobs[0]) == 1
    for job in jobs[1:]:
        await until_subscribers(shared.services.feed, job, 0)


async def test_a_silent_stream_gets_comments(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.following.connections.KEEPALIVE_INTERVAL", (0.1, 0.2))
    monkeypatch.setattr("app.following.hub.HOUSEKEEPING_INTERVAL", 0.1)
    job = await shared.processing()
    async with stream(shared.api, f"/{job.id}") as follower:
        await follower.heard(job, (1, -1))
        began = follower.parser.comments
        await follower.until(lambda: follower.parser.comments >= began + 2)
        assert follower.pause == 2
