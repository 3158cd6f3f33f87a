"""Server-sent events (WHATWG HTML, section 9.2): the changes of one job, or of up to fifty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.close_codes import Closing
from app.context import context
from app.following import Following
from app.following.connections import StreamOutlet, transport_of
from app.following.frames import opening, retry_after
from app.middleware import Answer
from app.requests import MAX_SEQ, Reading, path_job_id, query_int, query_jobs
from jobs.engine.order import Order, requested_since
from jobs.errors import DatabaseUnavailable, HaulageError

log = structlog.get_logger()

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "no-cache, no-transform",  # a proxy that compresses would hold events back
    "X-Accel-Buffering": "no",  # nor shall nginx
}
RETRY = 2.0
"""Seconds after which a browser comes back when the connection breaks."""

_EVENT_ID = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})", re.ASCII)


async def one(request: Request) -> Response:
    """The job's changes after `Last-Event-ID` or else `since`, until it has ended."""
    with Reading(request) as reading:
        job_id = reading(path_job_id)
        since = reading(query_int, "since", 0, 0, MAX_SEQ)
    return _stream(request, {job_id: _last_event(request) or requested_since(since)}, many=False)


async def many(request: Request) -> Response:
    """The changes of several jobs, each after the `seq` that the client has of it, until all have ended."""
    with Reading(request) as reading:
        wanted = reading(query_jobs)
    return _stream(request, {job_id: requested_since(since) for job_id, since in wanted.items()}, many=True)


def _stream(request: Request, wanted: Mapping[UUID, Order], *, many: bool) -> Response:
    if request.method == "HEAD":
        return Response(None, headers=HEADERS, media_type=MEDIA_TYPE)
    return EventStream(context(request).following, request.state.answer, wanted, many=many)


def _last_event(request: Request) -> Order | None:
    """The id of the last event that a browser had. One that is none of ours tells nothing: it is not the user's fault."""
    found = _EVENT_ID.fullmatch(request.headers.get("last-event-id", ""))
    return None if found is None else (int(found[1]), int(found[2]))


class EventStream(Response):
    """Sends events until the jobs have ended or the client has gone.

    Only what the client can't mend is an error status, which ends an `EventSource` for good: an unknown job is 404. When
    there are too many connections, or no database, it gets an empty stream that tells it when to come back.
    """

    media_type = MEDIA_TYPE

    def __init__(self, following: Following, answer: Answer, wanted: Mapping[UUID, Order], *, many: bool) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._following = following
        self._answer = answer
        self._wanted = wanted
        self._many = many

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope["client"][0] if scope["client"] else ""
        following = self._following
        refusal = following.admission.refusal(client)
        if refusal is not None:
            await self._send_away(send, refusal)
            return
        raw = self._answer.stream()
        outlet = StreamOutlet(transport_of(raw), raw, following.lags, many=self._many)
        following.connect(outlet, client)
        try:
            await self._begin_or_send_away(outlet, scope, receive, send)
        except BaseException:
            following.disconnect(outlet)
            raise
        scope["state"]["rest"] = partial(_until_the_end, following, outlet)

    async def _begin_or_send_away(self, outlet: StreamOutlet, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._begin(outlet, scope, receive, send)
        except DatabaseUnavailable:
            await self._send_away(send, Closing.UNAVAILABLE)
        except HaulageError:
            raise  # it is answered as a problem
        except Exception:
            log.exception("stream_broke", path=scope["path"])
            if outlet.has_begun:
                self._following.close(outlet, Closing.INTERNAL)
            else:
                await self._send_away(send, Closing.INTERNAL)

    async def _begin(self, outlet: StreamOutlet, scope: Scope, receive: Receive, send: Send) -> None:
        found = await self._following.begin(outlet, self._wanted)
        [(first, frame), *_] = found
        if not self._many and frame.final and frame.order[0] == first.order[0]:
            return await Response(None, 204)(scope, receive, send)  # the client has it all: it need not come back
        if outlet.closing is not None:
            return await self._send_away(send, outlet.closing)
        outlet.has_begun = True
        await self._open(send)
        await send({"type": "http.response.body", "body": opening(RETRY), "more_body": True})
        return self._following.answer(found)

    async def _open(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

    async def _send_away(self, send: Send, closing: Closing) -> None:
        await self._open(send)
        body = retry_after(closing.pause())
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def _until_the_end(following: Following, outlet: StreamOutlet, receive: Receive) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        following.disconnect(outlet)
