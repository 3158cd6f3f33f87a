"""How many requests each caller may send: counted here, by the cost that the operation's rule declares.

With `AUTH_MODE=open` everybody is the same caller, so nothing is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import ceil
from time import monotonic
from uuid import uuid4

import structlog
from starlette.requests import HTTPConnection

from app.access.buckets import Buckets
from app.access.plans import Plans
from app.access.principals import Principal, Proof
from app.access.rules import Cost
from app.access.shared_buckets import REPORT_INTERVAL, WINDOW, Reported, SharedBuckets
from app.client_counts import client_address, client_of
from app.load import SAMPLE_INTERVAL, Load
from app.problems import TooManyRequests
from app.rate_limit_headers import Quota
from jobs.concurrency import run_forever
from jobs.engine.transport import GATEWAY_TTL
from jobs.errors import DatabaseUnavailable
from jobs.services import Services
from jobs.settings import Settings

log = structlog.get_logger()

QUEUE_INTERVAL = 2.0
"""Seconds between two counts of the queue."""
REQUESTS, READS = "requests", "reads"
"""The quotas of costly and of light requests, as responses name them."""


class Quotas:
    """Counts the requests of one gateway, and halves the quotas of costly ones while it is loaded."""

    def __init__(self, settings: Settings, plans: Plans, services: Services) -> None:
        self.is_off = settings.auth_mode == "open"
        self.load = Load()
        self._plans = plans
        self._services = services
        self._rate, self._burst = settings.reads_per_second, settings.reads_burst
        self._reads = Buckets(self._rate, self._burst)
        self._costly = SharedBuckets(self._exchange, GATEWAY_TTL)
        self._gateway = uuid4().hex
        self._queue_fill = 0.0

    def charge(self, connection: HTTPConnection, principal: Principal, cost: Cost) -> None:
        """Counts a request, and leaves with its response what of the caller's quota is left. Raises `TooManyRequests`.

        A request that is admitted again after it has waited counts once.
        """
        state = connection.scope["state"]
        if self.is_off or cost is Cost.FREE or "is_charged" in state:
            return
        state["is_charged"] = True
        name = _name_of(connection, principal)
        if cost is Cost.LIGHT:
            wait = self._reads.take(name)
            if wait:
                window = ceil(self._burst / self._rate)
                self._show(connection, Quota(name=READS, limit=self._burst, window=window, remaining=0, reset=wait))
                raise TooManyRequests(
                    f"You have sent more than {self._rate:g} requests a second. Try again in {ceil(wait)} s.",
                    ceil(wait),
                )
            return
        limit = self._plans.of(principal).requests_per_hour
        if not limit:
            return
        if self.load.is_high:
            limit = max(1, limit // 2)
        level = self._costly.take(name, limit)
        quota = Quota(name=REQUESTS, limit=limit, window=round(WINDOW), remaining=level.remaining, reset=level.reset)
        self._show(connection, quota)
        if level.wait:
            half = ", half of what your plan allows since the server is overloaded" if self.load.is_high else ""
            raise TooManyRequests(
                f"You may send {limit} requests an hour that create, check, list or search{half}, and have sent them."
                f" Try again in {ceil(level.wait)} s. Requests about a single job are still served.",
                ceil(level.wait),
            )

    def takes_read(self, principal: Principal) -> bool:
        """Counts a light request of a user, if there is room for it. Takes less than a microsecond."""
        return self.is_off or not self._reads.take(principal.owner)

    def streams(self, principal: Principal) -> int:
        """How many streams and long-polls the caller may have open at this gateway; 0: any number."""
        return 0 if self.is_off else self._plans.of(principal).streams

    def _show(self, connection: HTTPConnection, quota: Quota) -> None:
        connection.scope["state"]["response"].quotas.append(quota)

    # --- in the background ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Exchanges with other gateways what was counted, and measures the load, until it is cancelled."""
        if not self.is_off:
            await run_forever(self._report(), self._sample_load(), self._count_queue())

    async def _report(self) -> None:
        while True:
            try:
                await self._costly.report()
            except Exception:
                log.exception("request_report_failed")
            await asyncio.sleep(REPORT_INTERVAL)

    async def _exchange(self, report: Mapping[str, tuple[float, float]], now: float) -> Reported:
        return Reported(*await self._services.transport.exchange_levels(self._gateway, report, now))

    async def _sample_load(self) -> None:
        while True:
            was_high = self.load.is_high
            pool = self._services.database.pool_in_use
            self.load.sample(monotonic(), queue=self._queue_fill, database_pool=pool)
            if self.load.is_high is not was_high:
                log.warning("request_limits_changed", halved=self.load.is_high, load=round(self.load.value, 2))
            await asyncio.sleep(SAMPLE_INTERVAL)

    async def _count_queue(self) -> None:
        while True:
            try:
                self._queue_fill = await self._services.lifecycle.queue_fill()
            except DatabaseUnavailable:
                pass  # the last count stays
            except Exception:
                log.exception("queue_count_failed")
            await asyncio.sleep(QUEUE_INTERVAL)


def _name_of(connection: HTTPConnection, principal: Principal) -> str:
    """As whom the request is counted: a user, or the address of a visitor and of somebody who has only a share link."""
    if principal.proof in {Proof.SHARE_LINK, Proof.ANONYMOUS}:
        client = client_of(client_address(connection.scope))
        if client:
            return f"|{client}"  # no user is called so
    return principal.owner
