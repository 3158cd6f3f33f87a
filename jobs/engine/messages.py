"""What webhooks tell of jobs. It does no I/O."""

from __future__ import annotations

from datetime import datetime

from jobs.engine.jobs import Job, Status
from jobs.webhooks.messages import EventName, NewMessage

_EVENTS = {
    Status.COMPLETED: EventName.JOB_COMPLETED,
    Status.FAILED: EventName.JOB_FAILED,
    Status.CANCELLED: EventName.JOB_CANCELLED,
    Status.EXPIRED: EventName.JOB_EXPIRED,
}


def messages_of(before: Job, after: Job, at: datetime) -> list[NewMessage]:
    """The message of a transition, if it is one that webhooks tell: the job has ended, or its result has."""
    event = _EVENTS.get(after.status)
    if event is None or after.status is before.status:
        return []
    failure, progress = after.failure, after.progress
    data = {
        "jobId": str(after.id),
        "kind": after.kind,
        "owner": after.owner,
        "status": after.status,
        "attempt": after.attempt,
        "createdAt": after.created_at.isoformat(),
        "files": {"total": progress.files_total, "done": progress.files_done, "omitted": progress.files_omitted},
        "bytes": progress.bytes_done,
        "error": None if failure is None else {"class": failure.error_class, "message": failure.message},
    }
    return [NewMessage(event=event, owner=after.owner, at=at, data=data, job_id=after.id)]
