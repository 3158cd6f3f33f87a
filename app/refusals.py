"""Responses to what reaches no application: refused connections, requests and WebSocket handshakes."""

from __future__ import annotations

from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from app.middleware import CONTENT_SECURITY_POLICY, common_headers
from app.problems import problem
from jobs.settings import GatewaySettings


def refusal(error: Exception, method: str, target: str, settings: GatewaySettings) -> Response:
    """The problem that stands for the error, with the headers of all responses. The connection is closed after it."""
    request_id = str(uuid4())
    scope = {"type": "http", "method": method, "path": target.partition("?")[0], "state": {"request_id": request_id}}
    response = problem(Request(scope), error)
    common = [*common_headers(settings), CONTENT_SECURITY_POLICY, (b"x-request-id", request_id.encode())]
    response.raw_headers = [
        *((name, value) for name, value in response.raw_headers if name != b"connection"),
        *common,
        (b"connection", b"close"),
    ]
    return response
