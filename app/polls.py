"""The short way for polls: a job that is asked for over and over is answered before anything else looks at the request.

It is the same answer that `app.endpoints.jobs.status` gives, and that gives it whenever anything is out of the ordinary:
a query, a preference, a foreign page, a job whose state is not known here for sure. These answers are not logged: a page
that polls would drown everything else (with `LOG_LEVEL=debug` all take the long way, and are).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID, uuid4

from starlette.types import Message, Scope

from app.following import Following
from app.middleware import POLICY, REQUEST_ID, SECURITY_HEADERS
from app.serializers import CACHE_CONTROL, etag_matches, etag_of

PREFIX = "/v1/download/job/"
_LENGTH = len(PREFIX) + 36
_UNUSUAL = frozenset((b"prefer", b"origin", b"cache-control", b"transfer-encoding", b"content-length", b"expect"))
_HEADERS = [*SECURITY_HEADERS, (b"content-security-policy", POLICY), (b"cache-control", CACHE_CONTROL.encode())]
_JSON = (b"content-type", b"application/json")
_EMPTY: Message = {"type": "http.response.body"}


def poll(scope: Scope, following: Following, hosts: Collection[bytes]) -> tuple[Message, Message] | None:
    """The two messages of the answer, or None when this is not for the short way. `hosts`: those checked."""
    path: str = scope["path"]
    if len(path) != _LENGTH or scope["query_string"] or scope["method"] != "GET" or not path.startswith(PREFIX):
        return None
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    if not _UNUSUAL.isdisjoint(headers) or headers.get(b"host") not in hosts:
        return None
    try:
        job_id = UUID(path[len(PREFIX) :])
    except ValueError:
        return None
    status = following.polls.at_once(job_id)
    if status is None or str(job_id) != path[len(PREFIX) :]:
        return None
    request_id = headers.get(b"x-request-id", b"")
    if REQUEST_ID.fullmatch(request_id) is None:
        request_id = str(uuid4()).encode()
    etag = etag_of(status)
    own = [*_HEADERS, (b"etag", etag.encode()), (b"x-request-id", request_id)]
    seen = headers.get(b"if-none-match")
    if seen is not None and etag_matches(seen.decode("latin-1"), etag):
        return {"type": "http.response.start", "status": 304, "headers": own}, _EMPTY
    body = status.body
    own += [_JSON, (b"content-length", b"%d" % len(body))]
    return {"type": "http.response.start", "status": 200, "headers": own}, {"type": "http.response.body", "body": body}
