"""Which plan a principal has: that of its key or account, else that of its groups, else `user`."""

from __future__ import annotations

import structlog

from app.access.principals import Principal
from jobs.errors import InvalidRequest
from jobs.plans import USER_PLAN, Plan, make_plans
from jobs.settings import LimitSettings

log = structlog.get_logger()


class Plans:
    """The plans of the settings. They matter with `AUTH_MODE=required` only."""

    def __init__(self, settings: LimitSettings) -> None:
        self._plans = make_plans(settings.jobs_per_hour, settings.plans)
        self._by_group = [self._plans[name] for name in settings.plans if self._plans[name].groups]
        self._unknown: set[str] = set()

    def of(self, principal: Principal) -> Plan:
        """How much the principal may do. A plan that has been removed from the settings counts as `user`."""
        if principal.plan is not None:
            return self._named(principal.plan)
        for plan in self._by_group:
            if not plan.groups.isdisjoint(principal.groups):
                return plan
        return self._plans[USER_PLAN]

    def _named(self, name: str) -> Plan:
        plan = self._plans.get(name)
        if plan is not None:
            return plan
        if name not in self._unknown:
            self._unknown.add(name)
            log.warning("plan_missing", plan=name, used=USER_PLAN)
        return self._plans[USER_PLAN]

    def check(self, name: str | None) -> None:
        """Raises `InvalidRequest` if there is no such plan."""
        if name is not None and name not in self._plans:
            raise InvalidRequest(
                f"{name!r} is no plan. Choose among {', '.join(self._plans)}; the setting PLANS adds others."
            )
