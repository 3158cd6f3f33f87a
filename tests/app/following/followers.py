"""Clients that follow jobs and keep to docs/protocol.md: what they are told, in which order, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app.endpoints.sockets import SUBPROTOCOL
from jobs.concurrency import cancel_and_wait
from jobs.engine.events import Event, EventType, FileView, ProgressView
from jobs.engine.jobs import Job, Progress, Status
from jobs.engine.live.feed import UNAVAILABLE, channel
from jobs.engine.order import Order, Verdict, judge, requested_since
from jobs.engine.transport import Feed
from jobs.kinds import Phase
from tests.app.shared import Shared
from tests.event_stream_parser import EventStreamParser
from tests.helpers.redis_clients import redis_of

PATIENCE = 30.0
"""Seconds in which anything that is waited for has come, even on a busy machine."""
NOTHING = requested_since(0)
ENDED = {"completed", "failed", "cancelled", "expired", "gone"}


class Follower:
    """What was said of jobs over one connection, and what a client makes of it."""

    def __init__(self, since: Mapping[str, int] | None = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self.have: dict[str, Order] = {job: requested_since(seq) for job, seq in (since or {}).items()}
        self.files: dict[tuple[str, int], dict[str, Any]] = {}
        self._changed = asyncio.Condition()
        self.is_over = False

    async def take(self, message: dict[str, Any]) -> None:
        """The server's part: over one connection it says nothing old and leaves no gap, unless it starts over."""
        if message["type"] == "error":
            self.errors.append(message)
        else:
            job, order = message["jobId"], (message["seq"], message["tick"])
            have = self.have.get(job, NOTHING)
            if order[0] >= have[0]:
                verdict = judge(have, message["since"], order)
                assert verdict is Verdict.NEXT, f"{message['since']}..{order} is {verdict} to one that has {have}"
            else:
                assert message["since"] == 0, f"{order} came after {have}"
            self.have[job] = order
            self.messages.append(message)
            self.files |= {(job, file["index"]): file for file in message["files"]}
        await self.tell()

    async def tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, enough: Callable[[], bool]) -> None:
        """Returns as soon as that is so; fails when it is over first, or never comes."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: enough() or self.is_over)
        assert enough(), (self.messages[-1:], self.errors)

    async def heard(self, job: Job, order: Order) -> dict[str, Any]:
        """The message at this place, or the first one after it."""
        await self.until(lambda: self.have.get(str(job.id), NOTHING) >= order)
        return next(it for it in self.of(job) if (it["seq"], it["tick"]) >= order)

    async def end(self, job: Job) -> dict[str, Any]:
        """The last message of the job."""
        await self.until(lambda: any(it["type"] in ENDED for it in self.of(job)))
        return self.of(job)[-1]

    def of(self, job: Job) -> list[dict[str, Any]]:
        return [it for it in self.messages if it["jobId"] == str(job.id)]

    async def over(self) -> None:
        """Returns when the connection has ended."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.is_over)


class SocketFollower(Follower):
    """Over a WebSocket. `code`: with which it was closed."""

    def __init__(self, connection: ClientConnection, since: Mapping[str, int] | None) -> None:
        super().__init__(since)
        self.connection = connection
        self.code: int | None = None
        self.reason = ""

    async def run(self) -> None:
        try:
            while True:
                await self.take(json.loads(await self.connection.recv()))
        except ConnectionClosed as error:
            self.code, self.reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")
        finally:
            self.is_over = True
            await self.tell()

    async def follow(self, *jobs: Job, since: int = 0) -> None:
        await self.say({"type": "follow", "jobs": [{"jobId": str(job.id), "since": since} for job in jobs]})

    async def say(self, message: Any) -> None:
        await self.connection.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    async def closed(self) -> int | None:
        await self.over()
        return self.code


class StreamFollower(Follower):
    """Over an event stream."""

    def __init__(self, answer: httpx.Response, since: Mapping[str, int] | None) -> None:
        super().__init__(since)
        self.answer = answer
        self.parser = EventStreamParser()
        self.ids: list[str | None] = []

    @property
    def pause(self) -> float:
        """Seconds after which it was told to come back."""
        assert self.parser.retry is not None
        return self.parser.retry / 1000

    async def run(self) -> None:
        try:
            async for data in self.answer.aiter_raw():
                for event in self.parser.feed(data):
                    message = json.loads(event.data)
                    assert event.type == message["type"]
                    self.ids.append(event.id)
                    await self.take(message)
                await self.tell()  # there may have been a comment
        finally:
            self.is_over = True
            await self.tell()


@asynccontextmanager
async def socket(
    url: str,
    path: str = "",
    *,
    since: Mapping[str, int] | None = None,
    subprotocols: Iterable[str] = (SUBPROTOCOL,),
    **options: Any,
) -> AsyncIterator[SocketFollower]:
    """A WebSocket that reads all the time."""
    address = "ws" + url.removeprefix("http") + f"/v1/download/subscribe{path}"
    async with connect(address, subprotocols=list(subprotocols) or None, proxy=None, **options) as connection:  # type: ignore[arg-type]
        follower = SocketFollower(connection, since)
        reading = asyncio.create_task(follower.run())
        try:
            yield follower
        finally:
            await _let_go(reading)


@asynccontextmanager
async def stream(
    api: httpx.AsyncClient, path: str, *, since: Mapping[str, int] | None = None, last_event_id: str | None = None
) -> AsyncIterator[StreamFollower]:
    """An event stream that is read all the time."""
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    async with api.stream("GET", f"/v1/download/stream{path}", headers=headers) as answer:
        follower = StreamFollower(answer, since)
        reading = asyncio.create_task(follower.run())
        try:
            yield follower
        finally:
            await _let_go(reading)


async def _let_go(reading: asyncio.Task[None]) -> None:
    """What broke while it read breaks the test."""
    if reading.done():
        reading.result()
    await cancel_and_wait(reading)


def base(shared: Shared) -> str:
    """Where the gateway is."""
    return str(shared.api.base_url).rstrip("/")


def items(*jobs: Job) -> str:
    """The query of a stream of many."""
    return "?jobs=" + ",".join(f"{job.id}:0" for job in jobs)


def live(job: Job, tick: int, *, files: list[FileView] | None = None, seq: int | None = None) -> Event:
    """A live message of a running attempt."""
    progress = Progress(files_total=1, bytes_total=1000, bytes_done=tick)
    return Event(
        type=EventType.PROGRESS,
        job_id=job.id,
        since=job.seq if seq is None else seq,
        seq=job.seq if seq is None else seq,
        tick=tick,
        ts=datetime.now(UTC),
        status=Status.PROCESSING,
        attempt=job.attempt,
        progress=ProgressView.at(Phase.PACKING, progress),
        files=files or [],
    )


async def final(shared: Shared, job: Job) -> dict[str, Any]:
    """What a poll says of the job in the end, but for what differs from answer to answer."""
    answer = await shared.api.get(f"/v1/download/job/{job.id}?since=0", headers={"Cache-Control": "no-cache"})
    return essence(answer.json())


def essence(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in {"ts", "since", "files"}}


def pause_of(answer: httpx.Response) -> float:
    """The seconds that an empty stream tells to wait."""
    parser = EventStreamParser()
    assert list(parser.feed(answer.content)) == []
    assert parser.retry is not None
    return parser.retry / 1000


async def subscribers(feed: Feed, job: Job) -> int:
    """How many connections to Redis are subscribed to the job's channel."""
    redis: Any = redis_of(feed)
    return int((await redis.pubsub_numsub(channel(job.id)))[0][1])


async def until_subscribers(feed: Feed, job: Job, count: int) -> None:
    """Returns when there are so many; Redis may be away meanwhile."""
    deadline = monotonic() + PATIENCE  # redis loses the cancellation of a time-out now and then
    while monotonic() < deadline:
        with suppress(*UNAVAILABLE):
            if await subscribers(feed, job) == count:
                return
    raise AssertionError(f"there are {await subscribers(feed, job)} subscribers of {job.id}")
