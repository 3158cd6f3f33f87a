"""What an operation requires of its caller. Each operation, socket and short way declares one of these rules."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.access.principals import Role, Scope


class JobAccess(StrEnum):
    """What an operation does with the one job that its path names."""

    SEE = "see"
    """Shows its state: to its owner, and to support, operators and admins."""
    ACT = "act"
    """Changes it or hands out its files: for its owner, and for operators and admins."""


class Cost(StrEnum):
    """What a request costs the server: it decides how often one may be sent (`app.access.quotas`)."""

    COSTLY = "costly"
    """Creates or checks something, lists or searches: so many an hour, for all gateways together, by the caller's plan."""
    LIGHT = "light"
    """Reads one thing, mostly from memory, or ends one: so many a second, for each gateway."""
    FREE = "free"
    """Is not counted here: it costs next to nothing, or has limits of its own, as streams have on how many are open."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The scope that a caller's credential must have, None for everybody; what a request costs; and what is done with the
    job of the path."""

    scope: Scope | None
    cost: Cost
    job: JobAccess | None = None
    also: Scope | None = None
    """A second scope that the credential must have. Visitors have no credential: what they get, the endpoint decides."""
    share: bool = False
    """Whether a `share` in the query, of a link to the result of this job, does instead."""
    grant: bool = True
    """Whether a grant suffices, too: not for what its count of jobs, its files or its end would not limit."""
    ticket: bool = False
    """Whether a `ticket` in the query proves who calls: for streams of pages whose cookies do not reach this origin, and
    for uploads that were redirected to the intake."""
    visitors: bool = False
    """Whether no credential is needed where `ANONYMOUS=read`: for what all visitors may share, and changes nothing."""
    users: bool = False
    """Whether it concerns users and their credentials: then nobody may, where nobody proves who they are."""
    person: bool = False
    """Whether only somebody who has signed in may, no key and no token: with it, a stolen one could outlive itself."""
    role: Role = Role.USER
    """The least role that the caller must have."""


EVERYBODY = Rule(None, Cost.FREE)
"""For what says nothing about any user: health, the page itself, the API's description."""
SEE_JOB = Rule(Scope.JOBS_READ, Cost.LIGHT, JobAccess.SEE)
FOLLOW_JOB = Rule(Scope.JOBS_READ, Cost.FREE, JobAccess.SEE, ticket=True)
FOLLOW_JOBS = Rule(Scope.JOBS_READ, Cost.FREE, ticket=True)
"""For streams of several jobs: each job that one names is checked when it is followed."""
SEE_JOBS = Rule(Scope.JOBS_READ, Cost.COSTLY)
"""For lists, which hold the caller's own jobs."""
CREATE_JOB = Rule(Scope.JOBS_WRITE, Cost.COSTLY)
START_FILE = Rule(Scope.JOBS_WRITE, Cost.COSTLY, also=Scope.RESULTS_READ)
"""For what creates a job and hands out its result in one response."""
CHANGE_JOB = Rule(Scope.JOBS_WRITE, Cost.LIGHT, JobAccess.ACT)
RETRY_JOB = Rule(Scope.JOBS_WRITE, Cost.COSTLY, JobAccess.ACT, grant=False)
"""For what packs a job again, which a grant does not count."""
DELETE_RESULT = Rule(Scope.JOBS_WRITE, Cost.LIGHT, JobAccess.ACT, grant=False)
GET_RESULT = Rule(Scope.RESULTS_READ, Cost.LIGHT, JobAccess.ACT)
GET_FILE = Rule(Scope.RESULTS_READ, Cost.LIGHT, JobAccess.ACT, share=True)
SHARE_RESULT = Rule(Scope.JOBS_WRITE, Cost.COSTLY, JobAccess.ACT, also=Scope.RESULTS_READ, grant=False)
"""For links that hand out the result to others, and would outlive a grant and its key."""
READ_FILES = Rule(Scope.FILES_READ, Cost.COSTLY, visitors=True)
READ_FILE = Rule(Scope.FILES_READ, Cost.LIGHT, visitors=True)
"""For one file, of which a page reads many: each whose previews it shows."""
UPLOAD_FILES = Rule(Scope.FILES_WRITE, Cost.COSTLY, grant=False)
SEND_PARTS = Rule(Scope.FILES_WRITE, Cost.LIGHT, JobAccess.ACT, grant=False)
SEE_PARTS = Rule(Scope.FILES_WRITE, Cost.LIGHT, JobAccess.SEE, grant=False)
"""For what a client needs to know before it sends the rest of a file."""
TO_INTAKE = Rule(Scope.FILES_WRITE, Cost.LIGHT, grant=False)
"""For the redirect to the intake, which counts the upload itself."""
RECEIVE_FILE = Rule(Scope.FILES_WRITE, Cost.COSTLY, grant=False, ticket=True)
"""At the intake, for what creates an upload; a ticket of the gateway's redirect does, too."""
GET_CONTENT = Rule(Scope.FILES_READ, Cost.LIGHT, also=Scope.RESULTS_READ, grant=False, visitors=True)
"""For the content of one file that the caller may read, such as the thumbnails of a page. Visitors get previews only."""
REPROCESS_FILES = Rule(Scope.JOBS_WRITE, Cost.COSTLY, grant=False, role=Role.OPERATOR)
DELETE_FILE = Rule(Scope.FILES_WRITE, Cost.LIGHT, grant=False)
"""For files of the caller, and of others for operators and admins, which the endpoint decides."""
MANAGE_ACCESS = Rule(Scope.ACCESS_MANAGE, Cost.LIGHT, users=True)
READ_AUDIT = Rule(Scope.ACCESS_MANAGE, Cost.LIGHT, users=True, role=Role.ADMIN)
CREATE_KEY = Rule(Scope.ACCESS_MANAGE, Cost.COSTLY, users=True, person=True)
ACKNOWLEDGE_NOTICE = Rule(Scope.JOBS_WRITE, Cost.LIGHT, grant=False, role=Role.OPERATOR)
SEE_FLEET = Rule(Scope.JOBS_READ, Cost.LIGHT, grant=False, role=Role.SUPPORT)
"""For what operators see: notices, the jobs of all owners, and the processes that run them."""
SEE_TIMELINE = Rule(Scope.JOBS_READ, Cost.LIGHT, JobAccess.SEE, grant=False, role=Role.SUPPORT)
FOLLOW_FLEET = Rule(Scope.JOBS_READ, Cost.FREE, grant=False, ticket=True, role=Role.SUPPORT)
STEER_FLEET = Rule(Scope.JOBS_WRITE, Cost.LIGHT, grant=False, role=Role.OPERATOR)
"""For what operators do to queues, workers and many jobs at once."""
SEE_WEBHOOKS = Rule(Scope.JOBS_READ, Cost.LIGHT, grant=False)
MANAGE_WEBHOOKS = Rule(Scope.JOBS_WRITE, Cost.COSTLY, grant=False)
"""For webhooks of the caller; for operators and admins also those of the operators, which the endpoint decides."""
GET_TICKET = Rule(Scope.JOBS_READ, Cost.LIGHT, users=True)
