"""Buckets that several gateways share: each decides alone and at once, and reports once a second what it has admitted.

A gateway keeps the level of each bucket as it was at its last report, and what it has admitted since. The latter counts
once for each gateway, as if all of them had admitted as much: so together they admit no more than there is room for, as
they know it. Between two reports none knows what the others have admitted, so callers who use up a bucket within a second
may get more: less than half a bucket, whatever the number of gateways (decision "Limits on requests").

Where they report to (Redis, or a table of PostgreSQL) holds no truth. Each gateway reports levels, not only what it adds to
them, and the higher level counts: after a flush, the gateways restore what they know. While it is unavailable, each of N
gateways leaves room for N.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import time

from app.access.buckets import MAX_NAMES, discard_empty
from jobs.errors import DatabaseUnavailable, RedisUnavailable

WINDOW = 3600.0
"""Seconds in which a full bucket is empty again."""
REPORT_INTERVAL = 1.0
"""Seconds between two reports of a gateway."""

_ROUNDING = 0.01
"""Part of a request by which sums may be off."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What comes back of a report."""

    gateways: int
    """Gateways that have reported within the last seconds, this one included."""
    is_new: bool
    """Whether this one was not known to have: it has just started, or what was reported is lost."""
    empty_at: Mapping[str, float]
    """Of each name that was reported, when its bucket will be empty, with what all gateways have reported."""


Exchange = Callable[[Mapping[str, tuple[float, float]], float], Awaitable[Reported]]
"""Reports of each name when its bucket would be empty, and how many seconds to add; and the time. Times are UNIX times.

Raises `RedisUnavailable` or `DatabaseUnavailable`.
"""


@dataclass(frozen=True, slots=True)
class Level:
    """The bucket of a name after a request. `wait`: seconds until there is room for the request; 0 if it was admitted."""

    remaining: int
    """Requests that there is room for, as far as this gateway knows."""
    reset: float
    """Seconds until there is room for one more than `remaining`."""
    wait: float


class SharedBuckets:
    """A bucket for each name, which is empty again after an hour, whatever its capacity."""

    def __init__(self, exchange: Exchange, gateway_ttl: float, clock: Callable[[], float] = time) -> None:
        """`gateway_ttl`: seconds for which a gateway is counted that reports no more. `clock`: UNIX time, on which gateways
        agree within a few seconds.
        """
        self._exchange = exchange
        self._gateway_ttl = gateway_ttl
        self._clock = clock
        self._gateways = 1
        self._empty_at: dict[str, float] = {}
        """As of the last report."""
        self._unreported: dict[str, float] = {}
        """Seconds that were added since."""
        self._restored_at = float("-inf")
        """When what was lost was reported again."""
        self._must_restore = False
        """Whether what was reported before has to be reported again."""

    def take(self, name: str, capacity: int) -> Level:
        """Counts a request of this name, whose bucket holds `capacity` of them, if there is room for it."""
        cost = WINDOW / capacity
        own = self._unreported.get(name, 0.0)
        room = WINDOW - max(0.0, self._empty_at.get(name, 0.0) - self._clock()) - own
        if room - own * (self._gateways - 1) < cost * (1 - _ROUNDING):
            wait = max(cost - room, 0.0 if self._gateways == 1 else REPORT_INTERVAL)
            return Level(0, wait, wait)
        self._unreported[name] = own + cost
        remaining = int(room / cost - 1 + _ROUNDING)
        return Level(remaining, (remaining + 2) * cost - room, 0.0)

    async def report(self) -> None:
        """Exchanges with the other gateways what was admitted since the last report."""
        now = self._clock()
        added, self._unreported = self._unreported, {}
        report = {name: (max(now, self._empty_at.get(name, now)), seconds) for name, seconds in added.items()}
        self._add(added, now)  # it counts once from here on
        try:
            reported = await self._exchange(report, now)
            self._must_restore |= reported.is_new
            if self._must_restore:  # also of names that have sent nothing here for a while
                report = {name: (at, 0.0) for name, at in self._empty_at.items() if at > now}
                reported = await self._exchange(report, now)
                self._must_restore = False
                self._restored_at = now
            # The others report again, too, but not all at once: until then they count, as a gateway does that has stopped.
            is_settled = now - self._restored_at > self._gateway_ttl
            self._gateways = reported.gateways if is_settled else max(self._gateways, reported.gateways)
        except (RedisUnavailable, DatabaseUnavailable):
            self._add({name: seconds * (self._gateways - 1) for name, seconds in added.items()}, now)
            return
        self._empty_at.update(reported.empty_at)  # no lower than what was reported
        if len(self._empty_at) > MAX_NAMES:
            discard_empty(self._empty_at, now)

    def _add(self, added: Mapping[str, float], now: float) -> None:
        for name, seconds in added.items():
            self._empty_at[name] = max(now, self._empty_at.get(name, now)) + seconds
