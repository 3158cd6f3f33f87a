"""What endpoints work with, from their request."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.diagnosis_limits import DiagnosisLimits
from app.following.hub import Hub
from app.public_address import PublicAddress
from jobs.bundles.result_links import ResultLinks
from jobs.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Opened when the gateway starts, and closed when it stops."""

    services: Services
    hub: Hub
    result_links: ResultLinks
    address: PublicAddress
    diagnosis_limits: DiagnosisLimits


def context(request: Request) -> Context:
    """The context of the gateway that serves the request."""
    found: Context = request.app.state.context
    return found


def json_response(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A model as a JSON response."""
    return Response(model.model_dump_json(), status, headers, "application/json")
