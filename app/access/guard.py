"""The decision whether a request is admitted: who it comes from, what its rule requires, and whose job it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from starlette.requests import HTTPConnection

from app.access.authenticator import Authenticator
from app.access.job_owners import JobOwners
from app.access.principals import Principal, Proof, Role
from app.access.quotas import Quotas
from app.access.rules import JobAccess, Rule
from app.access.share_links import PARAMETER, ShareLinks
from app.problems import Forbidden, Unauthenticated
from app.requests import uuid_of
from jobs.errors import InvalidRequest, JobNotFound
from jobs.files.visibility import FileReader
from jobs.settings import AccessSettings

_WHO = {Role.SUPPORT: "support, operators and admins", Role.OPERATOR: "operators and admins", Role.ADMIN: "admins"}
"""Who has at least a role."""


class Guard:
    """Admits requests of one gateway. A job that a principal may not see does not exist for it."""

    def __init__(
        self,
        settings: AccessSettings,
        authenticator: Authenticator,
        owners: JobOwners,
        shares: ShareLinks,
        quotas: Quotas,
    ) -> None:
        self.authenticator = authenticator
        self.owners = owners
        self._shares = shares
        self._quotas = quotas
        self._users_read_template_files = settings.template_files == "users"

    async def admit(self, connection: HTTPConnection, rule: Rule) -> None:
        """Leaves the principal in the connection's state. For `EVERYBODY`, none.

        When it returns, the principal is what it is after all revocations that this gateway has read.
        Raises `Unauthenticated`, `Forbidden`, `ForbiddenOrigin`, `JobNotFound`, `TooManyRequests`, `DatabaseUnavailable`,
        and what `ShareLinks.principal` does.
        """
        if rule.scope is None:
            return
        if rule.users and self.authenticator.is_open:
            raise Forbidden(
                "This server is open (AUTH_MODE=open): everybody is the same, so nobody manages keys, sessions and tickets"
                " here. Set AUTH_MODE=required, or use `haulage keys` and `haulage users` on the server."
            )
        if rule.share and PARAMETER in connection.query_params and not self.authenticator.is_open:
            principal = await self._shares.principal(connection, uuid_of(connection.path_params["jobId"]))
            connection.state.principal = principal
            self._quotas.charge(connection, principal, rule.cost)
            return
        while True:
            generation = self.authenticator.generation
            principal = await self._authenticated(connection, rule)
            # Before the job is looked up: ids that do not exist cost a query, too.
            self._quotas.charge(connection, principal, rule.cost)
            await self._check_path(connection, principal, rule)
            self.check_still_valid(principal)
            if generation == self.authenticator.generation:
                connection.state.admitted = (rule, generation)
                return
            if principal.proof is Proof.TICKET:  # it can't be verified again
                raise Unauthenticated("Users have changed while this ticket was verified. Get a new one.")

    async def admit_again(self, connection: HTTPConnection) -> None:
        """Admits a request once more after it has waited, if something was revoked, or users have changed, meanwhile.

        Raises as `admit`.
        """
        rule, generation = connection.state.admitted
        if generation != self.authenticator.generation:
            await self.admit(connection, rule)
        self.check_still_valid(principal_of(connection))

    async def _authenticated(self, connection: HTTPConnection, rule: Rule) -> Principal:
        principal = await self.authenticator.authenticate(connection, ticket=rule.ticket, visitors=rule.visitors)
        connection.state.principal = principal
        is_visitor = principal.proof is Proof.ANONYMOUS and not self.authenticator.is_open
        check_rule(principal, replace(rule, also=None) if is_visitor else rule)
        return principal

    async def _check_path(self, connection: HTTPConnection, principal: Principal, rule: Rule) -> None:
        if rule.job is None:
            return
        try:
            job_id = uuid_of(connection.path_params["jobId"])
        except InvalidRequest:
            return  # the endpoint reports it, with all other problems of the request
        await self.check_job(principal, job_id, rule.job)

    async def check_job(self, principal: Principal, job_id: UUID, access: JobAccess = JobAccess.SEE) -> None:
        """Raises `JobNotFound` for a job that the principal may not see, `Forbidden` if it may see it and no more."""
        if self.authenticator.is_open:
            return
        owner = await self.owners.of(job_id)
        if not principal.sees(owner):
            raise JobNotFound(f"There is no job {job_id}.")
        if access is JobAccess.ACT and not principal.acts_on(owner):
            raise Forbidden(
                f"Your role ({principal.role}) may see the jobs of others, but not change or download them."
            )

    def check_still_valid(self, principal: Principal) -> None:
        """Raises `Unauthenticated` if the principal's access has ended while its request waited."""
        if self.authenticator.has_ended(principal):
            raise Unauthenticated("Your access was revoked, or has expired. Sign in again.")

    def check_not_revoked(self, principal: Principal) -> None:
        """Raises `Unauthenticated` if the principal's access was revoked since its request was admitted.

        That it expires while a long body arrives changes nothing: the request was admitted before.
        """
        if self.authenticator.is_revoked(principal):
            raise Unauthenticated("Your access was revoked. Sign in again.")

    def admitted_by_cache(
        self, scheme: str, headers: Mapping[bytes, bytes], job_id: UUID, rule: Rule
    ) -> Principal | None:
        """Who sends a safe request about a job, if it is admitted by what is known without a query; else `admit` decides.

        It is not counted: see `Quotas.takes_read`.
        """
        principal = self.authenticator.cached(scheme, headers)
        if principal is None or self.authenticator.is_open:
            return principal
        if rule.scope not in principal.scopes:
            return None
        owner = self.owners.known(job_id)
        return principal if owner is not None and principal.sees(owner) else None

    def reader_of(self, principal: Principal) -> FileReader | None:
        """As whom the principal reads files; None for those who may read every file."""
        if principal.role.includes(Role.OPERATOR) or principal.grant is not None:  # a grant names its files itself
            return None
        is_user = principal.proof is not Proof.ANONYMOUS
        return FileReader(
            owner=principal.owner,
            groups=principal.groups,
            template_files=is_user and self._users_read_template_files,
        )


def check_rule(principal: Principal, rule: Rule) -> None:
    """Raises `Forbidden` unless the principal has the scopes, the role and the proof that the rule requires."""
    for scope in (rule.scope, rule.also):
        if scope is not None and scope not in principal.scopes:
            raise Forbidden(f"This needs the scope {scope}, which the key or token lacks. Create one with --scopes.")
    if not principal.role.includes(rule.role):
        raise Forbidden(f"Your role ({principal.role}) may not do this: only {_WHO[rule.role]} may.")
    if rule.person and principal.proof not in {Proof.SESSION, Proof.PROXY}:
        raise Forbidden("This needs somebody who has signed in on the page: no key or token does it.")
    if principal.grant is not None and not rule.grant:
        raise Forbidden("A grant starts jobs, follows and cancels them, and gets their results. It does nothing else.")


def principal_of(connection: HTTPConnection) -> Principal:
    """Who the request comes from, once it has been admitted."""
    found: Principal = connection.state.principal
    return found
