"""What operators should know of uploads."""

from __future__ import annotations

from jobs.engine.jobs import Job
from jobs.notices import Notice, NoticeKind


def infected(job: Job, finding: str) -> Notice:
    """An upload is in quarantine. Those of one owner are one notice. `finding`: the signature."""
    return Notice(
        kind=NoticeKind.INFECTED,
        key=f"{NoticeKind.INFECTED}:{job.owner}",
        message=f"The virus scanner has found {finding} in an upload of {job.owner}. It is in quarantine.",
        job_id=job.id,
    )


def unscannable(job: Job, finding: str) -> Notice:
    """An upload was refused. Those that exceed the same limit are one notice. `finding`: the limit."""
    return Notice(
        kind=NoticeKind.UNSCANNABLE,
        key=f"{NoticeKind.UNSCANNABLE}:{finding}",
        message=f"The virus scanner could not read all of an upload of {job.owner} ({finding}), so it was refused."
        " If such files should pass, raise the limits of clamd, or set UNSCANNABLE=allow.",
        job_id=job.id,
    )


SCANNER_AWAY = Notice(
    kind=NoticeKind.SCANNER_AWAY,
    key=NoticeKind.SCANNER_AWAY,
    message="The virus scanner does not work, so uploads wait. `haulage check`, run where a worker runs, says why.",
)
