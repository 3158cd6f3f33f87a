"""Checks whether Redis does what wake-ups and live events need. One that only answers PING is of no use.

It may be out of memory, a read-only replica, unable to save, hold something else under the key of the queue, or not permit
its user all commands, keys and channels.
"""

from __future__ import annotations

from uuid import UUID

from jobs.engine.live.feed import ANNOUNCEMENTS, Command, RedisFeed, channel, key
from jobs.engine.live.shared_levels import LEVELS
from jobs.engine.wakeups.queue import health_check_key, queue_name
from jobs.kinds import Kind

_NO_JOB = UUID(int=0)
"""No job has this id."""
_EXECUTED: tuple[Command, ...] = (
    *(("ZADD", queue_name(kind), "XX", 0, "probe") for kind in Kind),
    ("SET", key(_NO_JOB), "", "XX"),
    ("PUBLISH", channel(_NO_JOB), ""),
)
"""ZADD and SET with `XX` only change what exists, and the channel has no subscribers. ZADD shows the type of its key."""
_DISCARDED: tuple[Command, ...] = (
    *(("BZPOPMIN", queue_name(kind), 1) for kind in Kind),
    *(("ZCARD", queue_name(kind)) for kind in Kind),
    *(("PSETEX", health_check_key(kind), 1, "") for kind in Kind),
    *(("EXISTS", health_check_key(kind)) for kind in Kind),
    ("MGET", key(_NO_JOB)),
    ("ZINCRBY", LEVELS, 0, "probe"),
    ("ZREMRANGEBYSCORE", LEVELS, "-inf", 0),
    ("PUBLISH", ANNOUNCEMENTS, ""),
    ("SUBSCRIBE", ANNOUNCEMENTS),
    ("SUBSCRIBE", channel(_NO_JOB)),
    ("UNSUBSCRIBE", channel(_NO_JOB)),
    ("PING",),
    ("INFO",),
    ("DBSIZE",),
)
"""All other commands that Haulage and arq use."""
CHECKED = frozenset(str(command[0]).lower() for command in (*_EXECUTED, *_DISCARDED, ("MULTI",), ("DISCARD",)))
"""The commands that a user of Redis must be permitted, besides those that open a connection (AUTH, SELECT, CLIENT)."""


async def probe_redis(feed: RedisFeed) -> None:
    """Raises `RedisUnavailable`, with the reason, unless Redis does what is needed. Nothing is changed."""
    await feed.check_commands(_EXECUTED, _DISCARDED)
