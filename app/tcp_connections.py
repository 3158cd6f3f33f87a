"""What the TCP connections of a gateway process share: limits, a clock for deadlines, and a bounded log of refusals."""

from __future__ import annotations

import asyncio
import math
import resource
from ipaddress import ip_address
from typing import Protocol

import structlog
from starlette.exceptions import HTTPException

from app.client_counts import ClientCounts, TrustedProxies
from app.problems import RESPONSES, GatewayFull, TooManyConnections
from app.small_reads import READ_SIZE
from jobs.errors import HaulageError
from jobs.settings import GatewaySettings

log = structlog.get_logger()

BACKLOG = 4096
"""Connections that the kernel completes and keeps until the process accepts them, all at once if need be (listen(2))."""
RESERVED_DESCRIPTORS = 256
"""File descriptors for everything but clients: database, Redis, store, files."""
MAX_REFUSED = 128
"""Refused connections that are kept until their clients have read why; others are closed at once."""
SWEEP_INTERVAL = 1.0
"""Seconds between two checks of all deadlines."""
EXPIRED_PER_TICK = 200
"""Connections that are ended at once: thousands would hold up everybody else."""
LOGGED_PER_SECOND = 10
"""Refused requests and connections that are logged one by one."""


class HttpConnection(Protocol):
    """A TCP connection on which HTTP is spoken."""

    transport: asyncio.Transport
    deadline: float
    """When it expires, on the clock of `TcpConnections.now`."""

    def expire(self) -> None:
        """Its deadline has passed, or its transport is being closed."""


class TcpConnections:
    """The TCP connections of this process.

    One sweep a second over all of them finds the expired ones: a timer for each request would cost more than the rest of
    this module.
    """

    def __init__(self, settings: GatewaySettings, limit: int, *, long_bodies: bool = False) -> None:
        """`limit`: how many may be open at once. `long_bodies`: whether each piece of a body extends its deadline."""
        self.settings = settings
        self.long_bodies = long_bodies
        self.read_buffer = memoryview(bytearray(READ_SIZE))
        """Into which all connections with long bodies read."""
        self.now = 0.0
        """The time of the last tick, in seconds on a monotonic clock."""
        self.head_deadline = self.body_deadline = self.request_deadline = math.inf
        """When a head, a body and the next request expire that one begins to wait for until the next tick."""
        self._limit = limit
        self._counts = ClientCounts(settings.max_connections_per_client)
        self._proxies = TrustedProxies(settings)
        self._http: set[HttpConnection] = set()
        self._refused: set[HttpConnection] = set()
        self._expired: list[HttpConnection] = []
        self._swept_at = 0.0
        self._logged = 0

    def tick(self, now: float) -> None:
        """Sets the clock, and ends the connections whose deadlines have passed. Call it several times a second."""
        self.now = now
        self.head_deadline = now + self.settings.head_timeout
        self.body_deadline = now + self.settings.body_timeout
        self.request_deadline = now + self.settings.keep_alive
        for connection in self._expired[-EXPIRED_PER_TICK:]:
            if _has_expired(connection, now):  # and nothing has come since
                connection.expire()
        del self._expired[-EXPIRED_PER_TICK:]
        if now - self._swept_at < SWEEP_INTERVAL:
            return
        self._swept_at = now
        self._expired = [one for one in self._http if _has_expired(one, now)]
        if self._logged > LOGGED_PER_SECOND:
            log.warning("requests_rejected", more=self._logged - LOGGED_PER_SECOND)
        self._logged = 0

    def add(self, connection: HttpConnection, address: str) -> HaulageError | None:
        """Counts a new connection, and watches its deadline; or returns the reason why it is refused.

        Only the total counts for a trusted proxy, and for this machine unless `LIMIT_LOOPBACK`.
        """
        if self._counts.total >= self._limit:
            return GatewayFull(f"{self._limit} connections are open, which is all that this server accepts. Try again.")
        if self._counts.is_full(address) and not self._is_unlimited(address):
            most = self.settings.max_connections_per_client
            return TooManyConnections(f"{most} connections are open from {address}, which is all that it may have.")
        self._counts.acquire(address)
        self._http.add(connection)
        return None

    def keep_refused(self, connection: HttpConnection) -> bool:
        """Watches the deadline of a connection that was refused, unless there are too many; returns whether it does."""
        if len(self._refused) >= MAX_REFUSED:
            return False
        self._refused.add(connection)
        self._http.add(connection)
        return True

    def discard(self, connection: HttpConnection) -> None:
        """Watches its deadline no longer: it was closed, or is a WebSocket now."""
        self._http.discard(connection)
        self._refused.discard(connection)

    def release(self, address: str) -> None:
        """A connection that was counted has been closed."""
        self._counts.release(address)

    def is_proxy(self, address: str) -> bool:
        """Whether this is the address of a proxy in `TRUSTED_PROXIES`."""
        return address in self._proxies

    def log_rejected(self, address: str, error: HaulageError | HTTPException) -> None:
        """Logs a request or a connection that was refused, unless there were too many in the last second."""
        self._logged += 1
        if self._logged > LOGGED_PER_SECOND:
            return
        if isinstance(error, HTTPException):
            status, reason = error.status_code, error.detail
        else:
            status, reason = RESPONSES[error.code].status, error.message
        log.warning("request_rejected", client=address, status=status, reason=reason)

    def _is_unlimited(self, address: str) -> bool:
        if self.is_proxy(address):
            return True
        try:
            return ip_address(address).is_loopback and not self.settings.limit_loopback
        except ValueError:  # a UNIX socket has no address
            return True


def connection_limit(settings: GatewaySettings) -> int:
    """How many connections this process can hold, at most `MAX_CONNECTIONS`.

    Raises the soft limit of file descriptors as far as they need, and the hard limit allows (getrlimit(2)).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.max_connections + BACKLOG + RESERVED_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return settings.max_connections
    limit = min(settings.max_connections, max(soft - RESERVED_DESCRIPTORS, soft // 2))
    if limit < settings.max_connections:
        log.warning("connection_limit_changed", limit=limit, descriptors=soft, wanted=settings.max_connections)
    return limit


def _has_expired(connection: HttpConnection, now: float) -> bool:
    return connection.deadline <= now or connection.transport.is_closing()
