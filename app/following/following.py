"""The hub: what all followers of this process share.

One Redis subscription brings the messages of the jobs that somebody here follows or polls. A comparison with PostgreSQL
every two seconds makes a lost message a delay and nothing more; while Redis is away it is what the followers live on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from random import shuffle
from typing import Any
from uuid import UUID

import structlog

from app.following.frames import Frame
from app.following.outlets import STUCK, Closing, Outlet
from app.following.topics import Follow, Topic
from app.problems import TooManyFollowers
from app.schemas import JobStatus
from app.statuses import Statuses
from jobs.concurrency import end, map_limited
from jobs.domain.errors import DatabaseUnavailable, JobNotFound
from jobs.domain.events import Event, EventType
from jobs.domain.order import Order, Verdict
from jobs.services import Services
from jobs.subscriptions import Subscriptions

log = structlog.get_logger()

COMPARE = 2.0
"""Seconds between two comparisons of the followed jobs with PostgreSQL."""
COMPARED = 500
"""Jobs that are compared at once: more would keep everybody else waiting for too long."""
DEGRADED_COMPARE = 1.0
"""The same while Redis is away."""
POLLED = 10.0
"""Seconds for which a job that was polled is followed for the next poll."""
MAX_POLLED = 4096
"""Jobs that are followed for polls only."""
ACKNOWLEDGED = 2.0
"""Seconds that a new follower waits for Redis to take the subscription, before it goes on without."""
READS = 16
"""Snapshots that are read at once for one connection."""
LOOK = 0.05
"""Seconds between two looks at connections that lag."""
FAREWELL = 5.0
"""Seconds that a client has to take the end of its connection."""


class Following:
    """Reads jobs for all requests of this process, and brings what changes to those that follow them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._statuses = Statuses(services)
        self._subscriptions = Subscriptions(services.feed, self._receive, self._redis_changed)
        self._topics: dict[UUID, Topic] = {}
        self._snapshots: dict[tuple[UUID, int], asyncio.Task[Frame]] = {}
        """Those that are being read now."""
        self._outlets: dict[Outlet, str] = {}
        """All connections, with the address of their client."""
        self._clients: Counter[str] = Counter()
        self._lagging: set[Outlet] = set()
        self._someone_lags = asyncio.Event()
        self._compare_now = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens and compares while the block runs."""
        loops = (self._subscriptions.run, self._compare_for_ever, self._look_for_ever)
        tasks = [asyncio.create_task(loop()) for loop in loops]
        try:
            yield
        finally:
            await end(*tasks, *self._tasks)

    # --- one answer ----------------------------------------------------------------------------------------------------

    def known(self, job_id: UUID) -> JobStatus | None:
        """The job now, if that is known here for sure, since it was polled and all its messages come in."""
        topic = self._topics.get(job_id)
        if topic is None:
            return None
        topic.used_at = asyncio.get_running_loop().time()
        return topic.status

    async def read(self, job_id: UUID, since: int | None = None, *, fresh: bool = False) -> JobStatus:
        """The job now, with its files that changed after `since`. Raises `JobNotFound`, `DatabaseUnavailable`.

        A job that is polled over and over is followed meanwhile, and answered with what came in. `fresh` asks PostgreSQL
        in any case: what was written before is seen, even when its message was lost.
        """
        known = None if fresh or since is not None else self.known(job_id)
        if known is not None:
            return known
        topic = self._topics.get(job_id)
        hold = self._subscriptions.hold(job_id)
        again = self._statuses.keeps(job_id)
        status = await self._statuses.read(job_id, since)
        if topic is not None and since is None and hold is not None and hold is self._subscriptions.hold(job_id):
            topic.keep(status)  # no message was missed while it was read
        elif topic is None and again and len(self._topics) < MAX_POLLED and not status.status.ended:
            self._topic(job_id).used_at = asyncio.get_running_loop().time()
        return status

    def forget(self, job_id: UUID) -> None:
        """The job has just been dropped here: nobody is told any more what was known of it."""
        topic = self._topics.get(job_id)
        if topic is not None:
            topic.forget()

    async def wait(
        self, job_id: UUID, patience: float, enough: Callable[[JobStatus], bool], since: int | None = None
    ) -> JobStatus:
        """The job as soon as it is `enough`, or as it is after `patience` seconds. Raises as `read`."""
        deadline = asyncio.get_running_loop().time() + patience
        topic = self._topic(job_id)
        changed = asyncio.Event()
        topic.waiters.add(changed)
        try:
            await self._subscriptions.held(job_id, min(patience, ACKNOWLEDGED))
            while True:
                changed.clear()
                status = await self.read(job_id, since)
                remaining = deadline - asyncio.get_running_loop().time()
                if remaining <= 0 or enough(status):
                    return status
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), remaining)
        finally:
            topic.waiters.discard(changed)
            self._leave(topic)

    # --- streams -------------------------------------------------------------------------------------------------------

    def admit(self, client: str) -> None:
        """Raises `TooManyFollowers` when this process, or this client's address, has as many connections as it may."""
        if self._draining or len(self._outlets) >= self._settings.max_followers:
            raise TooManyFollowers("The server has as many open streams as it may have. Come back later.")
        if self._clients[client] >= self._settings.max_followers_per_client:
            raise TooManyFollowers(
                "Your address has as many open streams as it may have. Close some, or come back later."
            )

    def connect(self, outlet: Outlet, client: str) -> None:
        """Knows the connection, until `disconnect`."""
        self._outlets[outlet] = client
        self._clients[client] += 1

    def disconnect(self, outlet: Outlet) -> None:
        """The connection is gone, or good for other requests."""
        for job_id in list(outlet.follows):
            self.unfollow(outlet, job_id)
        client = self._outlets.pop(outlet)
        self._lagging.discard(outlet)
        self._clients[client] -= 1
        if not self._clients[client]:
            del self._clients[client]

    async def begin(self, outlet: Outlet, wanted: Mapping[UUID, Order]) -> list[tuple[Follow, Frame]]:
        """Starts to follow jobs, each from where the client is; `answer` sends the snapshots that this returns.

        Subscribe, wait for the acknowledgement, read: what is published from then on waits until `answer`. Raises as
        `read` when a job can't be read, and then follows none of them.
        """
        follows = [self._start(outlet, job_id, order) for job_id, order in wanted.items()]
        try:
            return await map_limited(self._read, follows, READS)
        except BaseException:
            for follow in follows:
                if outlet.follows.get(follow.topic.job_id) is follow:
                    self.unfollow(outlet, follow.topic.job_id)
            raise

    def answer(self, found: Iterable[tuple[Follow, Frame]]) -> None:
        """Sends the snapshots, what came in since they were read, and from now on every change."""
        for follow, frame in found:
            self._answer(follow, frame)

    def _start(self, outlet: Outlet, job_id: UUID, order: Order) -> Follow:
        before = outlet.follows.pop(job_id, None)
        follow = outlet.follows[job_id] = Follow(self._topic(job_id), outlet, order)
        follow.reading = True
        follow.topic.follows.add(follow)
        if before is not None:
            self._remove(before)
        return follow

    async def _read(self, follow: Follow) -> tuple[Follow, Frame]:
        await self._subscriptions.held(follow.topic.job_id, ACKNOWLEDGED)
        return follow, await self._snapshot(follow.topic.job_id, follow.order[0])

    async def _snapshot(self, job_id: UUID, since: int) -> Frame:
        """What changed after `since`. Followers that ask for the same at the same time share one reading.

        It may have begun before one of them asked: what has come in meanwhile is in the topic, and is judged after it.
        """
        reading = self._snapshots.get((job_id, since))
        if reading is None:
            reading = self._snapshots[job_id, since] = asyncio.create_task(self._framed(job_id, since))
            reading.add_done_callback(lambda _: self._snapshots.pop((job_id, since)))
        return await asyncio.shield(reading)

    async def _framed(self, job_id: UUID, since: int) -> Frame:
        return _frame_of(await self._statuses.read(job_id, since))

    def unfollow(self, outlet: Outlet, job_id: UUID) -> None:
        """Sends no more of the job."""
        follow = outlet.follows.pop(job_id, None)
        if follow is not None:
            self._remove(follow)

    def _remove(self, follow: Follow) -> None:
        follow.topic.follows.discard(follow)
        self._leave(follow.topic)

    def _answer(self, follow: Follow, frame: Frame) -> None:
        """Sends the snapshot, and what came in while it was read."""
        if outlet_of(follow).follows.get(follow.topic.job_id) is not follow:
            return  # it was given up meanwhile
        if follow.answer(frame) and self._bring(follow) and frame.final and follow.order == frame.order:
            self._ended(follow)

    def _bring(self, follow: Follow) -> bool:
        """Gives a follower what it lacks; True when that is nothing."""
        verdict = follow.topic.bring(follow)
        if verdict is Verdict.GAP:
            self._ask(follow)
        latest = follow.topic.latest
        if verdict is Verdict.NEXT and latest is not None and latest.final and follow.order == latest.order:
            self._ended(follow)
            return False
        return verdict is not Verdict.GAP

    def _ask(self, follow: Follow) -> None:
        """Reads a snapshot for one follower, which missed something."""
        follow.reading = True

        async def ask() -> None:
            try:
                frame = await self._snapshot(follow.topic.job_id, follow.order[0])
            except BaseException as error:
                follow.reading = False
                if isinstance(error, (DatabaseUnavailable, JobNotFound)):
                    return  # the next comparison sees to it
                raise
            self._answer(follow, frame)

        self._spawn(ask())

    def _ended(self, follow: Follow) -> None:
        """The follower has the last message of its job."""
        outlet = outlet_of(follow)
        closing = outlet.ended(follow)
        self._remove(follow)
        if closing is not None:
            self.close(outlet, closing)

    def close(self, outlet: Outlet, closing: Closing) -> None:
        """Ends the connection; cuts it when the client does not take that either."""
        if outlet.closing is None:
            outlet.closing = closing
            self._spawn(self._finish(outlet, closing))

    async def _finish(self, outlet: Outlet, closing: Closing) -> None:
        with suppress(Exception):  # it is gone already
            async with asyncio.timeout(FAREWELL):
                await outlet.finish(closing)
                while outlet.waiting():  # noqa: ASYNC110 - uvicorn hears of it, nobody else
                    await asyncio.sleep(LOOK)
            return
        outlet.abort()

    # --- topics --------------------------------------------------------------------------------------------------------

    def _topic(self, job_id: UUID) -> Topic:
        topic = self._topics.get(job_id)
        if topic is None:
            topic = self._topics[job_id] = Topic(job_id)
            self._subscriptions.want(job_id)
        return topic

    def _leave(self, topic: Topic, now: float | None = None) -> None:
        """Forgets the topic when nobody needs it."""
        now = asyncio.get_running_loop().time() if now is None else now
        if topic.follows or topic.waiters or now - topic.used_at < POLLED:
            return
        if self._topics.get(topic.job_id) is topic:
            del self._topics[topic.job_id]
            self._subscriptions.drop(topic.job_id)

    def _receive(self, event: Event, body: bytes) -> None:
        """A message from Redis. The last one of a job always comes from PostgreSQL."""
        topic = self._topics.get(event.job_id)
        if topic is None:
            return
        if event.status.ended:
            self._refresh(topic)
        else:
            self._deliver(topic, Frame(event, body))

    def _deliver(self, topic: Topic, frame: Frame) -> None:
        gaps, ended = topic.deliver(frame)
        for follow in gaps:
            if outlet_of(follow) not in self._lagging:
                self._ask(follow)
        for follow in ended:
            self._ended(follow)

    def _refresh(self, topic: Topic) -> None:
        """Reads the job from PostgreSQL for all of its followers."""
        if topic.refreshing:
            topic.again = True  # it may have been read before what happened now
            return
        topic.refreshing, topic.again = True, False

        async def refresh() -> None:
            try:
                frame = await self._framed(topic.job_id, topic.latest.order[0] if topic.latest else 0)
            except DatabaseUnavailable as error:
                log.warning("refresh_failed", job_id=str(topic.job_id), reason=error.message)
            except JobNotFound:
                self._gone(topic)
            else:
                self._deliver(topic, frame)
            finally:
                topic.refreshing = False
            if topic.again:
                self._refresh(topic)

        self._spawn(refresh())

    def _gone(self, topic: Topic) -> None:
        """Its rows were removed, or it was dropped: the followers get what was known last, and no more."""
        topic.forget()
        if topic.latest is not None:
            last = topic.latest.event
            news = {"type": EventType.GONE, "since": last.seq, "seq": last.seq + 1, "tick": 0, "files": []}
            event = last.model_copy(update=news)
            self._deliver(topic, Frame(event, event.model_dump_json().encode()))
        for follow in list(topic.follows):
            self._ended(follow)

    # --- what goes on all the time ---------------------------------------------------------------------------------------

    def _redis_changed(self) -> None:
        if self._subscriptions.connected:
            log.info("following_live")
        else:
            log.warning("following_degraded")
        for topic in self._topics.values():
            topic.forget()
        self._compare_now.set()

    async def _compare_for_ever(self) -> None:
        while True:
            pause = COMPARE if self._subscriptions.connected else DEGRADED_COMPARE
            with suppress(TimeoutError):
                await asyncio.wait_for(self._compare_now.wait(), pause)
            self._compare_now.clear()
            try:
                await self._compare(list(self._topics.values()))
            except DatabaseUnavailable as error:
                log.warning("comparison_failed", reason=error.message)
            except Exception:
                log.exception("comparison_broke")

    async def _compare(self, topics: Sequence[Topic]) -> None:
        """Whoever lacks what PostgreSQL has gets it, whether or not a message said so."""
        for start in range(0, len(topics), COMPARED):
            batch = topics[start : start + COMPARED]
            marks = await self._services.snapshots.marks([topic.job_id for topic in batch])
            for topic in batch:
                lacking, unknown = topic.compare(marks.get(topic.job_id))
                if unknown:
                    self._refresh(topic)
                for follow in lacking:
                    self._bring(follow)  # what is here already: a snapshot of its own could not be read or sent

    async def _look_for_ever(self) -> None:
        """Looks after connections: those that lag often, all of them every second."""
        loop = asyncio.get_running_loop()
        next_round = loop.time()
        while True:
            if not self._lagging:
                self._someone_lags.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._someone_lags.wait(), 1.0)
            await asyncio.sleep(LOOK if self._lagging else 0)
            now = loop.time()
            try:
                for outlet in list(self._lagging):
                    self._look(outlet, now)
                if now >= next_round:
                    next_round = now + 1.0
                    for outlet in self._outlets:
                        outlet.keep_alive(now)
                    for topic in list(self._topics.values()):
                        self._leave(topic, now)
            except Exception:
                log.exception("looking_broke")

    def lags(self, outlet: Outlet) -> None:
        """The connection has not taken what it was sent: it gets the newest state when it has."""
        if outlet not in self._lagging:
            self._lagging.add(outlet)
            outlet.left, outlet.left_since = outlet.waiting(), asyncio.get_running_loop().time()
            self._someone_lags.set()

    def _look(self, outlet: Outlet, now: float) -> None:
        """Brings a connection that lagged up to date once it has taken what it was sent; ends one that takes nothing."""
        waiting = outlet.waiting()
        if not waiting:
            self._lagging.discard(outlet)
            for follow in list(outlet.follows.values()):
                self._catch_up(follow)
        elif waiting < outlet.left:
            outlet.left, outlet.left_since = waiting, now
        elif now - outlet.left_since > STUCK:
            self._lagging.discard(outlet)
            self.close(outlet, Closing.SLOW)

    def _catch_up(self, follow: Follow) -> None:
        """Gives a follower that lagged the newest state."""
        if follow.order[1] < 0 and not follow.reading:
            self._ask(follow)  # not even the snapshot that it started with could be sent
        else:
            self._bring(follow)

    async def drain(self, seconds: float) -> None:
        """Takes no more connections, and ends those that are there, spread over so many seconds."""
        self._draining = True
        outlets = list(self._outlets)
        shuffle(outlets)
        for number, outlet in enumerate(outlets, 1):
            self.close(outlet, Closing.RESTART)
            if number % 16 == 0 or number == len(outlets):
                await asyncio.sleep(16 * seconds / max(len(outlets), 16))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2 * FAREWELL)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("following_task_broke", exc_info=task.exception())


def outlet_of(follow: Follow) -> Outlet:
    """Where its messages go: everything that follows here is a connection."""
    assert isinstance(follow.target, Outlet)
    return follow.target


def _frame_of(status: JobStatus) -> Frame:
    return Frame(status, status.body)
