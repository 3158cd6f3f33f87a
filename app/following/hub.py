"""The hub: what all followers of this process share.

One subscription brings the messages about the jobs that are followed or polled here. A comparison with PostgreSQL every two
seconds makes a lost message a delay and nothing more; while no messages arrive, it is the only source of news.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import sample
from uuid import UUID

import structlog

from app.access.control import AccessControl
from app.access.principals import Principal
from app.close_codes import CloseCode
from app.following.background import BackgroundTasks
from app.following.connection_limits import ConnectionLimits, Holder
from app.following.connections import Connection
from app.following.disconnects import Disconnects
from app.following.frames import Frame
from app.following.overview_topic import OverviewTopic
from app.following.polling import Polling
from app.following.reconciler import Reconciler
from app.following.shedding import Shedding
from app.following.slow_consumers import SlowConsumers
from app.following.snapshot_reader import SnapshotReader
from app.following.topic_registry import TopicRegistry
from app.following.topics import Difference, Follower, Topic
from app.metrics import DELIVERY
from app.status_reader import StatusReader
from jobs.access.users import changed_id
from jobs.concurrency import cancel_and_wait, map_limited
from jobs.engine.events import Event
from jobs.engine.order import Order, Verdict
from jobs.engine.transport import ACKNOWLEDGED
from jobs.errors import DatabaseUnavailable, JobNotFound
from jobs.metrics import is_on
from jobs.services import Services

log = structlog.get_logger()

CONCURRENT_READS = 16
"""Snapshots that are read at once for one connection."""
REAUTH_NOTICE = timedelta(seconds=30)
"""How long before its access expires a client is told so: it may renew it on the same WebSocket."""
HOUSEKEEPING_INTERVAL = 1.0
"""Seconds between two checks of all connections and topics."""


@dataclass(slots=True)
class _Client:
    """What the hub knows of a connection: as whose it counts, who it is, and its position in each unended job."""

    holder: Holder
    principal: Principal
    warned: bool = False
    """Whether the client was told that its access expires."""
    followers: dict[UUID, Follower] = field(default_factory=dict)


class Hub:
    """Sends the changes of jobs to the connections that follow them, and reads jobs for polls.

    A connection is registered with `connect`. `follow` registers the jobs, `read_snapshots` and `send_snapshots` bring it
    up to date, and every later message goes to it as it arrives, until `unfollow` or `disconnect`.
    """

    def __init__(self, services: Services, access: AccessControl, overview: OverviewTopic) -> None:
        settings = services.settings
        self.overview = overview
        """The overview of the fleet, which connections may follow besides jobs, or instead."""
        statuses = self.statuses = StatusReader(services)
        self._access = access
        access.on_revoked = self._end_revoked
        self._subscriptions = services.transport.subscriptions(
            self._receive, self._connection_changed, self._hurry, self._outdated
        )
        self._topics = TopicRegistry(self._subscriptions)
        self._snapshots = SnapshotReader(statuses, self._topics)
        self._reconciler = Reconciler(
            services.snapshots, self._topics, self._subscriptions, self._repair, access.refresh
        )
        self._slow_consumers = SlowConsumers(
            self._send_newest, lambda connection: self.close(connection, CloseCode.SLOW)
        )
        self._disconnects = Disconnects()
        self._tasks = BackgroundTasks()
        self._clients: dict[Connection, _Client] = {}
        self._shedding = Shedding(settings.max_followers)
        self.limits = ConnectionLimits(settings.max_followers, settings.max_followers_per_client)
        self.polling = Polling(statuses, self._topics, self._subscriptions, self.limits)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Receives messages and compares with PostgreSQL while the block runs."""
        loops = (self._subscriptions.run(), self._reconciler.run(), self._slow_consumers.run(), self._keep_house())
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            await cancel_and_wait(*tasks)
            await self._disconnects.abort()
            await self.overview.close()
            await self._tasks.cancel()
            await self._snapshots.cancel()

    async def _keep_house(self) -> None:
        """Keeps silent streams alive, moves some while the process is nearly full, releases topics that are not polled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                now = loop.time()
                for connection in self._clients:
                    connection.keep_alive(now)
                self._shed(now)
                self._end_expired(datetime.now(UTC))
                for topic in self._topics:
                    self._topics.release(topic)
            except Exception:
                log.exception("housekeeping_failed")
            await asyncio.sleep(HOUSEKEEPING_INTERVAL)

    def _shed(self, now: float) -> None:
        """Asks a few of the streams to reconnect, chosen at random. Those that are being closed count no more."""
        if self.limits.draining:
            return
        open_connections = [connection for connection in self._clients if connection.close_code is None]
        closing = len(self._clients) - len(open_connections)
        due = self._shedding.due(self.limits.total - closing, now)
        for connection in sample(open_connections, min(due, len(open_connections))):
            self.close(connection, CloseCode.RESTART)

    # --- connections ---------------------------------------------------------------------------------------------------

    def connect(self, connection: Connection, holder: Holder, principal: Principal) -> None:
        """Registers a connection of this holder, until `disconnect`.

        Raises `ServerStops`, `TooManyFollowers`, and `Unauthenticated` if the principal was revoked while it was admitted.
        """
        self._access.guard.check_still_valid(principal)
        self.limits.acquire(holder)
        self._clients[connection] = _Client(holder, principal)
        connection.gauge.add(1)

    def disconnect(self, connection: Connection) -> None:
        """The connection was closed, or its response has ended."""
        client = self._clients.pop(connection)
        connection.gauge.add(-1)
        for follower in client.followers.values():
            self._remove(follower)
        self.overview.unfollow(connection)
        self._slow_consumers.discard(connection)
        self.limits.release(client.holder)

    def mark_slow(self, connection: Connection) -> None:
        """The connection's buffer is full: it gets the newest state once that has been flushed."""
        self._slow_consumers.add(connection)

    def close(self, connection: Connection, code: CloseCode) -> None:
        """Ends the connection, in the background."""
        self._disconnects.close(connection, code)

    def principal_of(self, connection: Connection) -> Principal:
        """Who has opened the connection."""
        return self._clients[connection].principal

    def renew(self, connection: Connection, principal: Principal) -> None:
        """The client has proved again who it is, before its access expired."""
        client = self._clients[connection]
        client.principal, client.warned = principal, False

    def _end_expired(self, now: datetime) -> None:
        """Closes the connections of principals whose access has expired, and warns those whose access soon will."""
        for connection, client in self._clients.items():
            expires_at = client.principal.expires_at
            if expires_at is None or expires_at - now > REAUTH_NOTICE:
                continue
            if expires_at <= now:
                self.close(connection, CloseCode.SIGN_IN)
            elif not client.warned:
                client.warned = connection.request_reauth(expires_at)

    def _end_revoked(self, revoked: Collection[str]) -> None:
        """Closes the connections of principals whose access was revoked, and of those who must connect again with the
        rights that they have now."""
        for connection, client in self._clients.items():
            if self._access.guard.authenticator.has_ended(client.principal):
                self.close(connection, CloseCode.SIGN_IN)
            elif any(changed_id(name) in revoked for name in client.principal.users):
                self.close(connection, CloseCode.RESTART)

    async def drain(self, seconds: float) -> None:
        """Refuses new connections, ends long-polls at once, and the open connections spread over `seconds`."""
        self.limits.draining = True
        for topic in self._topics:
            topic.notify_waiters()
        await self._disconnects.drain(self._clients, seconds)

    # --- following -----------------------------------------------------------------------------------------------------

    def followed_by(self, connection: Connection) -> Collection[UUID]:
        """The jobs that a connection follows, and that have not ended."""
        return self._clients[connection].followers.keys()

    def follow(self, connection: Connection, wanted: Mapping[UUID, Order]) -> list[Follower]:
        """Registers the jobs, each from the client's position; messages about them wait for `send_snapshots`."""
        followers = self._clients[connection].followers
        for job_id, order in wanted.items():
            replaced = followers.get(job_id)
            follower = followers[job_id] = Follower(self._topics.open(job_id), connection, order)
            follower.reading = True
            follower.topic.followers.add(follower)
            if replaced is not None:
                self._remove(replaced)
        return [followers[job_id] for job_id in wanted]

    async def read_snapshots(self, followers: Iterable[Follower]) -> list[tuple[Follower, Frame]]:
        """Reads the jobs after their subscriptions were acknowledged, so that no change in between is missed.

        Raises as `StatusReader.read` when one can't be read, and then follows none of them. A job that the connection's
        principal may not see does not exist for it.
        """

        async def read(follower: Follower) -> tuple[Follower, Frame]:
            await self._check_access(follower)
            await self._subscriptions.acknowledged(follower.topic.job_id, ACKNOWLEDGED)
            return follower, await self._snapshots.read_shared(follower.topic.job_id, follower.order[0])

        followers = list(followers)
        try:
            return await map_limited(read, followers, CONCURRENT_READS)
        except BaseException:
            for follower in followers:
                if follower.is_current:
                    self.unfollow(follower.connection, follower.topic.job_id)
            raise

    async def _check_access(self, follower: Follower) -> None:
        """Raises `JobNotFound` if the principal of the follower's connection may not see the job."""
        client = self._clients.get(follower.connection)
        if client is not None:  # else it was closed meanwhile
            await self._access.guard.check_job(client.principal, follower.topic.job_id)

    def send_snapshots(self, snapshots: Iterable[tuple[Follower, Frame]]) -> None:
        """Sends each follower its snapshot, and what has arrived since that was read."""
        for follower, frame in snapshots:
            self._send_snapshot(follower, frame)

    def unfollow(self, connection: Connection, job_id: UUID) -> None:
        """Stops sending messages about the job."""
        follower = self._clients[connection].followers.pop(job_id, None)
        if follower is not None:
            self._remove(follower)

    def _remove(self, follower: Follower) -> None:
        follower.topic.followers.discard(follower)
        self._topics.release(follower.topic)

    def _ended(self, follower: Follower) -> None:
        """The follower has got the last message of its job: a connection without other jobs may end, too."""
        followers = self._clients[follower.connection].followers
        followers.pop(follower.topic.job_id, None)
        self._remove(follower)
        if not followers and follower.connection.closes_with_last_job:
            self.close(follower.connection, CloseCode.DONE)

    # --- what a follower is sent -----------------------------------------------------------------------------------------

    def _send_snapshot(self, follower: Follower, frame: Frame) -> None:
        if not follower.is_current:
            return
        follower.topic.remember(frame)
        if not follower.send_snapshot(frame):
            return
        if self._catch_up(follower, frame.read_after) and frame.final and follower.order == frame.order:
            self._ended(follower)

    def _catch_up(self, follower: Follower, read_after: Order | None = None) -> bool:
        """Sends a follower the newest message, or starts to read a snapshot. Returns True if it already has everything.

        `read_after`: the newest message before the follower's last snapshot was read. If that is still the newest,
        PostgreSQL has less than was published, and another snapshot would not help: the next comparison repairs it.
        """
        topic = follower.topic
        verdict, latest = topic.send_latest(follower), topic.latest
        if verdict is Verdict.GAP and latest is not None:
            if read_after is not None and latest.order <= read_after:
                return True
            self._resync(follower)
            return False
        if verdict is Verdict.NEXT and latest is not None and latest.final and follower.order == latest.order:
            self._ended(follower)
            return False
        return True

    def _resync(self, follower: Follower) -> None:
        """Reads and sends another snapshot to one follower, in the background."""

        async def resync() -> None:
            job_id = follower.topic.job_id
            try:
                frame = await self._snapshots.read_shared(job_id, follower.order[0])
            except (DatabaseUnavailable, JobNotFound):
                follower.reading = False  # the next comparison repairs it
            except Exception:
                log.exception("snapshot_failed", job_id=str(job_id))
                follower.reading = False
                self.close(follower.connection, CloseCode.INTERNAL)
            else:
                self._send_snapshot(follower, frame)

        follower.reading = True
        self._tasks.spawn(resync())

    def _send_newest(self, connection: Connection) -> None:
        """Sends a connection that was slow the newest state of each of its jobs, and of the fleet."""
        self.overview.send_newest(connection)
        for follower in list(self._clients[connection].followers.values()):
            if follower.order[1] < 0 and not follower.reading:
                self._resync(follower)  # not even the first snapshot could be sent
            else:
                self._catch_up(follower)

    # --- what arrives --------------------------------------------------------------------------------------------------

    def _receive(self, event: Event, body: bytes) -> None:
        """A message of a worker or a gateway. The last one of a job is always read from PostgreSQL."""
        topic = self._topics.get(event.job_id)
        if topic is None:
            return
        if event.status.ended:
            self._refresh(topic)
        else:
            self._publish(topic, Frame(event, body))

    def _publish(self, topic: Topic, frame: Frame) -> None:
        """Sends a message to all followers of its job."""
        gaps, ended = topic.publish(frame)
        if topic.followers and is_on() and (since := frame.happened_at) is not None:
            DELIVERY.observe(max(0.0, (datetime.now(UTC) - since).total_seconds()))
        for follower in gaps:
            if follower.connection not in self._slow_consumers:
                self._resync(follower)
        for follower in ended:
            self._ended(follower)

    def _refresh(self, topic: Topic) -> None:
        """Reads the job for all of its followers, in the background."""

        async def refresh() -> None:
            try:
                while topic.refresh_again:
                    topic.refresh_again = False
                    self._publish(topic, await self._snapshots.read(topic.job_id, topic.oldest_seq()))
            except DatabaseUnavailable as error:
                log.warning("refresh_failed", job_id=str(topic.job_id), reason=error.message)
            except JobNotFound:  # the job was deleted
                topic.clear_cache()
                gone = topic.gone_frame()
                if gone is not None:
                    self._publish(topic, gone)
            except Exception:
                log.exception("refresh_failed", job_id=str(topic.job_id))
                for follower in topic.receiving:
                    self.close(follower.connection, CloseCode.INTERNAL)
            finally:
                topic.refreshing = False

        topic.refresh_again = True  # also while it is being read: that read may be older than what happened now
        if not topic.refreshing:
            topic.refreshing = True
            self._tasks.spawn(refresh())

    def _repair(self, topic: Topic, difference: Difference) -> None:
        """Sends followers what PostgreSQL has and they lack, whether or not it was published."""
        if difference.needs_refresh:
            self._refresh(topic)
        for follower in difference.behind:
            self._catch_up(follower)  # with what is known here: a snapshot of its own could not be read or sent
        for follower in difference.ahead:
            self.close(
                follower.connection, CloseCode.RESTART
            )  # a client accepts an older state only on a new connection

    def _hurry(self) -> None:
        """Something was announced that PostgreSQL has."""
        self._reconciler.hurry()

    def _outdated(self, job_id: UUID) -> None:
        """A message about the job was too large to be sent."""
        topic = self._topics.get(job_id)
        if topic is not None:
            self._refresh(topic)

    def _connection_changed(self) -> None:
        """The subscription was lost or established: messages may have been missed."""
        if self._subscriptions.connected:
            log.info("live_updates_started")
        else:
            log.warning("live_updates_lost")
        for topic in self._topics:
            topic.clear_cache()
        self._reconciler.hurry()
