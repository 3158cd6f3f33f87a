"""Passwords of share links. One thread makes their hashes: however many arrive, one core at most works on them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from app.problems import TooManyPasswords

MAX_WAITING = 64
"""Passwords that wait to be hashed, or are. Each takes 16 MB and some 50 ms."""
MAX_WAITING_FOR_LINK = 16
"""The same of one link: its passwords are compared one after another, so that it does not hold up the others."""
_SALT = 16
"""Bytes of a password's salt."""


@dataclass(slots=True, weakref_slot=True)
class _Queue:
    """Those who wait for one link."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class SharePasswords:
    """Hashes and compares the passwords of one gateway. Raises `TooManyPasswords` if too many are waiting."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "share-passwords")  # it starts with the first password
        self._waiting = 0
        self._queues: WeakValueDictionary[str, _Queue] = WeakValueDictionary()

    @asynccontextmanager
    async def turn_of(self, share_id: str) -> AsyncIterator[None]:
        """One request of a link at a time."""
        queue = self._queues.setdefault(share_id, _Queue())
        if queue.waiting >= MAX_WAITING_FOR_LINK:
            raise TooManyPasswords(_BUSY)
        queue.waiting += 1
        try:
            async with queue.turn:
                yield
        finally:
            queue.waiting -= 1

    async def hash(self, password: str) -> bytes:
        """What is kept of a password: a salt, and its scrypt (RFC 7914)."""
        salt = secrets.token_bytes(_SALT)
        return salt + await self._scrypt(password, salt)

    async def is_right(self, password: str, kept: bytes) -> bool:
        """Whether `kept` was made of this password."""
        return hmac.compare_digest(await self._scrypt(password, kept[:_SALT]), kept[_SALT:])

    async def _scrypt(self, password: str, salt: bytes) -> bytes:
        if self._waiting >= MAX_WAITING:
            raise TooManyPasswords(_BUSY)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _scrypt, password, salt)
        finally:
            self._waiting -= 1


_BUSY = "Too many passwords are waiting to be checked. Try again in a minute."


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1)
