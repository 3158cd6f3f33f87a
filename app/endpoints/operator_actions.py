"""What operators do: bulk actions, pausing queues, draining workers. The audit entry is part of each transaction."""

from __future__ import annotations

import re
from math import ceil

from starlette.requests import Request
from starlette.responses import Response

from app.access.guard import principal_of
from app.context import context, json_response
from app.operator_action_schemas import (
    FilterView,
    OperatorAction,
    OperatorActionList,
    QueueList,
    QueueState,
    WorkerOrder,
)
from app.request_bodies import NewAction, PauseQueue
from app.requests import invalid, read_body, read_optional_body
from app.serializers import CACHE_CONTROL
from jobs.access.audit import Action
from jobs.engine.bulk_actions import BulkAction, filter_as_json
from jobs.engine.sql.paused_queues import Pause
from jobs.kinds import Kind

HEADERS = {"Cache-Control": CACHE_CONTROL}


async def create(request: Request) -> Response:
    """Creates a bulk action. Workers start it after the undo window."""
    wanted = await read_body(request, NewAction)
    action = await context(request).services.bulk.create(
        wanted.action, wanted.filter.as_filter(), wanted.expected, _user(request), _entry(request, "createAction")
    )
    address = f"{context(request).address.root}/v1/operator/actions/{action.id}"
    seconds = str(ceil((action.starts_at - action.created_at).total_seconds()))
    return json_response(action_view_of(action), 202, HEADERS | {"Location": address, "Retry-After": seconds})


async def listing(request: Request) -> Response:
    """The latest bulk actions first."""
    found = await context(request).services.bulk.latest()
    return json_response(OperatorActionList(actions=[action_view_of(action) for action in found]), headers=HEADERS)


async def read(request: Request) -> Response:
    """One bulk action, as it is now."""
    return json_response(
        action_view_of(await context(request).services.bulk.read(_action_id(request))), headers=HEADERS
    )


async def stop(request: Request) -> Response:
    """Stops a bulk action; idempotent."""
    action_id = _action_id(request)
    stopped = await context(request).services.bulk.stop(action_id, _user(request), _entry(request, "stopAction"))
    return json_response(action_view_of(stopped), headers=HEADERS)


async def queues(request: Request) -> Response:
    """Which queues are paused, by whom and why."""
    paused = await context(request).services.fleet.paused()
    return json_response(QueueList(queues=[queue_state_of(kind, paused.get(kind)) for kind in Kind]), headers=HEADERS)


async def pause(request: Request) -> Response:
    """Pauses a queue; idempotent. Once it responds, no job of the kind is claimed."""
    kind = _kind(request)
    body = await read_optional_body(request, PauseQueue)
    paused = await context(request).services.fleet.pause(
        kind, _user(request), body.reason, _entry(request, "pauseQueue")
    )
    return json_response(queue_state_of(kind, paused), headers=HEADERS)


async def resume(request: Request) -> Response:
    """Resumes a queue; idempotent."""
    kind = _kind(request)
    await context(request).services.fleet.resume(kind, _entry(request, "resumeQueue"))
    return json_response(queue_state_of(kind, None), headers=HEADERS)


async def drain(request: Request) -> Response:
    """Lets a worker finish or release its jobs, and claim no others; idempotent."""
    return await _order(request, "drainWorker", draining=True)


async def undrain(request: Request) -> Response:
    """Lets a drained worker claim jobs again; idempotent."""
    return await _order(request, "resumeWorker", draining=False)


async def _order(request: Request, operation: str, *, draining: bool) -> Response:
    name = request.path_params["name"]
    if "\0" in name:
        raise invalid("name", "must be the name of a worker", name)
    await context(request).services.fleet.drain(name, _entry(request, operation), draining=draining)
    return json_response(WorkerOrder(name=name, draining=draining), headers=HEADERS)


def action_view_of(action: BulkAction) -> OperatorAction:
    return OperatorAction(
        action_id=action.id,
        action=action.command,
        filter=FilterView(**filter_as_json(action.filter)),
        state=action.state,
        total=action.total,
        done=action.done,
        failed=action.failed,
        reasons=dict(action.reasons),
        created_by=action.created_by,
        created_at=action.created_at,
        starts_at=action.starts_at,
        finished_at=action.finished_at,
        stopped_by=action.stopped_by,
    )


def queue_state_of(kind: Kind, pause: Pause | None) -> QueueState:
    return QueueState(
        kind=kind,
        paused=pause is not None,
        paused_at=pause and pause.paused_at,
        paused_by=pause and pause.paused_by,
        reason=pause and pause.reason,
    )


def _user(request: Request) -> str:
    principal = principal_of(request)
    return principal.actor or principal.owner


def _entry(request: Request, operation: str) -> Action | None:
    """The audit entry, which the command records: the dispatcher does not need to."""
    request.state.is_recorded = True
    return context(request).audit.entry(request, principal_of(request), operation)


def _action_id(request: Request) -> int:
    text = request.path_params["id"]
    if re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) is None:
        raise invalid("id", "must be the id of an action", text)
    return int(text)


def _kind(request: Request) -> Kind:
    text = request.path_params["kind"]
    if text not in set(Kind):
        raise invalid("kind", "must be one of " + ", ".join(Kind), text)
    return Kind(text)
