"""Which jobs an operator means: a filter over the jobs of all owners. Pure.

`jobs.engine.sql.job_filters` is its only translation into SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jobs.engine.jobs import Status
from jobs.kinds import Kind

ID_DIGITS = 8
"""The fewest hexadecimal digits that are taken for the beginning of a job id: those of 65 seconds are the same."""

_ID = re.compile(r"[0-9a-f]{8}(-|$)[0-9a-f]{0,4}(-|$)[0-9a-f]{0,4}(-|$)[0-9a-f]{0,4}(-|$)[0-9a-f]{0,12}|[0-9a-f]{8,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """The jobs that meet all of these conditions. The default means every job that people can see.

    Times are UTC.
    """

    text: str = ""
    """In the id (the whole or its beginning), the title, the error, the name of a file; or the owner. Empty: any."""
    statuses: frozenset[Status] = frozenset()
    """Empty: any."""
    kinds: frozenset[Kind] = frozenset()
    """Empty: any."""
    owner: str | None = None
    """None: anybody's."""
    since: datetime | None = None
    """Created at this time or later."""
    until: datetime | None = None
    """Created before this time."""
    dead: bool = False
    """Only dead ones: they failed permanently after retryable errors."""

    @property
    def matched_statuses(self) -> frozenset[Status]:
        """The statuses that a job may have. Empty: no job meets all conditions."""
        statuses = self.statuses or frozenset(Status)
        return statuses & {Status.FAILED} if self.dead else statuses

    @property
    def id_range(self) -> tuple[UUID, UUID] | None:
        """The first and the last id that begin with the text; None if it is not the beginning of an id."""
        text = self.text.strip().lower()
        if _ID.fullmatch(text) is None:
            return None
        digits = text.replace("-", "")
        return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
