"""What a kind of work gives to the worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.breakers import Breaker
from jobs.engine.jobs import Job
from jobs.engine.lifecycle import Claimed, FollowUp, Within
from jobs.engine.worker.conditions import Condition
from jobs.engine.worker.reporter import Reporter
from jobs.kinds import Kind


@dataclass(frozen=True, slots=True)
class Success:
    """The result of an attempt exists and can be fetched for `lifetime` seconds, or permanently.

    `within` records it in the transaction that completes the job, which also creates the follow-ups. If it raises
    `ResultGone`, the job is released.
    """

    lifetime: float | None
    within: Within
    follow_ups: Sequence[FollowUp] = ()


@dataclass(frozen=True, slots=True)
class Dependency:
    """What jobs of a kind cannot do without. None of them is claimed while its circuit is not closed."""

    breaker: Breaker
    probe: Callable[[], Awaitable[object]]
    """Calls it, so that the circuit closes when it works again. Raises a `HaulageError` if it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How the jobs of one kind are done."""

    kind: Kind
    concurrency: int
    """Jobs that one worker process runs at once; 0 if it can run none here."""
    time_limit: float
    """Seconds that an attempt may take."""
    progress_extends: bool = False
    """Whether each byte that is read starts the time limit again: no attempt can continue from what another has read."""
    attempt: Callable[[Claimed, Reporter], Awaitable[Success]]
    """Runs one attempt. It raises whatever ends the attempt without a result."""
    clean_up: Callable[[Job, datetime], Awaitable[datetime | None]]
    """Removes the leftover objects of a job, at this time of the database's clock. Returns when more may be due."""
    remove_orphans: Callable[[], Awaitable[None]]
    """Removes objects of this kind whose jobs do not exist."""
    dependencies: Sequence[Dependency] = ()
    """What these jobs need besides the store and the database."""
    conditions: Sequence[Condition] = ()
    """What keeps these jobs waiting, of which operators should know."""
