"""The web page and the API reference: strict policies, assets cached forever, and a plain page if they are not built."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from app.endpoints.pages import PAGES, Assets, operators_page, page, reference
from app.public_address import PublicAddress
from jobs.settings import DAY, GatewaySettings
from tests.app.shared import Shared, problem

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ADDRESS = PublicAddress(GatewaySettings())
SCRIPT = "console.log('built');" * 100


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of pages that are built."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-0123abcd.js").write_text(SCRIPT)
    (tmp_path / "index.html").write_text("<title>built</title><p>{{job_retention}}</p>")
    (tmp_path / "operator.html").write_text("<title>Operations</title>")
    (tmp_path / "docs.html").write_text("<title>{{version}}: API</title>")

    async def front(request: Request) -> Response:
        return page(request, ADDRESS, 2 * DAY, "https://store", "private", tmp_path)

    async def docs(request: Request) -> Response:
        return reference(request, ADDRESS, tmp_path)

    async def operations(request: Request) -> Response:
        return operators_page(request, ADDRESS, tmp_path)

    routes = [Route("/", front), Route("/operator", operations), Route("/docs", docs)]
    app = Starlette(routes=[*routes, Mount("/assets", Assets(tmp_path))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as client:
        yield client


async def test_the_page_runs_only_scripts_and_styles_from_files_of_ours(built: httpx.AsyncClient) -> None:
    answer = await built.get("/")
    assert answer.text == "<title>built</title><p>172800</p>"
    policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == policy["media-src"] == "'self' https://store"
    assert policy["img-src"] == "'self' https://store data:"
    assert policy["trusted-types"] == "haulage-uploads"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_operators_page_reaches_the_gateway_and_nothing_else(built: httpx.AsyncClient) -> None:
    answer = await built.get("/operator")
    assert answer.text == "<title>Operations</title>"
    policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["trusted-types"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_api_reference_runs_only_scripts_from_files_of_ours(built: httpx.AsyncClient) -> None:
    answer = await built.get("/docs")
    assert f"<title>{version('haulage')}: API</title>" in answer.text
    policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "unsafe-eval" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-cache"


async def test_files_with_a_hash_in_their_name_are_kept_for_ever(built: httpx.AsyncClient) -> None:
    answer = await built.get("/assets/index-0123abcd.js")
    assert answer.text == SCRIPT
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = await built.get("/assets/index-0123abcd.js", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await built.get("/assets/index-none.js")).status_code == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_each_address_of_the_page_is_the_page_for_a_browser(shared: Shared) -> None:
    paths = ("/", "/jobs/whatever", "/account", "/uploads")
    front, job, account, uploads = [await shared.api.get(path, headers=BROWSER) for path in paths]
    assert front.status_code == job.status_code == account.status_code == uploads.status_code == 200
    assert front.text == job.text == account.text == uploads.text
    assert 'data-upload-visibility="private"' in front.text
    assert "{{" not in front.text
    assert front.headers["content-type"] == "text/html; charset=utf-8"
    assert front.headers["vary"] == job.headers["vary"] == "Accept"


@pytest.mark.asyncio(loop_scope="module")
async def test_each_address_of_operations_is_their_page_for_a_browser(shared: Shared) -> None:
    paths = ("/operator", "/operator/jobs", "/operator/jobs/whatever")
    overview, jobs, job = [await shared.api.get(path, headers=BROWSER) for path in paths]
    assert overview.status_code == jobs.status_code == job.status_code == 200
    assert overview.text == jobs.text == job.text != (await shared.api.get("/", headers=BROWSER)).text
    assert overview.headers["vary"] == "Accept"
    problem(await shared.api.get("/operator"), 404, "not_found")


@pytest.mark.asyncio(loop_scope="module")
async def test_anything_else_gets_facts_or_a_problem(shared: Shared) -> None:
    facts = await shared.api.get("/")
    assert facts.json()["name"] == "haulage"
    assert facts.headers["vary"] == "Accept"
    problem(await shared.api.get("/jobs/whatever"), 404, "not_found")
    problem(await shared.api.get("/assets/none.js"), 404, "not_found")


BUILT_PAGE = partial(page, job_retention=2 * DAY, store="https://store", upload_visibility="private")


@pytest.mark.parametrize("respond", [BUILT_PAGE, operators_page, reference], ids=["page", "operators", "reference"])
async def test_a_page_that_is_not_built_says_so(tmp_path: Path, respond: Callable[..., Response]) -> None:
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "server": ("page", 80)})
    answer = respond(request, ADDRESS, built=tmp_path)
    assert answer.status_code == 200
    assert b"not built" in bytes(answer.body)
    assert b"make setup" in bytes(answer.body)
    assert (PAGES / "index.html").read_text().count("not built") == 1


async def test_without_a_folder_there_are_no_files(tmp_path: Path) -> None:
    app = Starlette(routes=[Mount("/assets", Assets(tmp_path / "none"))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as client:
        assert (await client.get("/assets/index.js")).status_code == 404
