"""What a response says of a file. It does no I/O.

RFC 9110 is followed: sections 8.8 (validators), 14 (ranges), 15 (status codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from jobs.bundles.url_sources import Representation
from jobs.egress.retry_after import retry_after
from jobs.errors import SourceRejected, SourceUnavailable

LONGEST_RETRY_AFTER = 24 * 3600.0
"""Seconds for which a host can hold up a job by `Retry-After`."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_TEMPORARY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_REASONS = {
    HTTPStatus.UNAUTHORIZED: "it wants a sign-in",
    HTTPStatus.FORBIDDEN: "it does not allow access",
    HTTPStatus.NOT_FOUND: "it has no such file",
    HTTPStatus.GONE: "the file was removed",
}

Headers = Mapping[str, str]
"""Names in lower case."""


class SourceChanged(Exception):
    """The file is not the one any more whose first bytes were fetched."""


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers of a response. Of a repeated one, the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in raw}


def check_status(host: str, status: int, headers: Headers, now: float) -> None:
    """Return for a response with the file, or a part of it. `now` is Unix time.

    Raises `SourceUnavailable` if another request may succeed later, else `SourceRejected`.
    """
    if status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}:
        return
    if status in _TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        seconds = retry_after(headers.get("retry-after", ""), now)
        raise SourceUnavailable(
            f"{host} responded {status}.", None if seconds is None else min(seconds, LONGEST_RETRY_AFTER)
        )
    reason = f": {_REASONS[HTTPStatus(status)]}" if status in _REASONS else ""
    raise SourceRejected(f"{host} responded {status}{reason}")


def representation_of(host: str, headers: Headers, *, verifiable: bool) -> Representation:
    """What the response to a request for the whole file says of it.

    `verifiable`: its SHA-256 is known, so that it need not be told from the response whether all bytes arrived as they are.
    Raises `SourceRejected`.
    """
    length, coding = headers.get("content-length"), headers.get("content-encoding", "identity").lower()
    chunked = headers.get("transfer-encoding", "").lower().endswith("chunked")
    if coding != "identity" and not verifiable:
        raise SourceRejected(
            f"{host} sends the file compressed ({coding[:20]}), although that was not requested; with its sha256 it is"
            " accepted as it is"
        )
    if chunked:
        size = None
    elif length is not None and re.fullmatch(r"\d{1,18}", length):
        size = int(length)
    elif length is not None:
        raise SourceRejected(f"{host} sends a Content-Length that is no number")
    elif verifiable:
        size = None
    else:
        raise SourceRejected(
            f"{host} says neither how long the file is nor where it ends, so a broken connection would look like its end;"
            " with its sha256 it is accepted"
        )
    modified = _date(headers.get("last-modified"))
    return Representation(size=size, validator=_validator(headers, modified), modified=modified)


def check_range(host: str, headers: Headers, known: Representation, start: int) -> tuple[Representation, int]:
    """Compare a 206 with what is known of the file, whose bytes before `start` were fetched.

    Return what is known now, and where the bytes of the response end: a host may send fewer than were requested.
    Raises `SourceChanged` if it is about another file, and `SourceRejected` if it contradicts itself.
    """
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
    if found is None:
        raise SourceRejected(f"{host} responded 206 without a valid Content-Range")
    first, last, total = int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3])
    length = headers.get("content-length")
    if first != start or last < first or (length is not None and length != str(last - first + 1)):
        raise SourceRejected(f"{host} sends other bytes than were requested, or other than it says")
    if known.validator is not None:
        field = "etag" if known.validator.startswith('"') else "last-modified"
        if headers.get(field) not in {None, known.validator}:
            raise SourceChanged
    if total is not None and (total <= last or known.size not in {None, total}):
        raise SourceChanged
    size = known.size if total is None else total
    if size is None or last >= size:
        raise SourceRejected(f"{host} does not say how long the file is of which it sends a range")
    return replace(known, size=size), last + 1


def _validator(headers: Headers, modified: datetime | None) -> str | None:
    """A strong ETag, or a date that is one: the file was not changed in the second of the response (section 8.8.2.2).

    An ETag may have bytes from 0x80 on, but headers of requests are sent in ASCII.
    """
    etag = headers.get("etag")
    if etag is not None and re.fullmatch(r'"[\x21\x23-\x7e]*"', etag):
        return etag
    date = _date(headers.get("date"))
    if not headers.get("last-modified", "").isascii():
        return None
    if etag is None and modified is not None and date is not None and modified <= date - timedelta(seconds=1):
        return headers["last-modified"]
    return None


def _date(text: str | None) -> datetime | None:
    """The date in UTC; None for what is none, or lies before the year 1 or after 9999."""
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
