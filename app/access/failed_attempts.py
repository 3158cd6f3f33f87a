"""Failed attempts to prove who one is: each costs a query, so an address has so many a minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from app.access.buckets import Buckets
from app.client_counts import client_of
from app.problems import ShareNotFound, SignInFailed, TooManyFailedAttempts, Unauthenticated


class FailedAttempts:
    """Counts failed attempts by client, as `ClientCounts` does. A client whose address is not known may make any number."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets = Buckets(per_minute / 60, per_minute)

    @contextmanager
    def counted(self, address: str, *, was_valid: bool = False) -> Iterator[None]:
        """Around what verifies a credential with a query; one that is known without a query is none of its business.

        `was_valid`: whether the credential was valid the last time. It is verified even if the address has none left: who
        is let in already is not locked out by others behind the same address.

        Raises `TooManyFailedAttempts` before the block runs if the address has none left. Attempts at the same time are
        counted when they have failed, so a few more may be made: people behind one address who all have valid
        credentials must not use up anything.
        """
        client = client_of(address)
        wait = ceil(self._buckets.wait(client)) if client and not was_valid else 0
        if wait:
            raise TooManyFailedAttempts(
                f"More than {self._per_minute} requests a minute from your address had a credential that is not valid."
                f" Others are not looked at until then: try again in {wait} s.",
                wait,
            )
        try:
            yield
        except (Unauthenticated, ShareNotFound, SignInFailed) as error:
            if client and getattr(error, "retry_after", None) is None:  # else it may be valid later
                self._buckets.add(client)
            raise
