"""The apps whose grants are accepted, with their keys from PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import monotonic

from joserfc.jwk import Key

from app.access.key_sets import SigningKey, find_key, signing_keys
from app.access.tokens import TrustedIssuer
from app.problems import InvalidToken
from jobs.access.grants import GrantKey, list_keys
from jobs.concurrency import cancel_and_wait
from jobs.database import Database

REFRESH_AFTER = 2.0
"""Seconds for which the list of keys is used. A new key is known after them, and tokens cause no more reads than that."""
KEY_OF_GRANT = "grant_key"
"""The kind of credential under which the revocation of such a key is recorded."""


class GrantIssuers:
    """Reads all keys at once, since they are few, and only while grants arrive whose verdict is not known."""

    def __init__(self, database: Database, audiences: Collection[str], clock: Callable[[], float] = monotonic) -> None:
        self._database = database
        self._audiences = audiences
        self._clock = clock
        self._keys: list[GrantKey] = []
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def find(self, name: str) -> TrustedIssuer | None:
        """The app of this name, if it has a key that is not revoked. Raises `DatabaseUnavailable`."""
        if self._clock() - self._read_at >= REFRESH_AFTER:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            await asyncio.shield(self._reading)  # all who wait get the same result, also if the database is unavailable
        keys = signing_keys({"keys": [{**key.public_key, "kid": key.id} for key in self._keys if key.issuer == name]})
        return TrustedIssuer(name, RegisteredKeys(keys), self._audiences, signs_grants=True) if keys else None

    async def close(self) -> None:
        """Ends a read in progress."""
        if self._reading is not None:
            await cancel_and_wait(self._reading)

    async def _read(self) -> None:
        try:
            self._keys = [key for key in await list_keys(self._database) if key.revoked_at is None]
            self._read_at = self._clock()
        finally:
            self._reading = None


@dataclass(frozen=True, slots=True)
class RegisteredKeys:
    """The keys of one app."""

    keys: list[SigningKey]

    async def find(self, kid: str | None, algorithm: str) -> Key:
        """The key for a grant that names this `kid` and `alg`. Raises `InvalidToken`."""
        key = find_key(self.keys, kid, algorithm)
        if key is None:
            raise InvalidToken("The grant is signed with a key that is not registered here, or was revoked.")
        return key
