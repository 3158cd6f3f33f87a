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

from app.access.guard import principal_of
from app.access.principals import Principal
from app.close_codes import CloseCode
from app.context import context, holder_of
from app.following.connection_limits import Holder
from app.following.connections import StreamConnection, transport_of
from app.following.frames import retry_field, stream_start
from app.following.hub import Hub
from app.middleware import ResponseSender
from app.problems import close_code_of
from app.requests import MAX_SEQ, RequestReader, path_job_id, query_int, query_jobs
from jobs.engine.order import Order, requested_since
from jobs.errors import HaulageError

log = structlog.get_logger()

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "no-cache, no-transform",  # a proxy that compresses would hold events back
    "X-Accel-Buffering": "no",  # as would nginx
}
RETRY = 2.0
"""Seconds after which a browser reconnects when the connection breaks."""

_EVENT_ID = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})", re.ASCII)


async def one(request: Request) -> Response:
    """Streams the job's changes after `Last-Event-ID`, or else after `since`, until it has ended."""
    with RequestReader(request) as read:
        job_id = read(path_job_id)
        since = read(query_int, "since", 0, 0, MAX_SEQ)
    return _stream(request, {job_id: _last_event(request) or requested_since(since)}, many=False)


async def many(request: Request) -> Response:
    """Streams the changes of several jobs, each after the client's `seq`, until all have ended."""
    with RequestReader(request) as read:
        wanted = read(query_jobs)
    return _stream(request, {job_id: requested_since(since) for job_id, since in wanted.items()}, many=True)


async def overview(request: Request) -> Response:
    """Streams the overview of the fleet, until the client disconnects."""
    if request.method == "HEAD":
        return Response(None, headers=HEADERS, media_type=MEDIA_TYPE)
    it = context(request)
    return OverviewStream(it.hub, request.state.response, holder_of(request, it), principal_of(request), {}, many=True)


def _stream(request: Request, wanted: Mapping[UUID, Order], *, many: bool) -> Response:
    if request.method == "HEAD":
        return Response(None, headers=HEADERS, media_type=MEDIA_TYPE)
    it = context(request)
    return EventStream(it.hub, request.state.response, holder_of(request, it), principal_of(request), wanted, many=many)


def _last_event(request: Request) -> Order | None:
    """The last event that the browser received. An id of any other form is ignored: the user could not correct it."""
    found = _EVENT_ID.fullmatch(request.headers.get("last-event-id", ""))
    return None if found is None else (int(found[1]), int(found[2]))


class EventStream(Response):
    """Sends events until the jobs have ended or the client has disconnected.

    Only an error that the client must correct is an error status, which stops an `EventSource` permanently: an unknown job
    is 404. For all others, such as too many connections, the stream is empty but for the time after which to reconnect.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self,
        hub: Hub,
        response: ResponseSender,
        holder: Holder,
        principal: Principal,
        wanted: Mapping[UUID, Order],
        *,
        many: bool,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._response = response
        self._holder = holder
        self._principal = principal
        self._wanted = wanted
        self._many = many

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hub, raw = self._hub, self._response.without_deadline()
        connection = StreamConnection(transport_of(raw), raw, hub.mark_slow, many=self._many)
        try:
            hub.connect(connection, self._holder, self._principal)
        except HaulageError as error:
            code = close_code_of(error)
            if code.retry is None:
                raise  # it becomes a problem
            return await self._send_retry(send, code)
        try:
            await self._begin(connection, scope, receive, send)
        except BaseException:
            hub.disconnect(connection)
            raise
        scope["state"]["continuation"] = partial(_until_disconnect, hub, connection)
        return None

    async def _begin(self, connection: StreamConnection, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            snapshots = await self._hub.read_snapshots(self._hub.follow(connection, self._wanted))
        except Exception as error:
            if not isinstance(error, HaulageError):
                log.exception("stream_failed", path=scope["path"])
            code = close_code_of(error)
            if code.retry is None:
                raise  # it becomes a problem
            return await self._send_retry(send, code)
        [(first, frame), *_] = snapshots
        if not self._many and frame.final and frame.order[0] == first.order[0]:
            return await Response(None, 204)(scope, receive, send)  # the client has the end: it need not reconnect
        if await self._open(connection, send):
            self._hub.send_snapshots(snapshots)
        return None

    async def _open(self, connection: StreamConnection, send: Send) -> bool:
        """Begins the stream. Returns False if the connection is being closed: then the client gets a `retry`."""
        if connection.close_code is not None:
            await self._send_retry(send, connection.close_code)
            return False
        connection.has_begun = True
        await self._send_start(send)
        await send({"type": "http.response.body", "body": stream_start(RETRY), "more_body": True})
        return True

    async def _send_start(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

    async def _send_retry(self, send: Send, code: CloseCode) -> None:
        """Sends an empty stream that says when to reconnect."""
        await self._send_start(send)
        await send({"type": "http.response.body", "body": retry_field(code.retry_delay()), "more_body": False})


class OverviewStream(EventStream):
    """Sends the overview of the fleet until the client has disconnected."""

    async def _begin(self, connection: StreamConnection, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        try:
            first = await self._hub.overview.first()
        except Exception as error:
            if not isinstance(error, HaulageError):
                log.exception("stream_failed", path=scope["path"])
            return await self._send_retry(send, close_code_of(error))
        if await self._open(connection, send):
            self._hub.overview.follow(connection, first)
        return None


async def _until_disconnect(hub: Hub, connection: StreamConnection, receive: Receive) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        hub.disconnect(connection)
