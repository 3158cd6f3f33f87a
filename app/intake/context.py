"""What the endpoints of the intake work with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request

from app.access.principals import Principal
from app.context import ServerContext
from jobs.uploads.appending import Appends


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeContext(ServerContext):
    """Opened when the intake starts, and closed when it stops."""

    appends: Appends
    gateway_root: str
    """What links to jobs start with: the gateway's URL, or, without `PUBLIC_URL`, its root path behind the same proxy."""
    _receptions: set[asyncio.Task[None]] = field(default_factory=set)

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """For a request that has to clean up after itself if it is broken off: a shutdown waits until it has."""
        task = asyncio.current_task()
        assert task is not None
        self._receptions.add(task)
        try:
            yield
        finally:
            self._receptions.discard(task)

    async def admitted(self, principal: Principal, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The bytes of a body. Raises `Unauthenticated` once the principal's access is revoked."""
        async for chunk in chunks:
            self.guard.check_not_revoked(principal)
            yield chunk

    async def wait_for_receptions(self, timeout: float) -> None:  # noqa: ASYNC109 - they go on after it
        """Waits up to `timeout` seconds until the requests that are being received have ended."""
        if self._receptions:
            await asyncio.wait(self._receptions, timeout=timeout)


def intake_context(request: Request) -> IntakeContext:
    """The context of the intake that serves the request."""
    found: IntakeContext = request.app.state.context
    return found
