"""What endpoints work with, from their request."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from app.access.audit import Audit
from app.access.control import AccessControl
from app.access.guard import Guard, principal_of
from app.access.principals import Role
from app.client_counts import client_address
from app.diagnosis_limits import DiagnosisLimits
from app.following.connection_limits import Holder
from app.following.hub import Hub
from app.operator_reads import OperatorReader
from app.overview_reader import OverviewReader
from app.problems import Forbidden
from app.public_address import PublicAddress
from app.requests import query_text
from app.scanner_check import ScannerCheck
from jobs.bundles.result_links import ResultLinks
from jobs.engine.sql.admissions import Admission, JobLimits
from jobs.files.visibility import FileReader
from jobs.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """What every server has, gateway or intake: opened when it starts, and closed when it stops."""

    services: Services
    access: AccessControl
    audit: Audit
    address: PublicAddress
    """Where clients reach this server."""
    scanner: ScannerCheck

    @property
    def guard(self) -> Guard:
        """Who may do what."""
        return self.access.guard

    @property
    def is_draining(self) -> bool:
        """Whether it takes no new clients, since it is shutting down."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(ServerContext):
    """That of a gateway."""

    hub: Hub
    result_links: ResultLinks
    diagnosis_limits: DiagnosisLimits
    overview: OverviewReader
    operators: OperatorReader

    @property
    def is_draining(self) -> bool:
        return self.hub.limits.draining


def server_context(request: Request) -> ServerContext:
    """The context of the server, gateway or intake, that serves the request."""
    found: ServerContext = request.app.state.context
    return found


def context(request: Request) -> Context:
    """The context of the gateway that serves the request."""
    found: Context = request.app.state.context
    return found


def reader_of(request: Request) -> FileReader | None:
    """As whom the caller reads files; None if it may read every file."""
    return context(request).guard.reader_of(principal_of(request))


def holder_of(connection: HTTPConnection, it: Context) -> Holder:
    """As whose a stream or a long-poll of the caller counts."""
    principal = principal_of(connection)
    return Holder(client_address(connection.scope), principal.owner, it.access.quotas.streams(principal))


def admission_of(request: Request) -> Admission | None:
    """How many jobs the caller may start; None: any number, or as many as its grant says."""
    access, principal = context(request).access, principal_of(request)
    if access.guard.authenticator.is_open or principal.grant is not None:
        return None
    plan = access.plans.of(principal)
    if not plan.jobs_per_hour and not plan.running_jobs:
        return None
    return Admission(JobLimits(plan=plan.name, per_hour=plan.jobs_per_hour, running=plan.running_jobs))


def listed_owner(request: Request) -> str:
    """Whose jobs to list: the caller's, or those of the `owner` of the query. Raises `Forbidden`, `InvalidRequest`."""
    principal = principal_of(request)
    owner = query_text(request, "owner") or principal.owner
    if not principal.sees(owner):
        raise Forbidden("Only support, operators and admins list the jobs of others.")
    return owner


def managed_owner(request: Request) -> str | None:
    """Whose keys and sessions the caller manages: its own; as an admin those of the `owner` of the query, or None for all.

    Raises `Forbidden`, `InvalidRequest`.
    """
    principal, owner = principal_of(request), query_text(request, "owner")
    if principal.role is Role.ADMIN:
        return owner or None
    if owner not in {"", principal.owner}:
        raise Forbidden("Only admins list and revoke the keys and sessions of others.")
    return principal.owner


def json_response(model: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A model as a JSON response."""
    return Response(model.model_dump_json(), status, headers, "application/json")
