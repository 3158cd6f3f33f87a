"""Redis Sentinel: which server is the master, and why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.exceptions import ResponseError

SENTINEL_TIMEOUT = 0.2
"""Seconds to connect to a sentinel, and for its response. They are queried one after another, and once more to find out why
there is no master: `/health` waits for that. Two that do not respond must take much less than a probe or a batch may take
(`PROBE_TIMEOUT`, `PATIENCE`): one that was passed over is queried first again unless the call succeeds."""


class NoMaster(MasterNotFoundError):
    """No sentinel names a master that works. `message` names no hosts; the text of the error adds them."""

    def __init__(self, message: str, details: str) -> None:
        super().__init__(f"{message} {details}")
        self.message = message


class Sentinels(Sentinel):
    """The sentinels of `REDIS_SENTINELS`. Those that are unreachable are queried last the next time."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Returns host and port of the master. Raises `NoMaster`, which says what an operator has to look at."""
        try:
            host, port = await super().discover_master(service_name)
        except (MasterNotFoundError, ResponseError) as error:
            raise await self._explain(service_name) from error
        return host, port

    async def close(self) -> None:
        """Closes the connections to the sentinels."""
        await asyncio.gather(*(sentinel.aclose() for sentinel in self.sentinels), return_exceptions=True)

    async def _explain(self, name: str) -> NoMaster:
        clients: list[Any] = self.sentinels  # redis 5 has no types for them
        calls = (sentinel.sentinel_masters() for sentinel in clients)
        responses = await asyncio.gather(*calls, return_exceptions=True)
        failures, masters = [], dict[str, Mapping[str, Any]]()
        for sentinel, response in zip(self.sentinels, responses, strict=True):
            if isinstance(response, BaseException):
                address = sentinel.connection_pool.connection_kwargs
                failures.append(f"{address['host']}:{address['port']}: {response or type(response).__name__}")
            else:
                masters |= response
        unreachable = f"No usable response: {'; '.join(failures)}." if failures else ""
        if len(failures) == len(self.sentinels):
            return NoMaster("No sentinel of REDIS_SENTINELS can be used.", unreachable)
        if name not in masters:
            known = ", ".join(sorted(masters)) or "none"
            message = "The sentinels monitor no master of the name in REDIS_SENTINEL_MASTER."
            return NoMaster(message, f"It is {name!r}; they monitor: {known}. {unreachable}".rstrip())
        message = "The sentinels consider the master down, and have not promoted a replica yet."
        return NoMaster(message, f"The master {name!r} is {masters[name]['flags']}. {unreachable}".rstrip())
