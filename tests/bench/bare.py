"""What the gateway is compared with: Starlette routes that do next to nothing, on the gateway's server settings."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.server import run
from jobs.settings import Settings


def serve(settings: Settings, document: bytes) -> None:
    """Answers GET `/json` with the document, POST `/noop` with 202 after reading the body, until SIGTERM."""
    content = json.loads(document)

    async def answer(request: Request) -> Response:
        del request
        return JSONResponse(content)

    async def noop(request: Request) -> Response:
        await request.body()
        return JSONResponse({}, 202)

    app = Starlette(routes=[Route("/json", answer), Route("/noop", noop, methods=["POST"])])
    run(app, settings)
