"""Counts the requests that were refused because of a limit of their owner, and reports them for operators."""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from app.access.principals import Principal, Proof
from app.problems import TooManyFollowers, TooManyRequests
from jobs.access.refusals import add_refusals
from jobs.database import Database
from jobs.errors import (
    DatabaseUnavailable,
    HaulageError,
    TooManyJobs,
    TooManyRunningJobs,
    TooManyUploads,
    UploadQuotaExceeded,
)

log = structlog.get_logger()

LIMITS = (TooManyFollowers, TooManyJobs, TooManyRequests, TooManyRunningJobs, TooManyUploads, UploadQuotaExceeded)
"""The errors that tell an owner that it has reached a limit of its own."""
INTERVAL = 5.0
"""Seconds between two reports."""
MAX_OWNERS = 1_000
"""Owners and limits that are counted between two reports; more are not counted."""


class RefusalCounts:
    """The refused requests of one gateway since its last report."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, principal: Principal, error: HaulageError) -> None:
        """Counts an error that a request of the principal has got, if it is one of `LIMITS`.

        Visitors are not counted: they share one name, and are limited by their addresses.
        """
        if not isinstance(error, LIMITS) or principal.proof in {Proof.ANONYMOUS, Proof.SHARE_LINK}:
            return
        key = principal.owner, error.code
        if key in self._counts or len(self._counts) < MAX_OWNERS:
            self._counts[key] += 1

    async def run(self) -> None:
        """Reports until it is cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.report()
            except DatabaseUnavailable as error:
                log.warning("refusal_report_failed", reason=error.message)
            except Exception:
                log.exception("refusal_report_failed")

    async def report(self) -> None:
        """Adds what was counted to what the database has. What could not be reported is lost.

        Raises `DatabaseUnavailable`.
        """
        if self._counts:
            counts, self._counts = self._counts, Counter()
            await add_refusals(self._database, counts)
