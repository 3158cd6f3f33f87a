"""Webhooks: create, list, test, rotate and delete them; what was sent to them, and sending it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.access.guard import principal_of
from app.access.principals import Role
from app.context import context, json_response
from app.pagination import number_cursor, page_limit, page_of, page_response
from app.problems import Forbidden
from app.request_bodies import NewWebhook, Replay
from app.requests import RequestReader, read_body
from app.schemas import DeliveryItem, DeliveryPage, Replayed, WebhookCreated, WebhookItem, WebhookList
from jobs.webhooks.deliveries import Delivery, list_deliveries, replay
from jobs.webhooks.endpoints import (
    Endpoint,
    add_endpoint,
    delete_endpoint,
    enable_endpoint,
    find_endpoint,
    list_endpoints,
    rotate_keys,
    send_test,
)
from jobs.webhooks.messages import OF_JOBS, OF_OPERATORS

NO_STORE = {"Cache-Control": "no-store"}


async def create(request: Request) -> Response:
    """A new webhook. Its secret is shown now and after a rotation, and never again."""
    new, it, principal = await read_body(request, NewWebhook), context(request), principal_of(request)
    if new.operators and not _is_operator(request):
        raise Forbidden("Only operators and admins can be told of notices.")
    await it.services.egress.check(new.url)
    endpoint = await add_endpoint(
        it.services.database,
        owner=None if new.operators else principal.owner,
        url=new.url,
        events=new.events or (OF_OPERATORS if new.operators else OF_JOBS),
        description=new.description,
        created_by=principal.actor or principal.owner,
    )
    request.state.subject = endpoint.id
    return json_response(_with_keys(endpoint), 201, NO_STORE)


async def listing(request: Request) -> Response:
    """The caller's webhooks, the oldest first; for operators and admins also those that are told of notices."""
    found = await list_endpoints(context(request).services.database, _owners(request))
    return json_response(WebhookList(webhooks=[_item(one) for one in found]), headers=NO_STORE)


async def read(request: Request) -> Response:
    """One webhook."""
    return json_response(_item(await _endpoint(request)), headers=NO_STORE)


async def delete(request: Request) -> Response:
    """Deletes a webhook. What it has not got yet is not sent."""
    await delete_endpoint(context(request).services.database, _id(request), _owners(request))
    return Response(None, 204)


async def rotate(request: Request) -> Response:
    """Gives a webhook a new secret and key pair. Requests are signed with the ones before, too, for 24 hours."""
    endpoint = await rotate_keys(context(request).services.database, _id(request), _owners(request))
    return json_response(_with_keys(endpoint), headers=NO_STORE)


async def enable(request: Request) -> Response:
    """Sends messages to a webhook again that was switched off or has failed, and at once."""
    endpoint = await enable_endpoint(context(request).services.database, _id(request), _owners(request))
    return json_response(_item(endpoint), headers=NO_STORE)


async def test(request: Request) -> Response:
    """Sends a message of type `webhook.test` to a webhook."""
    await send_test(context(request).services.database, _id(request), _owners(request))
    return Response(None, 204)


async def deliveries(request: Request) -> Response:
    """What was sent to a webhook, the newest first. What it responded is for operators and admins only."""
    with RequestReader(request) as read_query:
        limit = read_query(page_limit)
        before = read_query(number_cursor)
    endpoint = await _endpoint(request)
    found = await list_deliveries(context(request).services.database, endpoint.id, before or None, limit + 1)
    page = page_of(found, limit, lambda one: (str(one.id),))
    items = [_delivery(one, with_responses=_is_operator(request)) for one in page.items]
    return page_response(request, DeliveryPage(deliveries=items, next_cursor=page.next_cursor), page.next_cursor)


async def send_again(request: Request) -> Response:
    """Sends the messages of a time again: those that were given up, or all."""
    wanted, endpoint = await read_body(request, Replay), await _endpoint(request)
    database = context(request).services.database
    count = await replay(database, endpoint.id, wanted.since, wanted.until, only_failed=wanted.only_failed)
    return json_response(Replayed(messages=count))


def _is_operator(request: Request) -> bool:
    return principal_of(request).role.includes(Role.OPERATOR)


def _owners(request: Request) -> Sequence[str | None]:
    """Whose webhooks the caller may see and change; None: the operators'."""
    owner = principal_of(request).owner
    return [owner, None] if _is_operator(request) else [owner]


def _id(request: Request) -> str:
    return str(request.path_params["id"])


async def _endpoint(request: Request) -> Endpoint:
    return await find_endpoint(context(request).services.database, _id(request), _owners(request))


def _values(endpoint: Endpoint) -> dict[str, Any]:
    names = (
        "id",
        "url",
        "events",
        "description",
        "created_by",
        "created_at",
        "disabled_at",
        "disabled_reason",
        "failures",
    )
    return {**{name: getattr(endpoint, name) for name in names}, "operators": endpoint.owner is None}


def _item(endpoint: Endpoint) -> WebhookItem:
    return WebhookItem(**_values(endpoint))


def _with_keys(endpoint: Endpoint) -> WebhookCreated:
    keys = endpoint.keys
    return WebhookCreated(**_values(endpoint), secret=keys.secret_text, public_key=keys.public_key_text)


def _delivery(one: Delivery, *, with_responses: bool) -> DeliveryItem:
    names = ("id", "message_id", "event", "job_id", "state", "created_at", "attempts", "next_at", "tried_at")
    detail = one.detail if with_responses or one.status is None else None
    return DeliveryItem(
        **{name: getattr(one, name) for name in names},
        delivered_at=one.delivered_at,
        response_status=one.status,
        detail=detail,
    )
