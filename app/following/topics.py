"""A job that is followed, and the position of each of its followers. It does no I/O: that is left to `Hub`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from app.following.connections import Connection
from app.following.frames import Frame
from app.schemas import BaseStatus
from jobs.engine.events import Event, EventType
from jobs.engine.jobs import Status
from jobs.engine.order import Order, Verdict, judge, queue_tick
from jobs.engine.sql.snapshots import Mark


class Follower:
    """A connection's position in one job."""

    __slots__ = ("connection", "order", "reading", "topic")

    def __init__(self, topic: Topic, connection: Connection, order: Order) -> None:
        self.topic = topic
        self.connection = connection
        self.order = order
        """The last message that was sent, or what the client has from before."""
        self.reading = False
        """A snapshot is being read for it: newer messages have to wait for that."""

    @property
    def is_current(self) -> bool:
        """Whether it has been neither removed nor replaced by another of the same connection."""
        return self in self.topic.followers

    def send_snapshot(self, frame: Frame) -> bool:
        """Sends the snapshot that was read for it. Returns False if it could not be sent, and has to be read again.

        One that starts below the `seq` of the client means that the database was restored: the client starts over.
        """
        self.reading = False
        starts_over = frame.since < self.order[0]
        if not starts_over and judge(self.order, frame.since, frame.order) is Verdict.OLD:
            return True
        if not self.connection.write(frame):
            return False
        self.order = frame.order
        return True


@dataclass(frozen=True, slots=True)
class Difference:
    """What a comparison with PostgreSQL found."""

    behind: list[Follower]
    """Followers that have less than there is."""
    ahead: list[Follower]
    """Followers that have more than there is: the database was restored from a backup."""
    needs_refresh: bool
    """Not even the topic has what there is: the job has to be read."""


class Topic:
    """A job that is followed or polled."""

    __slots__ = (
        "_cached",
        "_known_seq",
        "_last_snapshot",
        "_min_seq",
        "followers",
        "job_id",
        "latest",
        "mark",
        "polled_at",
        "refresh_again",
        "refreshing",
        "waiters",
    )

    def __init__(self, job_id: UUID) -> None:
        self.job_id = job_id
        self.followers: set[Follower] = set()
        self.waiters: set[asyncio.Event] = set()
        """Events of long-polls, which are set when the job changes."""
        self.latest: Frame | None = None
        """The newest message."""
        self.mark: Mark | None = None
        """What PostgreSQL had at the last comparison."""
        self.refreshing = False
        """The job is being read for all followers."""
        self.refresh_again = False
        """Something happened since that read began: it has to be repeated."""
        self.polled_at = float("-inf")
        self._last_snapshot: Event | None = None
        """The newest snapshot that one follower got, without files, as long as there is no message."""
        self._known_seq = 0
        """The highest `seq` that was known here at the last comparison."""
        self._cached: BaseStatus | None = None
        """What the next poll gets."""
        self._min_seq = 0
        """The `seq` of the last command that this process wrote: an older status must not be cached."""

    # --- followers -----------------------------------------------------------------------------------------------------

    @property
    def receiving(self) -> list[Follower]:
        """The followers for which no snapshot is being read."""
        return [follower for follower in self.followers if not follower.reading]

    def publish(self, frame: Frame) -> tuple[list[Follower], list[Follower]]:
        """Sends the message to all followers it is new for. Returns those with a gap before it, and those it ended."""
        gaps: list[Follower] = []
        ended: list[Follower] = []
        if self.latest is not None and frame.order <= self.latest.order:
            return gaps, ended
        self.latest, self._last_snapshot = frame, None
        self.notify_waiters()
        next_for: Order | None = None
        for follower in self.followers:
            if follower.reading:
                continue
            if follower.order != next_for:  # nearly all have the same position: it is compared once for them
                verdict = judge(follower.order, frame.since, frame.order)
                if verdict is Verdict.GAP:
                    gaps.append(follower)
                if verdict is not Verdict.NEXT:
                    continue
                next_for = follower.order
            if follower.connection.write(frame):
                follower.order = frame.order
                if frame.final:
                    ended.append(follower)
        return gaps, ended

    def send_latest(self, follower: Follower) -> Verdict:
        """Sends one follower the newest message, if that is next; `GAP` if it needs a snapshot first."""
        latest = self.latest
        if latest is None or follower.reading:
            return Verdict.OLD
        verdict = judge(follower.order, latest.since, latest.order)
        if verdict is Verdict.NEXT and follower.connection.write(latest):
            follower.order = latest.order
        return verdict

    def remember(self, frame: Frame) -> None:
        """Keeps the summary of a snapshot for `gone_frame`, in case the job is deleted before any message arrives."""
        if self.latest is None and (self._last_snapshot is None or frame.order > self._last_snapshot.order):
            event = frame.event
            self._last_snapshot = event.changed(files=[]) if isinstance(event, BaseStatus) else event

    def oldest_seq(self) -> int:
        """The `seq` after which all changes have to be read, so that no follower misses one."""
        known = 0 if self.latest is None else self.latest.order[0]
        return min((follower.order[0] for follower in self.receiving), default=known)

    def gone_frame(self) -> Frame | None:
        """The `gone` event, with the last known state. None if it was already sent."""
        last = self._last_snapshot if self.latest is None else self.latest.event
        if last is None or last.type is EventType.GONE:
            return None
        seq = 1 + max(last.seq, *(follower.order[0] for follower in self.receiving), 0)
        event = last.model_copy(update={"type": EventType.GONE, "since": 0, "seq": seq, "tick": 0, "files": []})
        return Frame(event, event.model_dump_json().encode())

    def notify_waiters(self) -> None:
        """Makes the long-polls read the job again."""
        for changed in self.waiters:
            changed.set()

    # --- the comparison with PostgreSQL ----------------------------------------------------------------------------------

    def compare(self, mark: Mark | None) -> Difference:
        """Reconciles with PostgreSQL, which wins: if its `seq` is lower than what was sent, followers are reset."""
        if mark != self.mark:
            self.mark = mark
            self.notify_waiters()
        if mark is None:
            self._cached = None
            gone_sent = self.latest is not None and self.latest.event.type is EventType.GONE
            return Difference(self.receiving, [], needs_refresh=bool(self.followers) and not gone_sent)
        ahead: list[Follower] = []
        if mark.seq < self._known_seq:
            # Restored from a backup: what was known at the last comparison was written before, it can't just be late.
            self.latest = self._last_snapshot = self._cached = None
            self._min_seq, self._known_seq = 0, mark.seq
            ahead = [follower for follower in self.receiving if follower.order[0] > mark.seq]
        else:
            known = [it.order[0] for it in (self.latest, self._cached) if it is not None]
            self._known_seq = max([*known, *(follower.order[0] for follower in self.receiving)], default=0)
        durable = (mark.seq, queue_tick(mark.position) if mark.status is Status.QUEUED else 0)
        if self._cached is not None and self._cached.order < durable:
            self._cached = None
        behind = [follower for follower in self.receiving if follower.order < durable]
        return Difference(behind, ahead, bool(behind) and (self.latest is None or self.latest.order < durable))

    # --- polls ---------------------------------------------------------------------------------------------------------

    def cache(self, status: BaseStatus) -> None:
        """Keeps a status for the next poll. The job must have been subscribed to while it was read."""
        if status.degraded or status.seq < self._min_seq:
            return
        if self._cached is None or status.order > self._cached.order:
            self._cached = status

    def clear_cache(self) -> None:
        """Messages may have been lost: the cached status can no longer be trusted."""
        self._cached = None

    def invalidate(self, seq: int) -> None:
        """A command was written with this `seq`: a status from before, cached or still being read, is outdated."""
        self._min_seq = seq
        self._cached = None

    def cached(self) -> BaseStatus | None:
        """The job now, if that is known without a read: the cached status with the live progress received since.

        Never for a queued job: its position changes with the jobs ahead of it.
        """
        status = self._cached
        if status is None or status.status is Status.QUEUED:
            return None
        if self.latest is not None and self.latest.order > status.order:
            updated = _updated(status, self.latest.event)
            if updated is None:
                return None
            self._cached = updated
        return self._cached


def _updated(status: BaseStatus, event: Event) -> BaseStatus | None:
    """The status after a later message; None if the message does not have all that has changed."""
    if event.degraded:
        return None
    if isinstance(event, BaseStatus):
        return event.changed(since=event.seq, files=[])
    if event.type is not EventType.PROGRESS or event.status is not status.status or event.attempt != status.attempt:
        return None
    return status.changed(since=event.seq, seq=event.seq, tick=event.tick, ts=event.ts, progress=event.progress)
