"""WebSockets (RFC 6455): the changes of one job, or of the jobs that the client names while it is connected.

A connection is always accepted first, and then closed with a code that says why: a handshake that is refused has an HTTP
status, which a page can't read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

import structlog
from pydantic import Field, TypeAdapter, ValidationError
from starlette.types import Receive
from starlette.websockets import WebSocket

from app.access.credentials import Credential, CredentialKind
from app.access.guard import check_rule, principal_of
from app.access.principals import Principal, Scope
from app.access.rules import FOLLOW_FLEET, FOLLOW_JOB, FOLLOW_JOBS
from app.client_counts import client_address
from app.close_codes import CloseCode
from app.context import Context, holder_of
from app.following.background import BackgroundTasks
from app.following.connections import SocketConnection, transport_of
from app.following.hub import CONCURRENT_READS, Hub
from app.following.topics import Follower
from app.problems import Forbidden, UnsupportedSubprotocol, close_code_of
from app.request_bodies import FollowJobs, Reauth, UnfollowJobs, Watch
from app.requests import MAX_SEQ, query_int, summary, uuid_of
from app.validation import problems_of
from jobs.concurrency import map_limited
from jobs.engine.order import Order, requested_since
from jobs.errors import DatabaseUnavailable, HaulageError, InvalidRequest, JobNotFound

log = structlog.get_logger()

SUBPROTOCOL = "haulage.v1"
MAX_JOBS = 100
"""Jobs that one connection may follow at once."""
MAX_PENDING = 4
"""Messages of one client whose jobs are being read at once; the next one has to wait."""
_ONE_JOB = "This address follows one job, and accepts no messages but `reauth`."
MAX_FAULTS = 10
"""Invalid messages after which the connection is closed."""

ONE_RULE, MANY_RULE = FOLLOW_JOB, FOLLOW_JOBS

_MESSAGE: TypeAdapter[FollowJobs | UnfollowJobs | Watch | Reauth] = TypeAdapter(
    Annotated[FollowJobs | UnfollowJobs | Watch | Reauth, Field(discriminator="type")]
)


async def one(socket: WebSocket) -> None:
    """Sends the changes of one job after `since`, until it has ended."""
    await _Session(socket).serve(many=False)


async def many(socket: WebSocket) -> None:
    """Sends the changes of the jobs that the client names in `follow` messages, until it disconnects."""
    await _Session(socket).serve(many=True)


class _Session:
    """One connection."""

    def __init__(self, socket: WebSocket) -> None:
        context: Context = socket.app.state.context
        self._context = context
        self._socket = socket
        self._hub: Hub = context.hub
        self._guard = context.guard
        self._address = context.address
        self._pending = BackgroundTasks()
        self._faults = 0

    async def serve(self, *, many: bool) -> None:
        socket, hub = self._socket, self._hub
        offered = socket.scope["subprotocols"]
        chosen = SUBPROTOCOL if SUBPROTOCOL in offered else next(iter(offered), None)
        await socket.accept(subprotocol=chosen)  # a browser accepts only one that it offered
        try:
            self._check_handshake()
            wanted = {} if many else self._wanted()
            transport = transport_of(socket.scope["state"]["send"])
            connection = SocketConnection(transport, socket.send, hub.mark_slow, many=many)
            await self._guard.admit(socket, MANY_RULE if many else ONE_RULE)
            hub.connect(connection, holder_of(socket, self._context), principal_of(socket))
        except HaulageError as error:
            code = close_code_of(error)
            return await socket.close(code.code, code.reason)
        try:
            if wanted:
                await self._send_snapshots(connection, hub.follow(connection, wanted))
        except BaseException:
            hub.disconnect(connection)
            raise
        socket.scope["state"]["continuation"] = partial(self._listen, connection, many)
        return None

    def _check_handshake(self) -> None:
        """Checks host, origin and subprotocol. Raises `WrongHost`, `ForbiddenOrigin`, `UnsupportedSubprotocol`."""
        headers = dict(self._socket.scope["headers"])
        self._address.check_host(headers)
        self._address.check_origin(headers)
        offered = self._socket.scope["subprotocols"]
        if offered and SUBPROTOCOL not in offered:
            raise UnsupportedSubprotocol(f"Only the subprotocol {SUBPROTOCOL} is supported.")

    def _wanted(self) -> dict[UUID, Order]:
        """The job of the address, with the client's position. Raises `InvalidRequest`."""
        job_id = uuid_of(self._socket.path_params["jobId"])
        return {job_id: requested_since(query_int(self._socket, "since", 0, 0, MAX_SEQ))}

    async def _send_snapshots(self, connection: SocketConnection, followers: Sequence[Follower]) -> None:
        """Brings the follower of one job up to date, or closes its connection."""
        try:
            self._hub.send_snapshots(await self._hub.read_snapshots(followers))
        except Exception as error:
            if not isinstance(error, HaulageError):
                log.exception("socket_failed")
            self._hub.close(connection, close_code_of(error))

    async def _listen(self, connection: SocketConnection, many: bool, receive: Receive) -> None:
        """Handles the client's messages until the connection is closed."""
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                await self._handle(connection, message.get("text") or "", many=many)
        finally:
            await self._pending.cancel()
            self._hub.disconnect(connection)

    async def _handle(self, connection: SocketConnection, text: str, *, many: bool) -> None:
        """Handles a message. The jobs of a `follow` are read in the background, while more messages are handled."""
        try:
            message = _MESSAGE.validate_json(text.removeprefix("\ufeff"))  # a byte order mark (RFC 8259, section 8.1)
        except ValidationError as error:
            text = summary("message", problems_of(error, "message", tagged=True)) if many else _ONE_JOB
            return await self._send_error(connection, text)
        if isinstance(message, Reauth):
            return await self._renew(connection, message)
        if not many:
            return await self._send_error(connection, _ONE_JOB)
        if isinstance(message, FollowJobs):
            await self._follow(connection, message)
        elif isinstance(message, Watch):
            await self._watch(connection, message)
        else:
            for job_id in message.jobs:
                self._hub.unfollow(connection, job_id)
        return None

    async def _follow(self, connection: SocketConnection, message: FollowJobs) -> None:
        wanted: Mapping[UUID, Order] = {job.job_id: requested_since(job.since) for job in message.jobs}
        if len(wanted.keys() | set(self._hub.followed_by(connection))) > MAX_JOBS:
            text = f"A connection may follow up to {MAX_JOBS} jobs at once. None of this message is followed."
            return await self._send_error(connection, text, "too_many_jobs")
        await self._pending.wait_until_below(MAX_PENDING)
        followers = self._hub.follow(connection, wanted)  # in the order of messages: the next one may unfollow some
        self._pending.spawn(self._catch_up(connection, followers))
        return None

    async def _watch(self, connection: SocketConnection, message: Watch) -> None:
        """Follows the overview of the fleet, or stops following it."""
        overview = self._hub.overview
        if message.type == "unwatch":
            return overview.unfollow(connection)
        try:
            check_rule(self._hub.principal_of(connection), FOLLOW_FLEET)
        except Forbidden as error:
            return await self._send_error(connection, error.message, error.code)
        await self._pending.wait_until_below(MAX_PENDING)
        self._pending.spawn(self._begin_to_watch(connection))
        return None

    async def _begin_to_watch(self, connection: SocketConnection) -> None:
        try:
            first = await self._hub.overview.first()
        except DatabaseUnavailable as error:
            await connection.send_error(error.code, error.message)
        except Exception:
            log.exception("socket_failed")
            self._hub.close(connection, CloseCode.INTERNAL)
        else:
            self._hub.overview.follow(connection, first)

    async def _renew(self, connection: SocketConnection, message: Reauth) -> None:
        """Goes on with a new token of the same user. An invalid one changes nothing: the old one goes on."""
        authenticator = self._guard.authenticator
        if authenticator.is_open:
            return None
        try:
            credential = Credential(CredentialKind.BEARER, message.token.encode())
            principal = await authenticator.verify(credential, client_address(self._socket.scope))
            if principal.owner != self._hub.principal_of(connection).owner or Scope.JOBS_READ not in principal.scopes:
                raise Forbidden("This token is of another user, or lacks the scope jobs:read.")
        except HaulageError as error:
            return await self._send_error(connection, error.message, error.code)
        before = self._hub.principal_of(connection)
        self._hub.renew(connection, principal)
        if principal.role != before.role:
            await self._check_followed(connection, principal)
        return None

    async def _check_followed(self, connection: SocketConnection, principal: Principal) -> None:
        """Ends what the principal, whose role has changed, may not follow any more."""
        if connection in self._hub.overview:
            try:
                check_rule(principal, FOLLOW_FLEET)
            except Forbidden as error:
                self._hub.overview.unfollow(connection)
                await connection.send_error(error.code, error.message)
        for job_id in list(self._hub.followed_by(connection)):
            try:
                await self._guard.check_job(principal, job_id)
            except (JobNotFound, DatabaseUnavailable) as error:
                self._hub.unfollow(connection, job_id)
                await connection.send_error(error.code, error.message, str(job_id))
                if connection.closes_with_last_job:
                    self._hub.close(connection, close_code_of(error))

    async def _catch_up(self, connection: SocketConnection, followers: Sequence[Follower]) -> None:
        """Brings followers of many jobs up to date, each as soon as its job has been read."""

        async def catch_up(follower: Follower) -> None:
            try:
                self._hub.send_snapshots(await self._hub.read_snapshots([follower]))
            except (JobNotFound, DatabaseUnavailable) as error:
                await connection.send_error(error.code, error.message, str(follower.topic.job_id))

        try:
            await map_limited(catch_up, followers, CONCURRENT_READS)
        except Exception:
            log.exception("socket_failed")
            self._hub.close(connection, CloseCode.INTERNAL)

    async def _send_error(self, connection: SocketConnection, message: str, error: str = InvalidRequest.code) -> None:
        """Sends an error message, and waits until there is room for it: so a client can't make them pile up."""
        await connection.send_error(error, message)
        self._faults += 1
        if self._faults >= MAX_FAULTS:
            self._hub.close(connection, CloseCode.BAD_REQUEST)
