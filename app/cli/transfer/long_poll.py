"""Follows a job to its end by long-polling (docs/protocol.md, "Polling")."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar
from uuid import UUID

from app.cli.client import ApiClient
from app.cli.errors import Refused
from app.schemas import BaseStatus
from jobs.engine.order import Verdict, judge, requested_since

WAIT = 20
"""Seconds of one long-poll."""
MIN_INTERVAL = 0.2
"""Seconds between two requests: a progress bar does not need more updates."""
PLAIN_POLL_INTERVAL = 2.0
"""Seconds before a poll that does not wait, while the server has no room for another long-poll."""


S = TypeVar("S", bound=BaseStatus)


def follow(api: ApiClient, job_id: UUID, model: type[S]) -> Iterator[S]:
    """Yields every new state of the job, whose kind has the status `model`; the last one has ended.

    Raises `Refused` when the job does not exist, and `ServerUnreachable` when the server stays unavailable.
    """
    have, etag, wait = requested_since(0), None, 0
    while True:
        since, started = have[0], time.monotonic()
        try:
            status, etag = api.poll(job_id, since, etag, wait, model)
        except Refused as error:
            if error.problem != "too_many_followers" or not wait:
                raise
            time.sleep(PLAIN_POLL_INTERVAL)
            wait = 0
            continue
        if status is not None:
            # With a database that was restored from a backup the job starts over, at a lower `seq`.
            restored = status.since < since and status.seq < since
            if restored or judge(have, status.since, status.order) is Verdict.NEXT:
                have = status.order
                yield status
                if status.status.ended:
                    return
        wait = WAIT
        time.sleep(max(0.0, started + MIN_INTERVAL - time.monotonic()))
