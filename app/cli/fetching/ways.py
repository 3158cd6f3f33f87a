"""The ways to follow a job: each is one connection and what comes in over it (docs/protocol.md)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from http import HTTPStatus
from random import Random
from uuid import UUID

import urllib3
from pydantic import BaseModel, ValidationError
from urllib3.exceptions import HTTPError, ReadTimeoutError
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import Close
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.cli.client import Api, problem_of, retry_after
from app.cli.errors import Refused
from app.cli.eventstreams import StreamParser
from app.close_codes import Closing
from app.schemas import JobStatus
from jobs.engine.events import Event, EventType
from jobs.engine.order import Verdict, judge, requested_since

SUBPROTOCOL = Subprotocol("haulage.v1")
SILENCE = 20.0
"""Seconds in which an open connection has to say something, if only that it is there."""
NOT_FOUND = Closing.NOT_FOUND.code
PAUSES = {closing.code: closing.retry for closing in Closing if closing.retry is not None}
"""Seconds (from, to) after which to come back, by close code."""
BARRED = frozenset(closing.code for closing in Closing) - PAUSES.keys() - {Closing.DONE.code, NOT_FOUND}
"""Close codes after which nobody comes back by this way."""

_PAUSE = (0.5, 1.5)
"""The same for a connection that broke, or could not be made."""
_LONGEST_PAUSE = 60.0
_RANDOM = Random()  # noqa: S311 - no secret: it spreads moments
_LARGEST = 1 << 25
"""Bytes of a message: one with 1,000 long file names is far smaller."""
_FAREWELL = 1.0
"""Seconds that the server has to close its side."""
_CHUNK = 1 << 16
_WAIT = 20
"""Seconds of one long-poll."""
_LEAST_INTERVAL = 0.2
"""Seconds between two questions: ten changes a second are more than an eye needs."""
_FULL = frozenset(EventType) - {EventType.PROGRESS, EventType.RETRYING, EventType.GONE}
"""Messages that carry the whole status."""


Messages = Generator[Event, None, None]


class Lost(Exception):
    """The connection broke, or could not be made. `pauses`: seconds (from, to) after which to come back."""

    def __init__(self, reason: str, pauses: tuple[float, float] = _PAUSE) -> None:
        super().__init__(reason)
        self._pauses = pauses

    def pause(self) -> float:
        """Seconds, jittered: many may have been lost at once."""
        return _RANDOM.uniform(*self._pauses)


class Barred(Exception):
    """Nothing comes through by this way, however often it is tried."""


class Place:
    """How far a client is in its job. Servers and clients go by one rule, `jobs.engine.order.judge`."""

    def __init__(self) -> None:
        self._have = requested_since(0)
        self._asked: int | None = None

    def ask(self) -> int:
        """The `seq` after which to ask for all that has changed."""
        self._asked = self._have[0]
        return self._asked

    def judge(self, event: Event) -> Verdict:
        """What to do with a message; one that is taken is what the client then has.

        When the answer to a question is about less than was asked from, as after a restored backup, it starts anew.
        """
        asked, self._asked = self._asked, None
        anew = asked is not None and event.since < asked and event.seq < asked
        verdict = Verdict.NEXT if anew else judge(self._have, event.since, event.order)
        if verdict is Verdict.NEXT:
            self._have = event.order
        return verdict


class _Kind(BaseModel):
    type: str


def read(text: str | bytes) -> Event | None:
    """The message; None for one of a type that a later server may know. Raises `Lost` for what is none at all."""
    try:
        kind = _Kind.model_validate_json(text).type
        if kind not in frozenset(EventType):
            return None
        return (JobStatus if kind in _FULL else Event).model_validate_json(text)
    except ValidationError as error:
        raise Lost("it says what is no message") from error


def by_socket(api: Api, job_id: UUID, place: Place) -> Messages:
    """WebSocket (RFC 6455)."""
    url = api.socket_url(f"/v1/download/subscribe/{job_id}?since={place.ask()}")
    try:
        with connect(
            url,
            subprotocols=[SUBPROTOCOL],
            compression=None,
            proxy=None,  # as `Api` does without one
            open_timeout=SILENCE,
            ping_interval=None,
            close_timeout=_FAREWELL,
            max_size=_LARGEST,
        ) as socket:
            for text in _said(socket):
                event = read(text)
                if event is not None:
                    yield event
    except ConnectionClosed as error:
        raise _closed(error.rcvd, job_id) from error
    except InvalidStatus as error:
        status = error.response.status_code
        if not _may_pass(status):
            raise Barred(f"the handshake is answered {status}") from error
        raise Lost(f"the handshake is answered {status}") from error
    except (WebSocketException, EOFError, OSError) as error:
        raise Lost(type(error).__name__) from error


def _said(socket: ClientConnection) -> Iterator[str | bytes]:
    """What the server says. Raises `Lost` after a long silence in which it did not answer a ping either."""
    while True:
        try:
            yield socket.recv(SILENCE / 2)
        except TimeoutError:
            answered = socket.ping()
            try:
                yield socket.recv(SILENCE / 2)
            except TimeoutError:
                if not answered.is_set():
                    raise Lost("it is silent") from None


def _closed(close: Close | None, job_id: UUID) -> Exception:
    """What a close code means; None is a connection that broke off."""
    if close is None:
        return Lost("it broke off")
    if close.code == NOT_FOUND:
        return _not_found(job_id)
    reason = f"it was closed with {close.code} {close.reason}".rstrip()
    return Barred(reason) if close.code in BARRED else Lost(reason, PAUSES.get(close.code, _PAUSE))


def by_stream(api: Api, job_id: UUID, place: Place) -> Messages:
    """Server-sent events (WHATWG HTML, section 9.2)."""
    parser = StreamParser()
    began = False
    try:
        with closing(api.stream(f"/v1/download/stream/{job_id}?since={place.ask()}", SILENCE)) as answer:
            _require_stream(answer, job_id)
            while data := answer.read1(_CHUNK):
                began = True
                for found in parser.feed(data):
                    event = read(found.data)
                    if event is not None:
                        yield event
    except ReadTimeoutError as error:
        if not began:
            raise Barred("it is held back on its way") from error
        raise Lost("it is silent", _pauses(parser)) from error
    except HTTPError as error:
        raise Lost(type(error).__name__, _pauses(parser)) from error
    raise Lost("it has ended", _pauses(parser))


def _require_stream(answer: urllib3.BaseHTTPResponse, job_id: UUID) -> None:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if answer.status == HTTPStatus.OK and kind == "text/event-stream":
        return
    if answer.status == HTTPStatus.NOT_FOUND and problem_of(answer).get("error") == "job_not_found":
        raise _not_found(job_id)
    reason = f"it is answered {answer.status} {kind}".rstrip()
    if _may_pass(answer.status):
        asked = retry_after(answer)
        raise Lost(reason, (asked + _PAUSE[0], asked + _PAUSE[1]))
    raise Barred(reason)


def _pauses(parser: StreamParser) -> tuple[float, float]:
    """As the stream has said it; the spread is for those that were all told the same."""
    if parser.retry is None:
        return _PAUSE
    asked = min(parser.retry / 1000, _LONGEST_PAUSE)
    return (asked, 1.5 * asked)


def by_polling(api: Api, job_id: UUID, place: Place) -> Messages:
    """Long-poll, again and again. `Api` is patient with a server that is away for a moment; what it raises is final."""
    seen: str | None = None
    while True:
        asked = time.monotonic()
        status, etag = api.news(job_id, place.ask(), seen, _WAIT if seen else 0)
        if status is not None:
            seen = etag
            yield status
        time.sleep(max(0.0, _LEAST_INTERVAL - (time.monotonic() - asked)))


Way = Callable[[Api, UUID, Place], Messages]
WAYS: dict[str, Way] = {"websocket": by_socket, "sse": by_stream, "polling": by_polling}
"""In the order in which they are tried."""


def _may_pass(status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _not_found(job_id: UUID) -> Refused:
    return Refused(f"There is no job {job_id}.", "job_not_found")
