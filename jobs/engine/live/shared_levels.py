"""Levels that gateways share: numbers by name, of which the highest counts, and to which each gateway adds.

Redis may lose them at any time: each gateway reports what it knows, so that they are restored.
"""

from __future__ import annotations

from collections.abc import Mapping

from jobs.engine.live.feed import Command, RedisFeed
from jobs.engine.transport import GATEWAY_TTL

LEVELS, GATEWAYS = "haulage:requests", "haulage:gateways"
"""Sorted sets: names by their level, gateways by the time of their last exchange (both UNIX times)."""
BATCH = 500
"""Names that are exchanged in one round trip."""


async def exchange_levels(
    feed: RedisFeed, gateway: str, report: Mapping[str, tuple[float, float]], now: float
) -> tuple[int, bool, dict[str, float]]:
    """Raises each level to at least the first number, adds the second one, and removes all levels before `now`.

    Returns how many gateways there are, whether this one is new among them, and the levels that were reported as they are
    now. Raises `RedisUnavailable`.
    """
    commands: list[Command] = [
        ("ZREMRANGEBYSCORE", GATEWAYS, "-inf", now - GATEWAY_TTL),
        ("ZADD", GATEWAYS, now, gateway),
        ("ZCARD", GATEWAYS),
        ("ZREMRANGEBYSCORE", LEVELS, "-inf", now),
    ]
    _, is_new, gateways, _ = await feed.execute(commands)
    levels: dict[str, float] = {}
    items = list(report.items())
    for start in range(0, len(items), BATCH):
        commands = []
        for name, (level, added) in items[start : start + BATCH]:
            commands += (("ZADD", LEVELS, "GT", level, name), ("ZINCRBY", LEVELS, added, name))
        raised = (await feed.execute(commands))[1::2]
        levels |= {name: float(level) for (name, _), level in zip(items[start : start + BATCH], raised, strict=True)}
    return int(gateways), bool(is_new), levels
