"""Plans: how much a user may do. Pure: the built-in ones, and what a setting changes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ANONYMOUS_PLAN = "anonymous"
"""The plan of holders of a share link, and of visitors, who have no credential (`ANONYMOUS=read`)."""
USER_PLAN = "user"
"""The plan of everyone who has no other one."""
PREMIUM_PLAN = "premium"

PlanName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
Limit = Annotated[int, Field(ge=0, le=1_000_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much one owner may do. For every limit, 0 stands for none."""

    name: str
    jobs_per_hour: int
    """Downloads started in any 60 minutes."""
    running_jobs: int
    """Downloads that are queued, processing or retrying at the same time."""
    requests_per_hour: int
    """Costly requests: those that create or check something, list or search."""
    streams: int
    """Open event streams, WebSockets and long-polls."""
    groups: frozenset[str] = frozenset()
    """The groups whose members have the plan, unless their account or key has another one."""


class PlanChange(BaseModel):
    """What the setting `PLANS` says of one plan. What it leaves out stays as in the built-in plan, or as in `user`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jobs_per_hour: Limit | None = None
    running_jobs: Limit | None = None
    requests_per_hour: Limit | None = None
    streams: Limit | None = None
    groups: frozenset[str] | None = None


def parse_plans(value: Any) -> Any:
    """The JSON text of the setting `PLANS` as an object, for pydantic to check. Raises `ValueError`."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value) if value else {}
    except ValueError as error:
        msg = f"is not JSON: {error}"
        raise ValueError(msg) from None
    if not isinstance(found, dict):
        msg = 'must be a JSON object of plans, such as {"premium": {"jobs_per_hour": 200}}'
        raise ValueError(msg)  # noqa: TRY004 - pydantic reports only `ValueError`
    return found


def make_plans(jobs_per_hour: int, changes: Mapping[str, PlanChange]) -> dict[str, Plan]:
    """All plans by name: the built-in ones, changed, and those that the setting adds, in its order."""
    user = Plan(name=USER_PLAN, jobs_per_hour=jobs_per_hour, running_jobs=100, requests_per_hour=1_000, streams=100)
    built_in = (
        replace(user, name=ANONYMOUS_PLAN, running_jobs=10, requests_per_hour=100, streams=20),
        user,
        Plan(name=PREMIUM_PLAN, jobs_per_hour=100, running_jobs=1_000, requests_per_hour=5_000, streams=500),
    )
    plans = {plan.name: plan for plan in built_in}
    plans[USER_PLAN] = _changed(user, changes.get(USER_PLAN))
    for name, change in changes.items():
        plans[name] = _changed(plans.get(name, replace(plans[USER_PLAN], name=name, groups=frozenset())), change)
    return plans


def _changed(plan: Plan, change: PlanChange | None) -> Plan:
    return plan if change is None else replace(plan, **change.model_dump(exclude_none=True))
