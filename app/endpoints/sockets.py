"""WebSockets (RFC 6455): the changes of one job, or of those that the client names as it goes along.

A connection is always accepted first and then closed with a code that says why: a refusal before that is an HTTP status,
which a page can't read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from pydantic import TypeAdapter, ValidationError
from starlette.types import Receive
from starlette.websockets import WebSocket

from app.close_codes import Closing
from app.context import Context
from app.following import Following
from app.following.background import Background
from app.following.connections import SocketOutlet, transport_of
from app.following.hub import READS
from app.following.topics import Follow
from app.middleware import check_host
from app.problems import WrongHost
from app.requests import MAX_SEQ, described, query_int, uuid_of
from app.schemas import FollowJobs, UnfollowJobs
from jobs.concurrency import map_limited
from jobs.engine.order import Order, requested_since
from jobs.errors import DatabaseUnavailable, InvalidRequest, JobNotFound
from jobs.settings import Settings

log = structlog.get_logger()

SUBPROTOCOL = "haulage.v1"
MAX_JOBS = 100
"""Jobs that one connection follows at once."""
MAX_ASKED = 4
"""Messages of one client whose jobs are being read at once; the next one has to wait."""
MAX_FAULTS = 10
"""Messages that can't be followed before the connection is closed."""

_MESSAGE: TypeAdapter[FollowJobs | UnfollowJobs] = TypeAdapter(FollowJobs | UnfollowJobs)


async def one(socket: WebSocket) -> None:
    """The changes of one job after `since`, until it has ended."""
    await _Session(socket).serve(many=False)


async def many(socket: WebSocket) -> None:
    """The changes of the jobs that the client asks for with `follow`, until it leaves."""
    await _Session(socket).serve(many=True)


class _Refused(Exception):
    """The connection is not to be kept."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing


class _Session:
    """One connection."""

    def __init__(self, socket: WebSocket) -> None:
        context: Context = socket.app.state.context
        self._socket = socket
        self._following: Following = context.following
        self._settings: Settings = context.services.settings
        self._asked = Background()
        self._faults = 0

    async def serve(self, *, many: bool) -> None:
        socket = self._socket
        offered = socket.scope["subprotocols"]
        chosen = SUBPROTOCOL if SUBPROTOCOL in offered else next(iter(offered), None)
        await socket.accept(subprotocol=chosen)  # a browser takes none but one that it offered
        client = socket.client.host if socket.client else ""
        try:
            wanted = self._checked(many=many)
            self._admit(client)
        except _Refused as error:
            return await socket.close(error.closing.code, error.closing.reason)
        outlet = SocketOutlet(transport_of(socket.scope["state"]["send"]), socket.send, self._following.lags, many=many)
        self._following.connect(outlet, client)
        try:
            if wanted:
                await self._follow_one(outlet, wanted)
        except BaseException:
            self._following.disconnect(outlet)
            raise
        socket.scope["state"]["rest"] = partial(self._listen, outlet, many)
        return None

    def _admit(self, client: str) -> None:
        refusal = self._following.admission.refusal(client)
        if refusal is not None:
            raise _Refused(refusal)

    def _checked(self, *, many: bool) -> dict[UUID, Order]:
        """What the address asks for. Raises `_Refused`."""
        self._check_origin()
        offered = self._socket.scope["subprotocols"]
        if offered and SUBPROTOCOL not in offered:
            raise _Refused(Closing.BAD_SUBPROTOCOL)
        if many:
            return {}
        try:
            job_id = uuid_of(self._socket.path_params["jobId"])
            return {job_id: requested_since(query_int(self._socket, "since", 0, 0, MAX_SEQ))}
        except InvalidRequest as error:
            raise _Refused(Closing.BAD_REQUEST) from error

    def _check_origin(self) -> None:
        """Pages of other sites may not read: browsers ask nobody before they connect (RFC 6455, section 10.2)."""
        headers = self._socket.headers
        try:
            check_host(dict(self._socket.scope["headers"]), {host.lower() for host in self._settings.allowed_hosts})
        except WrongHost as error:
            raise _Refused(Closing.WRONG_HOST) from error
        origin = headers.get("origin")
        allowed = self._settings.cors_origins
        if origin is None or origin in allowed or "*" in allowed:
            return
        try:
            own = urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
        except ValueError:  # not even an address
            own = False
        if not own:
            raise _Refused(Closing.FORBIDDEN)

    async def _follow_one(self, outlet: SocketOutlet, wanted: Mapping[UUID, Order]) -> None:
        try:
            self._following.answer(await self._following.begin(outlet, wanted))
        except JobNotFound:
            self._following.close(outlet, Closing.NOT_FOUND)
        except DatabaseUnavailable:
            self._following.close(outlet, Closing.UNAVAILABLE)
        except Exception:
            log.exception("socket_broke")
            self._following.close(outlet, Closing.INTERNAL)

    async def _listen(self, outlet: SocketOutlet, many: bool, receive: Receive) -> None:
        """Does what the client says until it, or we, have closed."""
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                if many:
                    await self._do(outlet, message.get("text") or b"")
                else:
                    await self._complain(outlet, "This address follows one job: there is nothing to say here.")
        finally:
            await self._asked.end()
            self._following.disconnect(outlet)

    async def _do(self, outlet: SocketOutlet, text: str | bytes) -> None:
        try:
            said = _MESSAGE.validate_json(text)
        except ValidationError as error:
            return await self._complain(outlet, described(error))
        if isinstance(said, UnfollowJobs):
            for job_id in said.jobs:
                self._following.unfollow(outlet, job_id)
            return None
        return await self._follow(outlet, {job.job_id: requested_since(job.since) for job in said.jobs})

    async def _follow(self, outlet: SocketOutlet, wanted: Mapping[UUID, Order]) -> None:
        if len(wanted.keys() | outlet.follows.keys()) > MAX_JOBS:
            said = f"One connection follows at most {MAX_JOBS} jobs at once. None of this message is followed."
            return await self._complain(outlet, said, "too_many_jobs")
        await self._asked.room(MAX_ASKED)
        follows = self._following.start(outlet, wanted)  # in the order of the messages: the next may take some back
        self._asked.spawn(self._catch_up(outlet, follows))
        return None

    async def _catch_up(self, outlet: SocketOutlet, follows: Sequence[Follow]) -> None:
        """Reads the jobs beside what the client says next."""
        try:
            await map_limited(partial(self._catch_up_one, outlet), follows, READS)
        except Exception:
            log.exception("socket_broke")
            self._following.close(outlet, Closing.INTERNAL)

    async def _catch_up_one(self, outlet: SocketOutlet, follow: Follow) -> None:
        try:
            await self._following.catch_up(follow)
        except (JobNotFound, DatabaseUnavailable) as error:
            await outlet.complain(error.code, error.message, str(follow.topic.job_id))

    async def _complain(self, outlet: SocketOutlet, message: str, error: str = InvalidRequest.code) -> None:
        """The client is not heard before it has taken this: else it could have more and more of them written."""
        await outlet.complain(error, message)
        self._faults += 1
        if self._faults >= MAX_FAULTS:
            self._following.close(outlet, Closing.BAD_REQUEST)
