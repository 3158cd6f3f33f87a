"""Polls of jobs that are followed, answered before they are routed.

Performance: without this module a poll takes 41 µs of CPU above uvicorn instead of 17 µs (decision 8).
"""

from __future__ import annotations

from uuid import UUID

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from app.context import Context
from app.endpoints.jobs import status_response
from app.schemas import JobStatus

PREFIX = "/v1/download/job/"
_LENGTH = len(PREFIX) + 36


class PollMiddleware:
    """Gives the response of `app.endpoints.jobs.status` to a plain poll, if the job's status is cached.

    It is the innermost layer: log, host check, CORS and whatever checks the rights of a caller come before it. A page that
    polls would drown everything else in the log, so these requests are logged at level debug.
    """

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers: dict[bytes, bytes] = dict(scope["headers"])
            status = self._cached(scope, headers)
            if status is not None:
                scope["state"]["quiet"] = True
                seen = headers.get(b"if-none-match")
                response = status_response(status, None if seen is None else seen.decode("latin-1"), {})
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _cached(self, scope: Scope, headers: dict[bytes, bytes]) -> JobStatus | None:
        path: str = scope["path"]
        if len(path) != _LENGTH or scope["query_string"] or scope["method"] != "GET" or not path.startswith(PREFIX):
            return None
        if b"prefer" in headers or b"cache-control" in headers:
            return None
        try:
            job_id = UUID(path[len(PREFIX) :])
        except ValueError:
            return None
        if str(job_id) != path[len(PREFIX) :]:
            return None
        context: Context = self._app.state.context
        return context.hub.polling.cached(job_id)
