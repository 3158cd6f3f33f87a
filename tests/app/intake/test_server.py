"""The intake as a server: its health, and the redirect that leads from the gateway to it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.access.principals import Scope
from app.intake.intake import Intake
from app.intake.operations import INTAKE_OPERATIONS
from jobs.errors import InvalidRequest
from jobs.services import Services
from jobs.settings import Settings
from tests.app.access.matrix import callers, operation_violations
from tests.app.shared import Shared, problem
from tests.helpers.access import UNLIMITED, key_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.running import serving, taking_in
from tests.helpers.settings import with_changes

INTAKE = "http://files.example:8081/in"
FORM: dict[str, Any] = {"files": {"file": ("a.txt", b"hello")}}


async def test_the_intake_reports_its_health(services: Services) -> None:
    async with taking_in(services.settings) as url, httpx.AsyncClient(base_url=url) as intake:
        assert (await intake.get("/health/live")).json() == {"status": "ok"}
        assert (await intake.get("/health/ready")).json() == {"database": "ok", "draining": False}
        assert (await intake.get("/health")).json()["status"] == "degraded"  # there is no worker
        answer = await intake.get("/v1/download/jobs")
        problem(answer, 404, "not_found")
        assert answer.headers["x-request-id"]


async def test_the_intake_has_the_hosts_of_both_addresses(services: Services) -> None:
    changed = with_changes(services.settings, public_url="https://site.example/x", intake_url=INTAKE)
    async with taking_in(changed) as url, httpx.AsyncClient(base_url=url) as intake:
        for host, status in (("files.example:8081", 404), ("site.example", 404), ("other.example", 400)):
            answer = await intake.get("/in/nothing", headers={"Host": host})
            assert answer.status_code == status


def test_links_of_the_intake_need_the_address_of_the_gateway(settings: Settings) -> None:
    with pytest.raises(InvalidRequest, match="INTAKE_URL needs PUBLIC_URL"):
        Intake(with_changes(settings, intake_url=INTAKE))


@pytest.mark.parametrize("path", ["/upload", "/v1/upload/form"])
@pytest.mark.parametrize("changes", [{"intake_url": INTAKE}])
async def test_the_gateway_redirects_forms_to_the_intake(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.post(path, **FORM)
    assert (answer.status_code, answer.headers["location"]) == (307, f"{INTAKE}/v1/upload/form")
    assert (answer.headers["connection"], answer.headers["cache-control"]) == ("close", "no-store")


@pytest.mark.parametrize("changes", [{"intake_url": INTAKE, "auth_mode": "required"}])
async def test_the_redirect_carries_a_ticket_of_the_caller_that_uploads_once_and_does_nothing_else(
    services: Services,
) -> None:
    key = await key_of(services, "olga", scopes={Scope.FILES_WRITE})
    async with serving(services.settings) as gateway, httpx.AsyncClient(base_url=gateway) as api:
        problem(await api.post("/upload", **FORM), 401, "unauthenticated")
        reader = await key_of(services, "olga", scopes={Scope.JOBS_WRITE, Scope.JOBS_READ})
        problem(await api.post("/upload", headers=reader, **FORM), 403, "forbidden")
        answer = await api.post("/upload", headers=key, **FORM)
        ticket = httpx.URL(answer.headers["location"]).params["ticket"]
        problem(await api.get("/v1/download/stream", params={"jobs": "x", "ticket": ticket}), 403, "forbidden")
        problem(await api.get("/v1/download/stream", params={"jobs": "x", "ticket": ticket}), 401, "unauthenticated")


async def test_without_an_intake_the_gateway_says_what_to_do(api: httpx.AsyncClient) -> None:
    answer = await api.post("/upload", **FORM)
    problem(answer, 501, "intake_missing")
    assert "haulage upload" in answer.text
    assert "INTAKE_URL" in answer.text


async def test_an_intake_url_that_leads_to_the_gateway_is_no_endless_redirect(services: Services) -> None:
    settings = with_changes(services.settings, intake_url="http://127.0.0.1")
    async with serving(settings) as gateway, httpx.AsyncClient(base_url=gateway) as api:
        answer = await api.post("/v1/upload/form", headers={"Host": "127.0.0.1"}, **FORM)
        problem(answer, 501, "intake_missing")
        assert "leads to the gateway" in answer.text


@pytest.mark.parametrize("changes", [{"auth_mode": "required", **UNLIMITED}])
async def test_every_operation_of_the_intake_keeps_to_its_rule(services: Services, catalogue: Catalogue) -> None:
    async with taking_in(services.settings) as url, httpx.AsyncClient(base_url=url, timeout=30) as api:
        shared = Shared(api=api, services=services, catalogue=catalogue)
        everybody = await callers(shared)
        found: list[str] = []
        for operation in INTAKE_OPERATIONS:
            found += await operation_violations(shared, operation, everybody)
    assert found == []
    assert {one.path for one in INTAKE_OPERATIONS if one.rule.scope is not None} >= {"/upload", "/v1/upload/form"}
