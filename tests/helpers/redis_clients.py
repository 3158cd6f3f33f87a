"""The client of Redis that a part of the transport uses, for tests of what Redis has."""

from __future__ import annotations

from typing import Any


def redis_of(part: Any) -> Any:
    """The client of a feed or a queue with `QUEUE=redis`."""
    return part._redis  # noqa: SLF001 - what Redis has is the point of these tests
