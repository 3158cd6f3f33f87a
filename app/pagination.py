"""Lists in pages: opaque cursors, the size of a page, and the link to the next one.

An endpoint reads one item more than a page has, to learn whether there is another page.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.context import json_response
from app.requests import invalid, query_int
from app.serializers import CACHE_CONTROL
from jobs.errors import InvalidRequest

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items of one page, and the cursor of the next one, if there is one."""

    items: Sequence[T]
    next_cursor: str | None


def page_of(found: Sequence[T], limit: int, position: Callable[[T], Sequence[str]]) -> Page[T]:
    """The page of `limit` items from up to one more; `position` of the last item becomes the cursor."""
    items = found[:limit]
    if len(found) <= limit:
        return Page(items, None)
    return Page(items, cursor_of(*position(items[-1])))


def cursor_of(*position: str) -> str:
    """The cursor of the page that starts after the item at this position."""
    return base64.urlsafe_b64encode("|".join(position).encode()).decode().rstrip("=")


def page_response(request: Request, page: BaseModel, next_cursor: str | None) -> Response:
    """The page as JSON, with a `Link` header unless it is the last one (RFC 8288)."""
    headers = {"Cache-Control": CACHE_CONTROL}
    if next_cursor is not None:
        query = urlencode({**request.query_params, "cursor": next_cursor})
        headers["Link"] = f'<{request.scope["path"]}?{query}>; rel="next"'
    return json_response(page, headers=headers)


def page_limit(request: Request) -> int:
    """The query's `limit`: items of a page. Raises `InvalidRequest`."""
    return query_int(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)


def time_cursor(request: Request) -> tuple[datetime, UUID] | None:
    """The time and job id after which the page starts; None for the first page. Raises `InvalidRequest`."""
    parts = _cursor(request, 2)
    if parts is None:
        return None
    try:
        time = datetime.fromisoformat(parts[0])
        if time.tzinfo is None:
            raise _bad_cursor(request)
        return time.astimezone(UTC), UUID(parts[1])
    except (ValueError, OverflowError) as error:
        raise _bad_cursor(request) from error


def number_cursor(request: Request) -> int:
    """The file id or `seq` after which the page starts; 0 for the first page. Raises `InvalidRequest`."""
    parts = _cursor(request, 1)
    if parts is None:
        return 0
    if re.fullmatch(r"[0-9]{1,12}", parts[0], re.ASCII) is None:
        raise _bad_cursor(request)
    return int(parts[0])


def _cursor(request: Request, length: int) -> list[str] | None:
    text = request.query_params.get("cursor")
    if text is None:
        return None
    try:
        parts = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("|")
    except ValueError as error:
        raise _bad_cursor(request) from error
    if len(parts) != length:
        raise _bad_cursor(request)
    return parts


def _bad_cursor(request: Request) -> InvalidRequest:
    return invalid("cursor", "must be the nextCursor of an earlier page", request.query_params["cursor"])
