"""Who may do what: every operation, socket and short way, as every principal, each twice, so that caches are seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc.jwk import ECKey
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.access.bearer_tokens import GRANT_SCOPES
from app.access.principals import ALL_SCOPES, Role, Scope
from app.access.rules import JobAccess, Rule
from app.endpoints import sockets
from app.operations import OPERATIONS, Operation
from jobs.access.grants import add_key
from jobs.access.keys import revoke_key
from jobs.engine.jobs import Job
from jobs.uploads.uploads import NewUpload
from tests.app.shared import Shared, in_state
from tests.helpers.access import Headers, key_of, session_of
from tests.helpers.issuers import Issuer, ec_key

OWNER = "olga"


@dataclass(frozen=True)
class Caller:
    """Somebody who calls. `role` None: nobody that the gateway knows, or not any more."""

    name: str
    headers: Headers
    role: Role | None
    owns: bool = False
    scopes: frozenset[Scope] = ALL_SCOPES
    has_grant: bool = False
    is_person: bool = False
    is_visitor: bool = False
    """Sends no credential, where visitors may read."""
    refused: int = 401
    """The status of all refusals, without `role`."""

    def expected(self, rule: Rule) -> int | None:
        """The status of the refusal that the rule demands; None if the caller is admitted."""
        if rule.scope is None:
            return None
        if self.role is None:
            return None if self.is_visitor and rule.visitors else self.refused
        lacks_scope = not {scope for scope in (rule.scope, rule.also) if scope is not None} <= self.scopes
        lacks_role = not self.role.includes(rule.role)
        if lacks_scope or lacks_role or (self.has_grant and not rule.grant) or (rule.person and not self.is_person):
            return 403
        if rule.job is None or self.owns:
            return None
        if self.role is Role.USER:
            return 404
        return 403 if rule.job is JobAccess.ACT and self.role is Role.SUPPORT else None


async def callers(shared: Shared) -> list[Caller]:
    services = shared.services
    expired = await key_of(services, OWNER, groups=["team"], expires_in=-1)
    revoked = await key_of(services, OWNER, groups=["team"], key_id="revoked1")
    await revoke_key(services.database, "revoked1")
    grant_key = ec_key("k1")
    await add_key(services.database, "k1", "portal", grant_key.as_dict(private=False))

    def bearer(key: ECKey, **claims: Any) -> Headers:
        grant = {"files": [10_000], "jobs": 1000}
        return {"Authorization": f"Bearer {Issuer('portal').token(key, grant=grant, **claims)}"}

    admin = await key_of(services, "anna", Role.ADMIN)
    acting, all_and_act = {"Haulage-On-Behalf-Of": OWNER}, ALL_SCOPES | {Scope.ACT_AS}
    service = await key_of(services, "portal", Role.ADMIN, scopes=all_and_act)
    demoted = await key_of(services, "former", scopes=all_and_act)
    narrow = frozenset({Scope.FILES_READ})
    writer = frozenset({Scope.JOBS_READ, Scope.JOBS_WRITE})
    return [
        Caller("anonymous", {}, None, is_visitor=shared.settings.anonymous == "read"),
        Caller("owner", await key_of(services, OWNER, groups=["team"]), Role.USER, owns=True),
        Caller("owner's session", await session_of(services, OWNER), Role.USER, owns=True, is_person=True),
        Caller(
            "owner without scopes", await key_of(services, OWNER, scopes=narrow), Role.USER, owns=True, scopes=narrow
        ),
        Caller("owner who writes", await key_of(services, OWNER, scopes=writer), Role.USER, owns=True, scopes=writer),
        Caller("other", await key_of(services, "otto"), Role.USER),
        Caller("same group", await key_of(services, "gerd", groups=["team"]), Role.USER),
        Caller("support", await key_of(services, "susi", Role.SUPPORT), Role.SUPPORT),
        Caller("operator", await key_of(services, "oskar", Role.OPERATOR), Role.OPERATOR),
        Caller("admin", admin, Role.ADMIN),
        Caller("expired", expired, None),
        Caller("revoked", revoked, None),
        Caller("foreign grant", bearer(grant_key), Role.USER, scopes=GRANT_SCOPES, has_grant=True),
        Caller("grant for another server", bearer(grant_key, aud="other"), None),
        Caller("grant of an unknown key", bearer(ec_key("k1")), None),
        Caller(
            "acting for a namesake of the owner", acting | service, Role.USER, scopes=ALL_SCOPES - {Scope.ACCESS_MANAGE}
        ),
        Caller("acting without the scope", acting | admin, None, refused=403),
        Caller("acting with a session", acting | await session_of(services, "anna", Role.ADMIN), None, refused=403),
        Caller("acting without the role", acting | demoted, None, refused=403),
        Caller("unknown key", {"Authorization": "Bearer haulage_" + "0" * 64}, None),
    ]


STATES = {
    "cancel": "queued",
    "retry": "failed",
    "delete": "dead",
    "sendParts": "upload",
    "parts": "upload",
    "completeUpload": "upload",
    "uploadStatus": "upload",
    "uploadStatusAlias": "upload",
}
"""The state of the job that an operation needs; `completed` for all others."""
BODIES: dict[str, dict[str, Any]] = {
    "initiate": {"file_ids": [10_000]},
    "check": {"file_ids": [10_000]},
    "start": {"file_id": 10_000},
    "signIn": {"link": "unknown"},
    "createKey": {"name": "backup"},
    "upload": {"files": [{"name": "a", "size": 1}]},
    "reprocess": {},
    "sendParts": {"sign": [{"number": 1, "crc32": "00000000"}]},
}
OWN_ANSWERS = {"signIn"}
"""They refuse for reasons of their own, which their tests have: a wrong link."""


async def _job(shared: Shared, state: str) -> Job:
    if state == "upload":
        return (await shared.services.uploads.create(OWNER, [NewUpload(name="a", size=1)]))[0]
    if state == "dead":
        return await shared.dead(owner=OWNER)
    return await in_state(shared, state, owner=OWNER)


async def _request(shared: Shared, operation: Operation, caller: Caller, job: Job) -> httpx.Response:
    path = operation.path.replace("{jobId}", str(job.id)).replace("{id}", "unknown")
    if operation.name == "streamMany":
        path += f"?jobs={job.id}:0"
    headers = {"Prefer": "respond-async"} | caller.headers
    if operation.name.startswith("diagnose") and operation.media_type == "text/event-stream":
        path += "?silence=0"
    if operation.form is not None:
        return await shared.api.request(operation.method, path, headers=headers, files={"file": b"x"})
    if operation.name == "streamOverview":  # it does not end by itself
        async with shared.api.stream(operation.method, path, headers=headers) as answer:
            if answer.is_error:
                await answer.aread()
            return answer
    body = BODIES.get(operation.name)
    return await shared.api.request(operation.method, path, headers=headers, json=body)


async def operation_violations(shared: Shared, operation: Operation, everybody: list[Caller]) -> list[str]:
    """What the operation does that its rule forbids, or refuses that it allows."""
    found: list[str] = []
    state = STATES.get(operation.name, "completed")
    kept = await _job(shared, state)
    for caller in everybody:
        expected = caller.expected(operation.rule)
        stranger = caller.role is Role.USER and not caller.owns
        if operation.name == "streamMany" and expected is None and stranger:
            expected = 404  # the job that it names is not the caller's
        admitted = expected is None
        changes = admitted and operation.method != "GET" and "{jobId}" in operation.path
        job = await _job(shared, state) if changes else kept
        for attempt in range(2):
            answer = await _request(shared, operation, caller, job)
            refusal = answer.status_code if answer.status_code in {401, 403, 404} else None
            own_answers = OWN_ANSWERS | ({"files", "filesAlias"} if caller.name == "foreign grant" else set())
            if caller.refused == 403:
                own_answers |= {"session"}  # it says who the caller is, which can't be told
            unknown = "{id}" in operation.path or "{name}" in operation.path
            if admitted and (operation.name in own_answers or unknown or (changes and attempt)):
                refusal = None  # for a reason of its own: nothing has this id, the first attempt has deleted the job
            if refusal != expected:
                found.append(f"{operation.name} as {caller.name}: {answer.status_code}, not {expected}")
            if refusal == 404 and operation.method != "HEAD" and answer.json()["error"] != "job_not_found":
                found.append(f"{operation.name} as {caller.name}: {answer.json()['error']}")
            if admitted and stranger and str(kept.id) in answer.text:
                found.append(f"{operation.name} as {caller.name}: shows a job of another")
    return found


async def poll_violations(shared: Shared, everybody: list[Caller], used_short_way: Callable[[], bool]) -> list[str]:
    """The short way of polls of a job that is followed, with and without the ETag that the owner has."""
    found: list[str] = []
    job = await shared.processing(owner=OWNER)
    path = f"/v1/download/job/{job.id}"
    owner = next(caller for caller in everybody if caller.owns)
    [rule] = [one.rule for one in OPERATIONS if one.name == "status"]
    etag = ""
    for _ in range(50):
        answer = await shared.api.get(path, headers=owner.headers)
        etag = answer.headers["etag"]
        if used_short_way():
            break
    else:
        return ["the owner's polls never took the short way"]
    for caller in everybody:
        for headers in ({}, {"If-None-Match": etag}, {}, {"If-None-Match": etag}):
            answer = await shared.api.get(path, headers={**headers, **caller.headers})
            problem = answer.status_code if answer.status_code in {401, 403, 404} else None
            if problem != caller.expected(rule):
                found.append(f"poll as {caller.name}: {answer.status_code}, not {caller.expected(rule)}")
    return found


async def socket_violations(shared: Shared, everybody: list[Caller]) -> list[str]:
    """Both WebSockets: the close code, or the error of the one job that is not the caller's."""
    found: list[str] = []
    job = await shared.processing(owner=OWNER)
    codes = {401: "4401", 403: "4403", 404: "4404", None: "snapshot"}
    for caller in everybody:
        for _ in range(2):
            seen = await _first_of_one(shared, job, caller)
            wanted = codes[caller.expected(sockets.ONE_RULE)]
            if seen != wanted:
                found.append(f"socket as {caller.name}: {seen}, not {wanted}")
            seen = await _first_of_many(shared, job, caller)
            expected = caller.expected(sockets.MANY_RULE)
            hidden = expected is None and not caller.owns and caller.role is Role.USER
            wanted = "job_not_found" if hidden else codes[expected]
            if seen != wanted:
                found.append(f"socket of many as {caller.name}: {seen}, not {wanted}")
    return found


async def _first_of_one(shared: Shared, job: Job, caller: Caller) -> str:
    return await _first(shared, f"/v1/download/subscribe/{job.id}", caller, None)


async def _first_of_many(shared: Shared, job: Job, caller: Caller) -> str:
    follow = {"type": "follow", "jobs": [{"jobId": str(job.id), "since": 0}]}
    return await _first(shared, "/v1/download/subscribe", caller, json.dumps(follow))


async def _first(shared: Shared, path: str, caller: Caller, message: str | None) -> str:
    url = str(shared.api.base_url).replace("http", "ws").rstrip("/") + path
    async with connect(url, additional_headers=caller.headers) as socket:
        try:
            if message is not None:
                await socket.send(message)
            first = json.loads(await socket.recv())
        except ConnectionClosed as closed:
            return str(closed.rcvd.code if closed.rcvd else None)
        return str(first.get("error") or first["type"]) if first["type"] == "error" else str(first["type"])
