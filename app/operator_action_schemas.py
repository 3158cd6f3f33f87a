"""The models of what operators do: bulk actions, paused queues, drained workers."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from jobs.engine.bulk_actions import BulkCommand, BulkState
from jobs.engine.events import Message
from jobs.engine.jobs import Status
from jobs.kinds import Kind


class FilterView(Message):
    """Which jobs a bulk action is for, as it was requested."""

    q: str
    status: list[Status]
    kind: list[Kind]
    owner: str | None
    since: datetime | None
    until: datetime | None
    dead: bool


class OperatorAction(Message):
    """A command for all jobs that matched a filter when it was created. Workers do it in the background.

    `waiting`: nothing was done yet; `running`; `completed`: all jobs were reached; `cancelled`: it was stopped.
    """

    action_id: int
    action: BulkCommand
    filter: FilterView
    state: BulkState
    total: int = Field(description="How many jobs matched, of those that are in a state for the command.")
    done: int = Field(description="To how many of them it was applied.")
    failed: int = Field(description="How many were left alone, since they had changed meanwhile.")
    reasons: dict[str, int] = Field(
        description="Why they were: how many `changed`, so that they no longer match, and how many were refused with which"
        " `error`, such as `illegal_transition`."
    )
    created_by: str
    created_at: datetime
    starts_at: datetime = Field(description="Until then it can be undone without a trace.")
    finished_at: datetime | None
    stopped_by: str | None


class OperatorActionList(Message):
    actions: list[OperatorAction]


class QueueState(Message):
    """Whether jobs of a kind are claimed. While `paused`, they are accepted and wait."""

    kind: Kind
    paused: bool
    paused_at: datetime | None
    paused_by: str | None
    reason: str | None


class QueueList(Message):
    queues: list[QueueState]


class WorkerOrder(Message):
    """What a worker was told, which it follows within `HEARTBEAT_INTERVAL`."""

    name: str
    draining: bool
