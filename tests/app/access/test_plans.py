"""Plans: how much a principal may do, by its key, its account, or its groups."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from app.access.plans import Plans
from app.access.principals import ALL_SCOPES, Principal, Proof
from app.access.tickets import principal_from, ticket_of
from jobs.errors import InvalidRequest
from jobs.plans import Plan
from jobs.settings import LimitSettings


def principal(plan: str | None = None, *groups: str) -> Principal:
    return Principal(owner="anna", scopes=ALL_SCOPES, groups=frozenset(groups), plan=plan, proof=Proof.KEY)


def plan_of(settings: dict[str, Any], plan: str | None = None, *groups: str) -> Plan:
    return Plans(LimitSettings(**settings)).of(principal(plan, *groups))


def test_everyone_has_the_plan_user_whose_jobs_are_those_of_the_setting() -> None:
    assert (plan_of({}).name, plan_of({}).jobs_per_hour) == ("user", 10)
    assert plan_of({"jobs_per_hour": 3}).jobs_per_hour == 3
    assert plan_of({"jobs_per_hour": 3}, "anonymous").jobs_per_hour == 3
    assert plan_of({"jobs_per_hour": 3}, "premium").jobs_per_hour == 100
    tiers = [plan_of({}, name).requests_per_hour for name in ("anonymous", "user", "premium")]
    assert tiers == [100, 1_000, 5_000]


def test_the_setting_changes_plans_and_adds_others_which_start_from_user() -> None:
    plans = {"user": {"streams": 7}, "lab": {"jobs_per_hour": 0}, "premium": {"jobs_per_hour": 200}}
    assert plan_of({"plans": plans}, "premium").jobs_per_hour == 200
    assert plan_of({"plans": plans}, "premium").streams == 500
    lab = plan_of({"plans": plans}, "lab")
    assert (lab.name, lab.jobs_per_hour, lab.streams, lab.requests_per_hour) == ("lab", 0, 7, 1_000)


def test_groups_give_a_plan_to_those_who_have_none_of_their_own() -> None:
    plans = {"lab": {"groups": ["lab", "chemists"]}, "premium": {"groups": ["paying"]}}
    assert plan_of({"plans": plans}, None, "chemists").name == "lab"
    assert plan_of({"plans": plans}, None, "paying", "others").name == "premium"
    assert plan_of({"plans": plans}, "user", "paying").name == "user"
    assert plan_of({"plans": plans}, None, "others").name == "user"
    assert plan_of({"plans": plans}, None, "paying", "lab").name == "lab", "the first one of the setting"


def test_a_plan_that_was_removed_counts_as_user_and_is_logged_once() -> None:
    plans = Plans(LimitSettings(jobs_per_hour=5))
    with capture_logs() as logs:
        assert [plans.of(principal("gold")).name for _ in range(3)] == ["user"] * 3
    assert [(entry["event"], entry["plan"]) for entry in logs] == [("plan_missing", "gold")]


def test_a_name_that_is_no_plan_is_refused_with_the_names_that_are() -> None:
    plans = Plans(LimitSettings(plans={"lab": {}}))
    for name in (None, "user", "lab"):
        plans.check(name)
    with pytest.raises(InvalidRequest, match=r"'gold' is no plan.*anonymous, user, premium, lab"):
        plans.check("gold")


def test_a_ticket_has_the_plan_of_who_requested_it() -> None:
    kept = ticket_of(principal("premium"), "1")
    assert principal_from(kept).plan == "premium"
    del kept["plan"]
    assert principal_from(kept).plan is None
