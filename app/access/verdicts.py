"""Verdicts: which credential stands for which principal. A verdict is valid for half a minute at most."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from app.access.principals import Principal
from jobs.access.users import changed_id

TTL = 30.0
"""Seconds for which a verdict is valid, unless its credential expires earlier or is revoked."""
MAX_VERDICTS = 20_000
"""Verdicts that one process remembers; then the oldest goes."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    principal: Principal
    until: float


class Verdicts:
    """Principals by the kind and digest of their credential. A credential itself is not kept in memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._verdicts: dict[bytes, _Verdict] = {}
        self.generation = 0
        """+1 with every revocation: a verdict that was being made meanwhile is not remembered."""

    def get(self, digest: bytes) -> Principal | None:
        """The principal, if its verdict is still valid."""
        verdict = self._verdicts.get(digest)
        return None if verdict is None or verdict.until <= self._clock() else verdict.principal

    def was_valid(self, digest: bytes) -> bool:
        """Whether the credential was valid when it was verified last, and nothing that is known has ended it since."""
        return digest in self._verdicts

    def forget(self, digest: bytes) -> None:
        """Forgets a credential that has turned out to be valid no more."""
        self._verdicts.pop(digest, None)

    def put(self, digest: bytes, principal: Principal, generation: int) -> bool:
        """Remembers a verdict. False if something was revoked since `generation` was read: then make it again."""
        if generation != self.generation:
            return False
        left = TTL
        if principal.expires_at is not None:
            left = min(left, (principal.expires_at - datetime.now(UTC)).total_seconds())
        self._verdicts.pop(digest, None)
        self._verdicts[digest] = _Verdict(principal, self._clock() + left)
        if len(self._verdicts) > MAX_VERDICTS:
            del self._verdicts[next(iter(self._verdicts))]
        return True

    def discard(self, revoked: Collection[str]) -> None:
        """Forgets the verdicts that one of these revocation ids ends, and those of users that have changed."""
        self.generation += 1
        ended = [
            key
            for key, one in self._verdicts.items()
            if changed_id(one.principal.owner) in revoked or not one.principal.revocation_ids.isdisjoint(revoked)
        ]
        for key in ended:
            del self._verdicts[key]
