"""Pages for people: the front door, and the API to read. Nothing on them comes from another host."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.context import answer
from app.schemas import Root

PAGES = Path(__file__).parent.parent / "pages"

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI writes styles inline; scripts only ever come from files of ours."""


@cache
def product_version() -> str:
    return version("haulage")


def swagger_ui() -> Path:
    """Where the static files of Swagger UI are: the package is never imported, only its files are served."""
    spec = find_spec("flask_swagger_ui")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("flask-swagger-ui is not installed")
    return Path(spec.submodule_search_locations[0]) / "dist"


async def root(request: Request) -> Response:
    """The page for a browser, a few facts for anything else."""
    if "text/html" in request.headers.get("accept", ""):
        return _page(request, "index.html", {"Vary": "Accept"})
    links = {"openapi": "/openapi.json", "docs": "/docs", "health": "/health", "initiate": "/v1/download/initiate"}
    return answer(Root(name="haulage", version=product_version(), links=links), headers={"Vary": "Accept"})


async def docs(request: Request) -> Response:
    """The API to read and to try."""
    return _page(request, "docs.html", {})


def _page(request: Request, name: str, headers: dict[str, str]) -> Response:
    text = (PAGES / name).read_text(encoding="utf-8")
    text = text.replace("{{version}}", product_version()).replace("{{address}}", escape(str(request.base_url)[:-1]))
    return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY, **headers})
