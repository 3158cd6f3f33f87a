"""Tries what wake-ups and live events need of Redis. One that only answers PING is of no use.

It may be out of memory, a read-only replica, unable to save, hold something else under the key of the queue, or not permit
its user all keys and channels.
"""

from __future__ import annotations

from uuid import UUID

from jobs.engine.live.feed import Feed, channel, key
from jobs.engine.wakeups.queue import queue_name
from jobs.kinds import Kind

_NO_JOB = UUID(int=0)
"""No job has this id."""


async def probe_redis(feed: Feed) -> None:
    """Raises `RedisUnavailable`, with the reason, unless Redis accepts writes and publications. Nothing is changed.

    ZADD and SET with `XX` only change what exists, and the channel has no subscribers.
    """
    await feed.execute(
        [
            *(("ZADD", queue_name(kind), "XX", 0, "probe") for kind in Kind),
            ("SET", key(_NO_JOB), "", "XX"),
            ("PUBLISH", channel(_NO_JOB), ""),
        ]
    )
