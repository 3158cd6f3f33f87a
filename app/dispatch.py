"""From operations to routes: who may call each is decided, and recorded, in one place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from app.access.guard import principal_of
from app.access.principals import Role
from app.context import server_context
from app.metrics import timer_of
from app.operations import Handler, Operation
from app.problems import handle
from app.requests import path_job_id
from jobs.errors import HaulageError

EXCEPTION_HANDLERS = dict.fromkeys((HaulageError, HTTPException, ClientDisconnect, Exception), handle)
"""For Starlette: every error becomes a problem."""


def routes_of(operations: Iterable[Operation]) -> list[Route]:
    """A route for each path, so that a wrong method gets an `Allow` header with all the right ones.

    Paths without parameters come first: `/v1/files/reprocess` is no file.
    """
    found: defaultdict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in operations:
        found[operation.path][operation.method] = operation
    in_order = sorted(found.items(), key=lambda item: "{" in item[0])
    return [Route(path, _dispatch(methods), methods=list(methods)) for path, methods in in_order]


def _dispatch(operations: dict[str, Operation]) -> Handler:
    timers = {method: timer_of(method, one.path, one.name) for method, one in operations.items()}

    async def serve(request: Request) -> Response:
        operation = operations[request.method if request.method in operations else "GET"]  # HEAD, of Starlette's routes
        request.scope["state"]["timer"] = timers[operation.method]
        it = server_context(request)
        is_served = is_admitted = False
        try:
            await it.guard.admit(request, operation.rule)
            is_admitted = True
            response = await operation.handler(request)
            is_served = True
        except HaulageError as error:
            if (principal := getattr(request.state, "principal", None)) is not None:
                it.access.refusals.count(principal, error)
            raise
        else:
            return response
        finally:  # also if the client has left: what it created is there
            if is_admitted and operation.rule.scope is not None:
                await _audit(request, operation, is_served=is_served)

    return serve


async def _audit(request: Request, operation: Operation, *, is_served: bool) -> None:
    """Records what changes something of a user, and who has got a result of somebody else by a role.

    The creation of a job is recorded in the transaction that creates it.
    """
    if getattr(request.state, "is_recorded", False):
        return
    it, principal = server_context(request), principal_of(request)
    created = getattr(request.state, "subject", None)
    subject = request.path_params.get("jobId") or request.path_params.get("id") or created
    if operation.is_audited:
        is_recorded = is_served or created is not None
    elif operation.hands_out_results and principal.role.includes(Role.OPERATOR):
        is_recorded = is_served and it.guard.owners.known(path_job_id(request)) != principal.owner
    else:
        is_recorded = False
    if is_recorded:
        await it.audit.record(request, principal, operation.name, subject)
