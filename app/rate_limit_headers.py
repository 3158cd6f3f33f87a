"""The fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A limit, and what is left of it for the caller.

    `name` is of the characters a-z and `-`, and the same in every response. `window` and `reset` are seconds; `reset` None:
    nothing of the quota is used.
    """

    name: str
    limit: int
    window: int
    remaining: int
    reset: float | None = None
    """Seconds until `remaining` grows."""


def jobs_quota(limit: int, remaining: int, reset: float) -> Quota:
    """The quota of the jobs that one owner may start in an hour."""
    return Quota(name="jobs", limit=limit, window=3600, remaining=remaining, reset=reset)


def rate_limit_headers(quotas: Iterable[Quota]) -> dict[str, str]:
    """Both fields as lists of strings with parameters (RFC 9651, section 3.1); none without a quota."""
    quotas = list(quotas)
    if not quotas:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{it.name}";q={it.limit};w={it.window}' for it in quotas),
        "RateLimit": ", ".join(f'"{it.name}";r={max(0, it.remaining)}{_reset(it)}' for it in quotas),
    }


def _reset(quota: Quota) -> str:
    """A client that waits so long finds the quota grown: seconds are rounded up."""
    return "" if quota.reset is None else f";t={max(0, ceil(quota.reset))}"
