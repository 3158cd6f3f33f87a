"""The audit log, for admins."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.context import context
from app.pagination import number_cursor, page_limit, page_of, page_response
from app.requests import RequestReader
from app.schemas import AuditItem, AuditPage
from jobs.access.audit import Action, list_entries


async def listing(request: Request) -> Response:
    """The latest entries first."""
    with RequestReader(request) as read:
        limit = read(page_limit)
        before = read(number_cursor)
    found = await list_entries(context(request).services.database, None, before or None, limit + 1)
    page = page_of(found, limit, lambda entry: (str(entry.number),))
    items = [
        AuditItem(at=entry.at, **{name: getattr(entry.action, name) for name in Action.__slots__})
        for entry in page.items
    ]
    return page_response(request, AuditPage(entries=items, next_cursor=page.next_cursor), page.next_cursor)
