"""Pages for people: the front door, and the API to read. Nothing on them comes from another host.

The page itself is built of `frontend/` by `make setup`. Where that was not done, a plain one says so, and all else works.
"""

from __future__ import annotations

from functools import cache
from html import escape
from http import HTTPStatus
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.context import answer
from app.schemas import Root

PAGES = Path(__file__).parent.parent / "pages"
BUILT = PAGES / "built"

STRICT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""For the page: no inline script or style, no HTML made of text. `data:` is the icon in the tab, which shows progress."""
PLAIN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI writes styles inline; scripts only ever come from files of ours."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""For files with a hash in their name (RFC 8246)."""


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
    if _wants_page(request):
        return page(request)
    links = {"openapi": "/openapi.json", "docs": "/docs", "health": "/health", "initiate": "/v1/download/initiate"}
    return answer(Root(name="haulage", version=product_version(), links=links), headers={"Vary": "Accept"})


async def job_page(request: Request) -> Response:
    """The same page: which job it shows is in its address."""
    if _wants_page(request):
        return page(request)
    raise HTTPException(404)


def page(request: Request, built: Path = BUILT) -> Response:
    """The page, or where it was not built a plain one that says so."""
    try:
        text = (built / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return _plain(request, "index.html", {"Vary": "Accept"})
    headers = {"Content-Security-Policy": STRICT_POLICY, "Cache-Control": "no-cache", "Vary": "Accept"}
    return HTMLResponse(text, headers=headers)


class Assets(StaticFiles):
    """Files of the built page. Each has a hash in its name, so nobody need ask for it twice."""

    def __init__(self, built: Path = BUILT) -> None:
        super().__init__(directory=built / "assets", check_dir=False)

    async def check_config(self) -> None:
        """The folder may be missing: then there are no files."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            response.headers["Cache-Control"] = IMMUTABLE
        return response


async def docs(request: Request) -> Response:
    """The API to read and to try."""
    return _plain(request, "docs.html", {})


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _plain(request: Request, name: str, headers: dict[str, str]) -> Response:
    text = (PAGES / name).read_text(encoding="utf-8")
    text = text.replace("{{version}}", product_version()).replace("{{address}}", escape(str(request.base_url)[:-1]))
    return HTMLResponse(text, headers={"Content-Security-Policy": PLAIN_POLICY, **headers})
