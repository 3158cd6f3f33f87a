"""What an endpoint works with, from its request."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.following import Following
from jobs.bundles.result_links import ResultLinks
from jobs.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Opened at the gateway's start, closed at its end."""

    services: Services
    following: Following
    result_links: ResultLinks


def context(request: Request) -> Context:
    """The gateway's own."""
    found: Context = request.app.state.context
    return found


def answer(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A model as JSON."""
    return Response(model.model_dump_json(), status, headers, "application/json")
