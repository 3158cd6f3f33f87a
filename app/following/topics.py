"""A followed job, and where each follower is in it. No input, no output: `Following` and the outlets do that."""

from __future__ import annotations

import asyncio
from typing import Protocol
from uuid import UUID

from app.following.frames import Frame
from app.schemas import JobStatus
from jobs.domain.events import EventType
from jobs.domain.jobs import Status
from jobs.domain.order import Order, Verdict, judge, queue_tick
from jobs.store.snapshots import Mark


class Target(Protocol):
    """Where a follower's messages go."""

    def write(self, frame: Frame) -> bool:
        """False when the client has not taken what it was sent before: it gets the newest state later."""


class Follow:
    """One client's place in one job."""

    __slots__ = ("order", "reading", "target", "topic")

    def __init__(self, topic: Topic, target: Target, order: Order) -> None:
        self.topic = topic
        self.target = target
        self.order = order
        self.reading = False
        """A snapshot is on its way to it; what comes in meanwhile has to wait for that."""

    def answer(self, frame: Frame) -> bool:
        """The snapshot that it asked for; False when it could not be sent, and has to be asked for again.

        One that starts below what the client said it has means that it has what never was: it starts anew.
        """
        self.reading = False
        if frame.since >= self.order[0] and frame.order <= self.order:
            return True
        if not self.target.write(frame):
            return False
        self.order = frame.order
        return True


class Topic:
    """A job that is followed here, or polled."""

    __slots__ = ("_status", "again", "follows", "job_id", "latest", "mark", "refreshing", "used_at", "waiters")

    def __init__(self, job_id: UUID) -> None:
        self.job_id = job_id
        self.follows: set[Follow] = set()
        self.waiters: set[asyncio.Event] = set()
        self.latest: Frame | None = None
        """The newest message."""
        self.mark: Mark | None = None
        """What PostgreSQL said at the last comparison."""
        self.refreshing = False
        """It is being read for all followers, and `again` when something happened meanwhile."""
        self.again = False
        self.used_at = 0.0
        """When it was last polled."""
        self._status: JobStatus | None = None

    # --- followers -----------------------------------------------------------------------------------------------------

    def deliver(self, frame: Frame) -> tuple[list[Follow], list[Follow]]:
        """Gives the message to all that have not seen it. Returns those that lack one before, and those it ended."""
        gaps: list[Follow] = []
        ended: list[Follow] = []
        if self.latest is not None and frame.order <= self.latest.order:
            return gaps, ended
        self.latest = frame
        self._wake()
        order, since = frame.order, frame.since
        for follow in self.follows:
            if follow.reading or order <= follow.order:
                continue
            if since > follow.order[0]:
                gaps.append(follow)
            elif follow.target.write(frame):
                follow.order = order
                if frame.final:
                    ended.append(follow)
        return gaps, ended

    def bring(self, follow: Follow) -> Verdict:
        """Gives one follower the newest message; `GAP` when it needs a snapshot first, `NEXT` when it has all."""
        latest = self.latest
        if latest is None or follow.reading:
            return Verdict.OLD
        verdict = judge(follow.order, latest.since, latest.order)
        if verdict is Verdict.NEXT and follow.target.write(latest):
            follow.order = latest.order
        return verdict

    def compare(self, mark: Mark | None) -> tuple[list[Follow], bool]:
        """Takes note of what PostgreSQL says. Returns those that lack it, and whether it is not even known here."""
        if mark != self.mark:
            self.mark = mark
            self._wake()
        if mark is None:
            self._status = None
            return list(self.follows), bool(self.follows)
        durable = (mark.seq, queue_tick(mark.position) if mark.status is Status.QUEUED else -1)
        if self._status is not None and self._status.order < durable:
            self._status = None
        lacking = [follow for follow in self.follows if follow.order < durable and not follow.reading]
        return lacking, bool(lacking) and (self.latest is None or self.latest.order < durable)

    def _wake(self) -> None:
        for changed in self.waiters:
            changed.set()

    # --- polls ---------------------------------------------------------------------------------------------------------

    def keep(self, status: JobStatus) -> None:
        """An answer from PostgreSQL, read while every message about the job came in here."""
        if status.degraded:
            return
        if self._status is None or status.order > self._status.order:
            self._status = status

    def forget(self) -> None:
        """Messages may have been lost: what is known is not to be trusted any more."""
        self._status = None

    @property
    def status(self) -> JobStatus | None:
        """The job now, if that is known here for sure: what was read, and the live numbers that came in since.

        Never for a queued job: its place changes with the jobs before it.
        """
        status, latest = self._status, self.latest
        if status is None or status.status is Status.QUEUED:
            return None
        if latest is None or latest.order <= status.order:
            return status
        event = latest.event
        if event.degraded:
            return None
        if isinstance(event, JobStatus):
            self._status = event.changed(since=event.seq, files=[])
            return self._status
        if event.type is not EventType.PROGRESS or event.status is not status.status or event.attempt != status.attempt:
            return None
        news = {"since": event.seq, "seq": event.seq, "tick": event.tick, "ts": event.ts, "progress": event.progress}
        self._status = status.changed(**news)
        return self._status
