"""No operation, socket or route is without a rule."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.routing import Route, WebSocketRoute

from app.access.principals import ALL_SCOPES, Principal, Proof, Role, Scope
from app.access.rules import Cost, Rule
from app.endpoints import health, sockets
from app.gateway import STATUS, _routes
from app.operations import OPERATIONS, Operation
from app.public_address import PublicAddress
from jobs.settings import GatewaySettings
from tests.app.page_addresses import PAGE_ADDRESSES


def test_an_operation_without_a_rule_can_not_be_declared() -> None:
    declared: Any = Operation
    values = {
        "method": "GET",
        "path": "/x",
        "handler": health.live,
        "name": "x",
        "summary": "x",
        "tag": "x",
        "answers": {},
    }
    with pytest.raises(TypeError, match="rule"):
        declared(**values)
    declared(**values, rule=Rule(None, Cost.FREE))


def test_every_route_is_an_operation_a_socket_or_a_page() -> None:
    routes = _routes(PublicAddress(GatewaySettings()), is_open=False)
    operations = {operation.path for operation in OPERATIONS}
    assert {route.path for route in routes if isinstance(route, Route)} - operations == PAGE_ADDRESSES
    assert {route.path for route in routes if isinstance(route, WebSocketRoute)} == {
        "/v1/download/subscribe",
        "/v1/download/subscribe/{jobId}",
    }
    assert sockets.ONE_RULE.scope is sockets.MANY_RULE.scope is STATUS.rule.scope is Scope.JOBS_READ


def test_whatever_names_a_job_declares_what_it_does_with_it() -> None:
    assert [one.name for one in OPERATIONS if ("{jobId}" in one.path) != (one.rule.job is not None)] == []
    everybody = {one.name for one in OPERATIONS if one.rule.scope is None}
    assert everybody == {
        *("session", "signIn", "signOut", "health", "live", "ready", "root"),
        *("diagnoseRequest", "diagnoseRequestWithBody", "diagnoseStream"),
    }


@pytest.mark.parametrize(
    ("role", "sees", "acts"),
    [(Role.USER, False, False), (Role.SUPPORT, True, False), (Role.OPERATOR, True, True), (Role.ADMIN, True, True)],
)
def test_a_role_decides_about_the_jobs_of_others(role: Role, sees: bool, acts: bool) -> None:
    principal = Principal(owner="olga", role=role, scopes=ALL_SCOPES, proof=Proof.KEY, proof_id="1")
    assert (principal.sees("otto"), principal.acts_on("otto")) == (sees, acts)
    assert (principal.sees("olga"), principal.acts_on("olga")) == (True, True)
    assert principal.revocation_ids == {"key:1", "user:olga"}
