"""When Redis responds, but refuses to work: it is out of memory, a replica, or its user lacks a permission."""

from __future__ import annotations

from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, ResponseError

from jobs.engine.live.sentinels import NoMaster
from jobs.errors import RedisUnavailable

REFUSALS = (ResponseError, AuthenticationError, AuthorizationError)
"""Repeating the call does not help: an operator has to do something."""


def reason_of(error: Exception) -> str:
    """What Redis said when it refused a call, or why there is no master; of any other error its name."""
    return str(error) if isinstance(error, (*REFUSALS, NoMaster)) else type(error).__name__


def unavailable(error: Exception, call: str = "") -> RedisUnavailable:
    """The error to raise for one of a call to Redis, `call` being the command and its key or channel, if known.

    Its message names no users and keys, its reason may.
    """
    reason = f"{call}: {error}" if call else str(error)
    if isinstance(error, (NoPermissionError, AuthenticationError, AuthorizationError)):
        needed = f"all that {call.split(maxsplit=1)[0]} needs" if call else "all that is needed"
        message = f"Redis refuses to work: the user in REDIS_URL is not permitted {needed}."
    elif isinstance(error, ResponseError):
        message = f"Redis refuses to work: {error}"
    elif isinstance(error, NoMaster):
        message = f"Redis can't be reached. {error.message}"
    else:
        message = "Redis can't be reached."
    return RedisUnavailable(message, reason or type(error).__name__)
