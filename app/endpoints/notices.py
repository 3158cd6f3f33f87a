"""Notices for operators: list them, and acknowledge them."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from app.access.guard import principal_of
from app.context import context, json_response
from app.pagination import number_cursor, page_limit, page_of, page_response
from app.requests import RequestReader, invalid
from app.schemas import NoticePage, NoticeState
from app.serializers import notice_of
from jobs.notices import acknowledge as acknowledge_notice
from jobs.notices import list_notices


async def listing(request: Request) -> Response:
    """The notices that were opened last first: those that are open, or all."""
    with RequestReader(request) as read:
        limit = read(page_limit)
        before = read(number_cursor)
        state = read(_state)
    database = context(request).services.database
    found = await list_notices(database, only_open=state is NoticeState.OPEN, before=before or None, limit=limit + 1)
    page = page_of(found, limit, lambda notice: (str(notice.id),))
    body = NoticePage(notices=[notice_of(notice) for notice in page.items], next_cursor=page.next_cursor)
    return page_response(request, body, page.next_cursor)


async def acknowledge(request: Request) -> Response:
    """Records that the caller has seen a notice. Idempotent."""
    text = request.path_params["id"]
    if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) is None:
        raise invalid("id", "must be the id of a notice", text)
    principal = principal_of(request)
    database = context(request).services.database
    notice = await acknowledge_notice(database, int(text), principal.actor or principal.owner)
    request.state.subject = text
    return json_response(notice_of(notice))


def _state(request: Request) -> NoticeState:
    text = request.query_params.get("state", NoticeState.OPEN)
    if text not in set(NoticeState):
        raise invalid("state", "must be one of " + ", ".join(NoticeState), text)
    return NoticeState(text)
