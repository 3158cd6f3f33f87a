"""What becomes of a message after an attempt to deliver it. It does no I/O.

An endpoint that gives no proper response (no connection, a time-out, 5xx, 429) gets nothing else for a while: all its
messages wait, and one at a time tries whether it is back. One that responds with another status has refused this message,
which is tried again by itself; others go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

KEPT_TRYING = timedelta(days=3)
"""How long a message is tried, from its creation on."""
REFUSAL_DELAYS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 72_000)
"""Seconds until a refused message is tried again, after each refusal: almost three days (Standard Webhooks 1.0)."""
FIRST_PAUSE = 5.0
"""Seconds that an endpoint is left alone after it failed for the first time; twice as many after each further time."""
LONGEST_PAUSE = 900.0
"""So many at most, so that what has waited is delivered within this time once the endpoint is back."""
LONGEST_RETRY_AFTER = 86_400.0
"""Seconds that an endpoint can ask for with `Retry-After`."""

_TOO_MANY = 429
_GONE = 410


class Outcome(StrEnum):
    """How an attempt to deliver a message went."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """It responded, and not with 2xx. A redirect is a refusal, too: it is not followed."""
    FAILED = "failed"
    """It gave no response, or only that it cannot serve requests now."""
    GONE = "gone"
    """It responded with 410: it wants no messages any more."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt got. `status` None: no response. `detail`: the start of its body, or why there was none."""

    status: int | None
    detail: str
    retry_after: float | None = None
    """Seconds."""

    @property
    def outcome(self) -> Outcome:
        match self.status:
            case None:
                return Outcome.FAILED
            case status if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, section 15.3
                return Outcome.DELIVERED
            case status if status == _GONE:
                return Outcome.GONE
            case status if status == _TOO_MANY or status >= 500:  # noqa: PLR2004 - RFC 9110, section 15.6
                return Outcome.FAILED
        return Outcome.REFUSED


def retry_delay(refusals: int) -> float | None:
    """Seconds until a message is tried again that was refused so often; None: it is given up."""
    return REFUSAL_DELAYS[refusals - 1] if refusals <= len(REFUSAL_DELAYS) else None


def pause(failures: int, retry_after: float | None) -> float:
    """Seconds that an endpoint is left alone that has failed so often in a row."""
    own = min(FIRST_PAUSE * float(1 << min(failures - 1, 20)), LONGEST_PAUSE)
    return max(own, min(retry_after or 0.0, LONGEST_RETRY_AFTER))
