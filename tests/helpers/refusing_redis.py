"""A Redis that responds, but refuses to work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

from redis.asyncio import Redis

from jobs.engine.wakeups.probe import CHECKED
from jobs.engine.wakeups.queue import queue_name
from jobs.kinds import Kind

Refusing = Callable[[str], AbstractAsyncContextManager[str]]
"""Makes the Redis at a URL refuse to work while the block runs; yields the URL to use."""


@asynccontextmanager
async def _out_of_memory(url: str) -> AsyncIterator[str]:
    async with Redis.from_url(url) as redis:
        await redis.config_set("maxmemory", 1)
        try:
            yield url
        finally:
            await redis.config_set("maxmemory", 0)


@asynccontextmanager
async def _replica(url: str) -> AsyncIterator[str]:
    """Its primary is the discard port, so that it never gets other data."""
    async with Redis.from_url(url) as redis:
        await redis.execute_command("REPLICAOF", "127.0.0.1", 9)
        try:
            yield url
        finally:
            await redis.execute_command("REPLICAOF", "NO", "ONE")


def permitted(*rules: str) -> Refusing:
    """Logs in as a user with these rules only (https://valkey.io/topics/acl/)."""

    @asynccontextmanager
    async def refusing(url: str) -> AsyncIterator[str]:
        address = urlsplit(url)
        async with Redis.from_url(url) as redis:
            await redis.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">secret", *rules)
            try:
                yield address._replace(netloc=f"limited:secret@{address.hostname}:{address.port}").geturl()
            finally:
                await redis.execute_command("ACL", "DELUSER", "limited")

    return refusing


@asynccontextmanager
async def _wrong_type(url: str) -> AsyncIterator[str]:
    async with Redis.from_url(url) as redis:
        await redis.set(queue_name(Kind.DOWNLOAD), "something else")
        try:
            yield url
        finally:
            await redis.delete(queue_name(Kind.DOWNLOAD))


REFUSALS: dict[str, tuple[Refusing, str]] = {
    "out of memory": (_out_of_memory, "used memory > 'maxmemory'"),
    "a read-only replica": (_replica, "read only replica"),
    "no channels": (permitted("+@all", "~*", "resetchannels"), "not permitted"),
    "no keys": (permitted("+@all", "resetkeys", "&*"), "not permitted"),
    "no keys of the queue": (permitted("+@all", "~download:progress:*", "&*"), "not permitted"),
    "no BZPOPMIN": (permitted("+@all", "-bzpopmin", "~*", "&*"), "not permitted all that BZPOPMIN needs"),
    "no SUBSCRIBE": (permitted("+@all", "-subscribe", "~*", "&*"), "not permitted all that SUBSCRIBE needs"),
    "a key of another type": (_wrong_type, "wrong kind of value"),
}
"""Each way to refuse, with words of the message that tells so."""
PATTERNS = ("~haulage:*", "~download:progress:*", "&haulage:*", "&job:*")
ALLOWED = {
    "by categories": permitted(*PATTERNS, "+@all", "-@dangerous", "+info"),
    "one by one": permitted(*PATTERNS, "+@connection", *(f"+{command}" for command in sorted(CHECKED))),
}
"""What docs/operations.md says that a user needs."""
