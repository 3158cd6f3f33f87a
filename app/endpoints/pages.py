"""Pages for people: the web page, and the API reference. Nothing on them comes from another host.

Both are built from `frontend/` by `make setup`. If they are not built, a plain page says so, and everything else works.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from html import escape
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.context import context, json_response
from app.public_address import PublicAddress
from app.schemas import Root

PAGES = Path(__file__).parent.parent / "pages"
BUILT = PAGES / "built"

STRICT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No inline scripts or styles, no HTML from strings. `data:` is the tab icon, which shows progress."""
WORKER_TYPES = "haulage-uploads"
"""The one policy of trusted types that the web page may create: for the address of the worker that computes checksums."""
PLAIN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For the API reference: Swagger UI sets inline styles. Scripts come from the gateway's own files only."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""For files with a hash in their name (RFC 8246)."""


@cache
def product_version() -> str:
    return version("haulage")


async def root(request: Request) -> Response:
    """The web page for a browser, a few facts for any other client."""
    if _wants_page(request):
        return _front(request)
    paths = {"openapi": "/openapi.json", "docs": "/docs", "health": "/health", "initiate": "/v1/download/initiate"}
    links = {name: context(request).address.root + path for name, path in paths.items()}
    return json_response(Root(name="haulage", version=product_version(), links=links), headers={"Vary": "Accept"})


async def view(request: Request) -> Response:
    """The same web page at another address, by which it knows what to show."""
    if _wants_page(request):
        return _front(request)
    raise HTTPException(404)


async def operations(request: Request) -> Response:
    """The operators' page at each of its addresses. What it shows, it gets by requests of its own, as its reader."""
    if _wants_page(request):
        return operators_page(request, context(request).address)
    raise HTTPException(404)


async def docs(request: Request) -> Response:
    """The API reference, in which requests can be tried."""
    return reference(request, context(request).address)


async def sign_in_page(request: Request) -> Response:
    """Signs in with the one-time link that leads here. Its secret comes after `#`, so it is in no log and no `Referer`."""
    return _html(
        request, context(request).address, PAGES / "sign-in.html", STRICT_POLICY, {"Cache-Control": "no-store"}
    )


def page(
    request: Request,
    address: PublicAddress,
    job_retention: float,
    store: str,
    upload_visibility: str,
    built: Path = BUILT,
) -> Response:
    """The web page, or a plain one if it is not built.

    It says for how many seconds a job is kept after its end, and who may read uploaded files by default. `store`: the
    origin to which it may send the parts of uploads, and from which it may load images, videos and texts.
    """
    values = {"job_retention": f"{job_retention:.0f}", "upload_visibility": upload_visibility}
    policy = STRICT_POLICY.replace("connect-src 'self'", f"connect-src 'self' {store}; media-src 'self' {store}")
    policy = policy.replace("img-src 'self'", f"img-src 'self' {store}")
    policy = policy.replace("trusted-types 'none'", f"trusted-types {WORKER_TYPES}")
    return _html(request, address, built / "index.html", policy, {"Vary": "Accept"}, values)


def operators_page(request: Request, address: PublicAddress, built: Path = BUILT) -> Response:
    """The operators' page, or a plain one if it is not built. It needs the gateway alone, and no store."""
    return _html(request, address, built / "operator.html", STRICT_POLICY, {"Vary": "Accept"})


def reference(request: Request, address: PublicAddress, built: Path = BUILT) -> Response:
    """Swagger UI, or a plain page if it is not built."""
    return _html(request, address, built / "docs.html", PLAIN_POLICY, {})


class Assets(StaticFiles):
    """Files of the built pages. Each has a hash in its name, so clients can cache it forever."""

    def __init__(self, built: Path = BUILT) -> None:
        super().__init__(directory=built / "assets", check_dir=False)

    async def check_config(self) -> None:
        """Allows a missing directory, which has no files."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            response.headers["Cache-Control"] = IMMUTABLE
        return response


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _front(request: Request) -> Response:
    it = context(request)
    services = it.services
    settings, store = services.settings, services.storage.part_signer.origin
    return page(request, it.address, settings.job_retention, store, settings.upload_visibility)


def _html(
    request: Request,
    address: PublicAddress,
    path: Path,
    policy: str,
    headers: dict[str, str],
    values: Mapping[str, str] | None = None,
) -> Response:
    """A page. Attributes with a path (`href="/docs"`) get the root path in front, and `{{name}}` becomes the value."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = (PAGES / "index.html").read_text(encoding="utf-8")
    text = text.replace('="/', f'="{address.root}/')
    values = {
        "version": product_version(),
        "address": address.url or str(request.base_url)[:-1],
        **(values or {}),
    }
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", escape(value))
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache", **headers}
    return HTMLResponse(text, headers=headers)
