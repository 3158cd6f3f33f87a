"""What webhooks tell. It does no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class EventName(StrEnum):
    """The types of messages."""

    JOB_COMPLETED = "job.completed"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    JOB_EXPIRED = "job.expired"
    NOTICE_OPENED = "notice.opened"
    """For operators' endpoints only."""
    WEBHOOK_TEST = "webhook.test"
    """Sent on request, to an endpoint that need not have chosen it."""


OF_JOBS = (EventName.JOB_COMPLETED, EventName.JOB_FAILED, EventName.JOB_CANCELLED, EventName.JOB_EXPIRED)
"""What users can be told of their own jobs."""
OF_OPERATORS = (EventName.NOTICE_OPENED,)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to the endpoints of `owner`; None: to those of the operators. `data` is JSON, a few hundred bytes of it."""

    event: EventName
    owner: str | None
    at: datetime
    data: Mapping[str, Any]
    job_id: UUID | None = None

    @property
    def body(self) -> str:
        """The body of its requests, which is what is signed: the payload of Standard Webhooks 1.0."""
        content = {"type": self.event, "timestamp": self.at.isoformat().replace("+00:00", "Z"), "data": self.data}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
