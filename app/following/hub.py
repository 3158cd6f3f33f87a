"""The hub: what all followers of this process share.

One Redis subscription brings the messages of the jobs that somebody here follows or polls. A comparison with PostgreSQL
every two seconds makes a lost message a delay and nothing more; while Redis is away it is what the followers live on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import structlog

from app.close_codes import Closing
from app.following.background import Background
from app.following.connection_limits import Admission
from app.following.connections import Outlet
from app.following.disconnects import Farewells
from app.following.frames import Frame
from app.following.polling import Polls
from app.following.readings import Readings
from app.following.reconciler import Comparing
from app.following.slow_consumers import Lagging
from app.following.topic_registry import Topics
from app.following.topics import Follow, Lacking, Topic
from app.status_reader import Statuses
from jobs.concurrency import cancel_and_wait, map_limited
from jobs.engine.events import Event
from jobs.engine.live.subscriptions import ACKNOWLEDGED, Subscriptions
from jobs.engine.order import Order, Verdict
from jobs.errors import DatabaseUnavailable, JobNotFound
from jobs.services import Services

log = structlog.get_logger()

COMPARE = 1.5
"""Seconds between two comparisons of the followed jobs with PostgreSQL."""
DEGRADED_COMPARE = 0.8
"""The same while Redis is away. Workers write once a second: with as much between two reads, news could be 2 s old."""
READS = 16
"""Snapshots that are read at once for one connection."""


class Following:
    """Reads jobs for all requests of this process, and brings what changes to those that follow them."""

    def __init__(self, services: Services) -> None:
        settings, statuses = services.settings, Statuses(services)
        self._subscriptions = Subscriptions(services.feed, self._receive, self._redis_changed)
        self._topics = Topics(self._subscriptions)
        self._readings = Readings(statuses, self._topics)
        self._comparing = Comparing(services.snapshots, self._settle)
        self._lagging = Lagging(self._catch_up, lambda outlet: self.close(outlet, Closing.SLOW))
        self._farewells = Farewells()
        self._background = Background()
        self._outlets: dict[Outlet, str] = {}
        """All connections, with the address of their client."""
        self.admission = Admission(settings.max_followers, settings.max_followers_per_client)
        self.polls = Polls(statuses, self._topics, self._subscriptions, self.admission)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens and compares while the block runs."""
        loops = (
            self._subscriptions.run(),
            self._comparing.run(lambda: list(self._topics), self._pause),
            self._lagging.run(self._look_at_all),
        )
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            await cancel_and_wait(*tasks)
            await self._farewells.end()
            await self._background.end()
            await self._readings.end()

    # --- connections ---------------------------------------------------------------------------------------------------

    def connect(self, outlet: Outlet, client: str) -> None:
        """Knows the connection, which was admitted, until `disconnect`."""
        self._outlets[outlet] = client
        self.admission.enter(client)

    def disconnect(self, outlet: Outlet) -> None:
        """The connection is gone, or good for other requests."""
        for job_id in list(outlet.follows):
            self.unfollow(outlet, job_id)
        self._lagging.discard(outlet)
        self.admission.leave(self._outlets.pop(outlet))

    def lags(self, outlet: Outlet) -> None:
        """The connection has not taken what it was sent: it gets the newest state when it has."""
        self._lagging.add(outlet)

    def close(self, outlet: Outlet, closing: Closing) -> None:
        """Ends the connection."""
        self._farewells.close(outlet, closing)

    async def drain(self, seconds: float) -> None:
        """Takes no more connections, lets nobody wait, and ends the connections, spread over so many seconds."""
        self.admission.draining = True
        for topic in self._topics:
            topic.wake()
        await self._farewells.spread(self._outlets, seconds)

    # --- following -----------------------------------------------------------------------------------------------------

    async def begin(self, outlet: Outlet, wanted: Mapping[UUID, Order]) -> list[tuple[Follow, Frame]]:
        """Starts to follow jobs, each from where the client is; `answer` sends the snapshots that this returns.

        Subscribe, wait for the acknowledgement, read: what is published from then on waits until `answer`. Raises as
        `Statuses.read` when a job can't be read, and then follows none of them.
        """
        follows = self.start(outlet, wanted)
        try:
            return await map_limited(self._read, follows, READS)
        except BaseException:
            for follow in follows:
                self._give_up(follow)
            raise

    def answer(self, found: Iterable[tuple[Follow, Frame]]) -> None:
        """Sends the snapshots, what came in since they were read, and from now on every change."""
        for follow, frame in found:
            self._answer(follow, frame)

    def start(self, outlet: Outlet, wanted: Mapping[UUID, Order]) -> list[Follow]:
        """Takes the jobs up, each from where the client is: what comes in waits for a snapshot, as of `catch_up`."""
        return [self._start(outlet, job_id, order) for job_id, order in wanted.items()]

    async def catch_up(self, follow: Follow) -> None:
        """Reads and sends the first snapshot. Raises as `Statuses.read`, and then does not follow the job."""
        try:
            _, frame = await self._read(follow)
        except BaseException:
            self._give_up(follow)
            raise
        self._answer(follow, frame)

    def unfollow(self, outlet: Outlet, job_id: UUID) -> None:
        """Sends no more of the job."""
        follow = outlet.follows.pop(job_id, None)
        if follow is not None:
            self._remove(follow)

    def _start(self, outlet: Outlet, job_id: UUID, order: Order) -> Follow:
        before = outlet.follows.pop(job_id, None)
        follow = outlet.follows[job_id] = Follow(self._topics.open(job_id), outlet, order)
        follow.reading = True
        follow.topic.follows.add(follow)
        if before is not None:
            self._remove(before)
        return follow

    async def _read(self, follow: Follow) -> tuple[Follow, Frame]:
        await self._subscriptions.acknowledged(follow.topic.job_id, ACKNOWLEDGED)
        return follow, await self._readings.snapshot(follow.topic.job_id, follow.order[0])

    def _give_up(self, follow: Follow) -> None:
        if follow.is_current:
            self.unfollow(follow.outlet, follow.topic.job_id)

    def _remove(self, follow: Follow) -> None:
        follow.topic.follows.discard(follow)
        self._topics.leave(follow.topic)

    def _answer(self, follow: Follow, frame: Frame) -> None:
        """Sends the snapshot, and what came in while it was read."""
        if not follow.is_current:
            return
        follow.topic.see(frame)
        if follow.answer(frame) and self._bring(follow, frame.heard) and frame.final and follow.order == frame.order:
            self._ended(follow)

    def _bring(self, follow: Follow, heard: Order | None = None) -> bool:
        """Gives a follower what it lacks; True when that is nothing.

        `heard`: the newest message at the time when it was asked for. When that is still the newest, PostgreSQL had all
        of it to tell and says less: to ask again would bring no more, and the comparison sees to it.
        """
        topic = follow.topic
        verdict, latest = topic.bring(follow), topic.latest
        if verdict is Verdict.GAP and latest is not None:
            if heard is not None and latest.order <= heard:
                return True
            self._ask(follow)
            return False
        if verdict is Verdict.NEXT and latest is not None and latest.final and follow.order == latest.order:
            self._ended(follow)
            return False
        return True

    def _ask(self, follow: Follow) -> None:
        """Reads a snapshot for one follower, which missed something."""
        follow.reading = True
        self._background.spawn(self._answer_anew(follow))

    async def _answer_anew(self, follow: Follow) -> None:
        try:
            frame = await self._readings.snapshot(follow.topic.job_id, follow.order[0])
        except (DatabaseUnavailable, JobNotFound):
            follow.reading = False  # the next comparison sees to it
        except Exception:
            log.exception("snapshot_broke", job_id=str(follow.topic.job_id))
            follow.reading = False
            self.close(follow.outlet, Closing.INTERNAL)
        else:
            self._answer(follow, frame)

    def _ended(self, follow: Follow) -> None:
        """The follower has the last message of its job."""
        closing = follow.outlet.ended(follow)
        self._remove(follow)
        if closing is not None:
            self.close(follow.outlet, closing)

    # --- what comes in ---------------------------------------------------------------------------------------------------

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
            if follow.outlet not in self._lagging:
                self._ask(follow)
        for follow in ended:
            self._ended(follow)

    def _refresh(self, topic: Topic) -> None:
        """Reads the job from PostgreSQL for all of its followers."""
        if topic.refreshing:
            topic.again = True  # it may have been read before what happened now
            return
        topic.refreshing = True
        self._background.spawn(self._refreshed(topic))

    async def _refreshed(self, topic: Topic) -> None:
        try:
            topic.again = True
            while topic.again:
                topic.again = False
                self._deliver(topic, await self._readings.fresh(topic.job_id, topic.reach()))
        except DatabaseUnavailable as error:
            log.warning("refresh_failed", job_id=str(topic.job_id), reason=error.message)
        except JobNotFound:  # its rows were removed, or it was dropped
            topic.forget()
            farewell = topic.farewell()
            if farewell is not None:
                self._deliver(topic, farewell)
        except Exception:
            log.exception("refresh_broke", job_id=str(topic.job_id))
            for follow in topic.listening:
                self.close(follow.outlet, Closing.INTERNAL)
        finally:
            topic.refreshing = False

    def _redis_changed(self) -> None:
        if self._subscriptions.connected:
            log.info("following_live")
        else:
            log.warning("following_degraded")
        for topic in self._topics:
            topic.forget()
        self._comparing.hurry()

    # --- what goes on all the time ---------------------------------------------------------------------------------------

    def _pause(self) -> float:
        return COMPARE if self._subscriptions.connected else DEGRADED_COMPARE

    def _settle(self, topic: Topic, lacking: Lacking) -> None:
        """Whoever lacks what PostgreSQL has gets it, whether or not a message said so."""
        if lacking.unknown:
            self._refresh(topic)
        for follow in lacking.follows:
            self._bring(follow)  # what is here already: a snapshot of its own could not be read or sent
        for follow in lacking.astray:
            self.close(
                follow.outlet, Closing.RESTART
            )  # a client takes what is older only for an answer to its question

    def _look_at_all(self, now: float) -> None:
        for outlet in self._outlets:
            outlet.keep_alive(now)
        for topic in self._topics:
            self._topics.leave(topic)

    def _catch_up(self, outlet: Outlet) -> None:
        """Gives each job of a connection that lagged the newest state."""
        for follow in list(outlet.follows.values()):
            if follow.order[1] < 0 and not follow.reading:
                self._ask(follow)  # not even the snapshot that it started with could be sent
            else:
                self._bring(follow)
