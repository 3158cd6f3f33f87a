"""A followed job, and where each follower is in it. No input, no output: `Following` and the outlets do that."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from app.following.frames import Frame
from app.schemas import JobStatus
from jobs.engine.events import Event, EventType
from jobs.engine.jobs import Status
from jobs.engine.order import Order, Verdict, judge, queue_tick
from jobs.engine.sql.snapshots import Mark

if TYPE_CHECKING:
    from app.following.connections import Outlet


class Follow:
    """One client's place in one job."""

    __slots__ = ("order", "outlet", "reading", "topic")

    def __init__(self, topic: Topic, outlet: Outlet, order: Order) -> None:
        self.topic = topic
        self.outlet = outlet
        self.order = order
        self.reading = False
        """A snapshot is on its way to it; what comes in meanwhile has to wait for that."""

    @property
    def is_current(self) -> bool:
        """Whether its client has neither given it up nor asked anew."""
        return self.outlet.follows.get(self.topic.job_id) is self

    def answer(self, frame: Frame) -> bool:
        """The snapshot that it asked for; False when it could not be sent, and has to be asked for again.

        One that starts below what the client said it has means that it has what never was: it starts anew.
        """
        self.reading = False
        anew = frame.since < self.order[0]
        if not anew and judge(self.order, frame.since, frame.order) is Verdict.OLD:
            return True
        if not self.outlet.write(frame):
            return False
        self.order = frame.order
        return True


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a comparison with PostgreSQL found. `follows` lack what there is; `astray` have more than there is."""

    follows: list[Follow]
    astray: list[Follow]
    unknown: bool
    """It is not even known here, and has to be read."""


class Topic:
    """A job that is followed here, or polled."""

    __slots__ = (
        "_last_seen",
        "_least",
        "_status",
        "_told",
        "again",
        "follows",
        "job_id",
        "latest",
        "mark",
        "polled_at",
        "refreshing",
        "waiters",
    )

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
        self.polled_at = float("-inf")
        self._last_seen: Event | None = None
        """The newest snapshot of a single follower, without files, while there is no message."""
        self._told = 0
        """The highest `seq` that was known here at the last comparison."""
        self._status: JobStatus | None = None
        self._least = 0
        """The `seq` of the last command that was written here: no answer is older."""

    # --- followers -----------------------------------------------------------------------------------------------------

    @property
    def listening(self) -> list[Follow]:
        """The followers that no snapshot is on its way to."""
        return [follow for follow in self.follows if not follow.reading]

    def deliver(self, frame: Frame) -> tuple[list[Follow], list[Follow]]:
        """Gives the message to all that have not seen it. Returns those that lack one before, and those it ended."""
        gaps: list[Follow] = []
        ended: list[Follow] = []
        if self.latest is not None and frame.order <= self.latest.order:
            return gaps, ended
        self.latest, self._last_seen = frame, None
        self.wake()
        taking: Order | None = None
        for follow in self.follows:
            if follow.reading:
                continue
            if follow.order != taking:  # nearly all are at the same place: it is judged once for them
                verdict = judge(follow.order, frame.since, frame.order)
                if verdict is Verdict.GAP:
                    gaps.append(follow)
                if verdict is not Verdict.NEXT:
                    continue
                taking = follow.order
            if follow.outlet.write(frame):
                follow.order = frame.order
                if frame.final:
                    ended.append(follow)
        return gaps, ended

    def bring(self, follow: Follow) -> Verdict:
        """Gives one follower the newest message; `GAP` when it needs a snapshot first, `NEXT` when it has all."""
        latest = self.latest
        if latest is None or follow.reading:
            return Verdict.OLD
        verdict = judge(follow.order, latest.since, latest.order)
        if verdict is Verdict.NEXT and follow.outlet.write(latest):
            follow.order = latest.order
        return verdict

    def see(self, frame: Frame) -> None:
        """Remembers of a snapshot what is to be told should the job be gone before any message comes."""
        if self.latest is None and (self._last_seen is None or frame.order > self._last_seen.order):
            event = frame.event
            self._last_seen = event.changed(files=[]) if isinstance(event, JobStatus) else event

    def reach(self) -> int:
        """The `seq` after which all changes have to be read, so that nobody here misses one."""
        known = 0 if self.latest is None else self.latest.order[0]
        return min((follow.order[0] for follow in self.listening), default=known)

    def farewell(self) -> Frame | None:
        """The message that its rows were removed: what was known last, and no more. None when that was told."""
        last = self._last_seen if self.latest is None else self.latest.event
        if last is None or last.type is EventType.GONE:
            return None
        seq = 1 + max(last.seq, *(follow.order[0] for follow in self.listening), 0)
        event = last.model_copy(update={"type": EventType.GONE, "since": 0, "seq": seq, "tick": 0, "files": []})
        return Frame(event, event.model_dump_json().encode())

    def wake(self) -> None:
        """Something has changed: the long-polls look again."""
        for changed in self.waiters:
            changed.set()

    # --- the comparison with PostgreSQL ----------------------------------------------------------------------------------

    def compare(self, mark: Mark | None) -> Lacking:
        """Takes note of what PostgreSQL says, and believes it: when it says less than was told, that never was."""
        if mark != self.mark:
            self.mark = mark
            self.wake()
        if mark is None:
            self._status = None
            is_told = self.latest is not None and self.latest.event.type is EventType.GONE
            return Lacking(self.listening, [], unknown=bool(self.follows) and not is_told)
        astray = self._restored(mark)
        durable = (mark.seq, queue_tick(mark.position) if mark.status is Status.QUEUED else 0)
        if self._status is not None and self._status.order < durable:
            self._status = None
        lacking = [follow for follow in self.listening if follow.order < durable]
        return Lacking(lacking, astray, bool(lacking) and (self.latest is None or self.latest.order < durable))

    def _restored(self, mark: Mark) -> list[Follow]:
        """Starts over when the database was restored from a backup; returns the followers that have what never was.

        What was known at the last comparison was written before this one was asked: it can't just be late.
        """
        if mark.seq < self._told:
            self.latest = self._last_seen = self._status = None
            self._least, self._told = 0, mark.seq
            return [follow for follow in self.listening if follow.order[0] > mark.seq]
        known = [it.order[0] for it in (self.latest, self._status) if it is not None]
        self._told = max([*known, *(follow.order[0] for follow in self.listening)], default=0)
        return []

    # --- polls ---------------------------------------------------------------------------------------------------------

    def keep(self, status: JobStatus) -> None:
        """An answer from PostgreSQL, read while every message about the job came in here."""
        if status.degraded or status.seq < self._least:
            return
        if self._status is None or status.order > self._status.order:
            self._status = status

    def forget(self) -> None:
        """Messages may have been lost: what is known is not to be trusted any more."""
        self._status = None

    def moved(self, seq: int) -> None:
        """A command was written with this `seq`: an answer from before, kept or still being read, is too old."""
        self._least = seq
        self._status = None

    def current(self) -> JobStatus | None:
        """The job now, if that is known here for sure: what was read, brought up to the live numbers that came in since.

        Never for a queued job: its place changes with the jobs before it.
        """
        status = self._status
        if status is None or status.status is Status.QUEUED:
            return None
        if self.latest is not None and self.latest.order > status.order:
            brought_up = _brought_up(status, self.latest.event)
            if brought_up is None:
                return None
            self._status = brought_up
        return self._status


def _brought_up(status: JobStatus, event: Event) -> JobStatus | None:
    """The answer with the news of a later message; None when these are not all that there is to say."""
    if event.degraded:
        return None
    if isinstance(event, JobStatus):
        return event.changed(since=event.seq, files=[])
    if event.type is not EventType.PROGRESS or event.status is not status.status or event.attempt != status.attempt:
        return None
    news = {"since": event.seq, "seq": event.seq, "tick": event.tick, "ts": event.ts, "progress": event.progress}
    return status.changed(**news)
