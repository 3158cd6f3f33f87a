"""Following a job to its end: by WebSocket, else by server-sent events, else by polling, and the same states each way."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Literal
from uuid import UUID

from app.cli.client import Api
from app.cli.errors import Refused, ServerUnreachable
from app.cli.fetching.ways import WAYS, Barred, Lost, Place
from app.schemas import JobStatus
from jobs.engine.events import Event, EventType
from jobs.engine.order import Verdict

FollowBy = Literal["auto", "websocket", "sse", "polling"]

_FAILURES = 2
"""Failures in a row after which the next way is tried."""
_LAST_FAILURES = 5
"""The same when there is no other to try."""


def follow(api: Api, job_id: UUID, by: FollowBy = "auto") -> Iterator[Event]:
    """Every new state of the job; the last one is a `JobStatus` that has ended.

    Raises `Refused` when there is no such job, `ServerUnreachable` when no way leads to the server, and what `Api` raises.
    """
    place = Place()
    reason = ""
    allowed = _FAILURES if by == "auto" else _LAST_FAILURES
    for name, way in WAYS.items():
        failures = 0
        while by in {"auto", name} and failures < allowed:
            try:
                with closing(way(api, job_id, place)) as messages:
                    for event in _states(messages, place):
                        failures = 0
                        yield event
            except Barred as error:
                reason = str(error)
                break
            except Lost as error:
                reason = str(error)
                failures += 1
                if failures < allowed:
                    time.sleep(error.pause())
            else:
                return
    raise ServerUnreachable(f"Job {job_id} goes on, but it can't be followed by {by}: {reason}.")


def _states(messages: Iterable[Event], place: Place) -> Iterator[Event]:
    """Those that say something new, to the end of the job. Raises `Lost` when one is missing."""
    for event in messages:
        verdict = place.judge(event)
        if verdict is Verdict.GAP:
            raise Lost("a message is missing")
        if verdict is Verdict.OLD:
            continue
        if event.type is EventType.GONE:
            raise Refused(f"There is no job {event.job_id} any more.", "job_not_found")
        yield event
        if isinstance(event, JobStatus) and event.status.ended:
            return
    raise Lost("it has ended before the job")
