"""Keys, sessions and tickets: what they open, what ends them, and what a refusal says."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.access.credentials import digest_of, new_secret
from app.access.principals import Role, Scope
from jobs.access.audit import list_entries
from jobs.access.sessions import add_sign_in_link
from jobs.access.users import save_user
from jobs.engine.worker.retention import Retention
from jobs.services import Services
from tests.app.shared import Shared, link, problem
from tests.helpers.access import key_of, session_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually

JOBS, SESSION, KEYS = "/v1/download/jobs", "/v1/access/session", "/v1/access/keys"


async def execute(services: Services, statement: str, **values: Any) -> Any:
    async with services.database.begin() as connection:
        return await connection.execute(text(statement), values)


async def link_for(services: Services, owner: str, role: Role = Role.USER) -> str:
    secret = new_secret()
    await save_user(services.database, owner, role)
    await add_sign_in_link(services.database, digest_of(secret), owner, 900)
    return secret


async def test_a_refusal_says_what_to_do(required: Shared) -> None:
    answer = problem(await required.api.get(JOBS), 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="haulage"'
    assert "HAULAGE_TOKEN" in answer.json()["message"]
    key = await key_of(required.services, "olga", scopes=[Scope.FILES_READ])
    assert "jobs:read" in problem(await required.api.get(JOBS, headers=key), 403, "forbidden").json()["message"]


async def test_only_the_sha_256_of_a_secret_is_kept(required: Shared) -> None:
    key, session = await key_of(required.services, "olga"), await session_of(required.services, "olga")
    for table in ("access_keys", "access_sessions"):
        [row] = (await execute(required.services, f"SELECT {table}::text AS row FROM {table}")).all()
        assert key["Authorization"].split("_")[1] not in row.row
        assert session["Cookie"].split("=")[1] not in row.row


async def test_a_link_signs_in_once(required: Shared) -> None:
    link = await link_for(required.services, "olga", Role.OPERATOR)
    answer = await required.api.post(SESSION, json={"link": link})
    assert (answer.status_code, answer.json()["user"], answer.json()["role"]) == (200, "olga", "operator")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("haulage_session=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert (await required.api.get(JOBS)).status_code == 200
    assert (await required.api.get(SESSION)).json()["user"] == "olga"
    required.api.cookies.clear()
    problem(await required.api.post(SESSION, json={"link": link}), 401, "unauthenticated")
    assert (await required.api.get(SESSION)).json() == {
        "mode": "required", "user": None, "role": None, "scopes": [], "groups": [], "proof": None, "expiresAt": None,
        "signIn": {"provider": None, "proxy": False},
    }  # fmt: skip


@pytest.mark.parametrize("changes", [{"auth_mode": "required", "public_url": "https://site.example"}])
async def test_the_cookie_of_an_https_site_is_bound_to_its_host(required: Shared) -> None:
    link = await link_for(required.services, "olga")
    answer = await required.api.post(SESSION, json={"link": link})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-haulage_session=")
    assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


async def test_an_expired_link_signs_nobody_in(required: Shared) -> None:
    link = await link_for(required.services, "olga")
    await execute(required.services, "UPDATE access_sign_in_links SET expires_at = now() - interval '1 s'")
    problem(await required.api.post(SESSION, json={"link": link}), 401, "unauthenticated")


async def test_sign_out_ends_the_session_and_only_it(required: Shared) -> None:
    one, other = await session_of(required.services, "olga"), await session_of(required.services, "olga")
    answer = await required.api.delete(SESSION, headers=one)
    assert answer.status_code == 204
    assert 'haulage_session=""' in answer.headers["set-cookie"]
    assert (await required.api.get(JOBS, headers=one)).status_code == 401
    assert (await required.api.get(JOBS, headers=other)).status_code == 200
    assert (await required.api.delete(SESSION)).status_code == 204


@pytest.mark.parametrize("column", ["seen_at = now() - interval '13 h'", "expires_at = now() - interval '1 s'"])
async def test_an_idle_or_old_session_is_over(required: Shared, column: str) -> None:
    session = await session_of(required.services, "olga")
    await execute(required.services, f"UPDATE access_sessions SET {column}")
    problem(await required.api.get(JOBS, headers=session), 401, "unauthenticated")


CROSS_SITE: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]


@pytest.mark.parametrize("headers", CROSS_SITE)
async def test_a_page_of_another_site_can_not_use_the_cookie(required: Shared, headers: dict[str, str]) -> None:
    session, key = await session_of(required.services, "olga"), await key_of(required.services, "olga")
    body = {"file_ids": [10_000]}
    forged = await required.api.post("/v1/download/initiate", json=body, headers={**session, **headers})
    problem(forged, 403, "forbidden_origin")
    assert await required.rows() == (0, 0, 0)
    with_key = await required.api.post("/v1/download/initiate", json=body, headers={**key, **headers})
    assert with_key.status_code == 202, "a key is never sent by a browser on its own"
    link = await link_for(required.services, "olga")
    problem(await required.api.post(SESSION, json={"link": link}, headers=headers), 403, "forbidden_origin")


async def test_the_secret_of_a_session_is_no_bearer_token(required: Shared) -> None:
    """Also not once its cookie was verified: a bearer token is not subject to the check of the page's origin."""
    session = await session_of(required.services, "olga")
    assert (await required.api.get(JOBS, headers=session)).status_code == 200
    bearer = {"Authorization": f"Bearer {session['Cookie'].partition('=')[2]}", "Sec-Fetch-Site": "cross-site"}
    problem(await required.api.get(JOBS, headers=bearer), 401, "invalid_token")


@pytest.mark.parametrize("changes", [{"auth_mode": "required", "public_url": "https://site.example"}])
async def test_over_https_the_plain_cookie_counts_nowhere(required: Shared) -> None:
    session = await session_of(required.services, "olga")
    job = await required.processing(owner="olga")
    for name, status in (("__Host-haulage_session", 200), ("haulage_session", 401)):
        headers = {"Cookie": f"{name}={session['Cookie'].partition('=')[2]}"}
        for path in (JOBS, link(job), link(job)):
            assert (await required.api.get(path, headers=headers)).status_code == status


async def test_a_page_of_this_site_can(required: Shared) -> None:
    session = await session_of(required.services, "olga")
    own = str(required.api.base_url).rstrip("/")
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": own}, {}):
        answer = await required.api.post(
            "/v1/download/initiate", json={"file_ids": [10_000]}, headers={**session, **headers}
        )
        assert answer.status_code == 202


async def test_keys_and_sessions_are_listed_and_revoked_by_their_owner_and_admins(required: Shared) -> None:
    services, api = required.services, required.api
    olga = await key_of(services, "olga", key_id="olgaskey")
    otto = await key_of(services, "otto")
    anna = await session_of(services, "anna", Role.ADMIN, session_id="annas")
    assert [one["id"] for one in (await api.get("/v1/access/keys", headers=olga)).json()["keys"]] == ["olgaskey"]
    assert {one["owner"] for one in (await api.get("/v1/access/keys", headers=anna)).json()["keys"]} == {"olga", "otto"}
    problem(await api.delete("/v1/access/keys/olgaskey", headers=otto), 404, "not_found")
    problem(await api.delete("/v1/access/sessions/annas", headers=otto), 404, "not_found")
    assert (await api.delete("/v1/access/keys/olgaskey", headers=anna)).status_code == 204
    problem(await api.get(JOBS, headers=olga), 401, "unauthenticated")
    [session] = (await api.get("/v1/access/sessions", headers=anna)).json()["sessions"]
    assert (session["id"], session["owner"], session["current"]) == ("annas", "anna", True)
    problem(await api.get("/v1/access/audit", headers=otto), 403, "forbidden")
    entries = (await api.get("/v1/access/audit", headers=anna)).json()["entries"]
    [entry] = [one for one in entries if one["action"] == "revokeKey"]
    assert (entry["actor"], entry["proof"], entry["subject"]) == ("anna", "session:annas", "olgaskey")
    assert entry["address"] == "127.0.0.1"


async def test_an_admin_lists_the_keys_and_sessions_of_one_user(required: Shared) -> None:
    await key_of(required.services, "olga", key_id="olgaskey")
    otto, anna = await session_of(required.services, "otto"), await session_of(required.services, "anna", Role.ADMIN)
    for owner, keys, sessions in (("olga", ["olgaskey"], 0), ("otto", [], 1)):
        found = await required.api.get(f"/v1/access/keys?owner={owner}", headers=anna)
        assert [one["id"] for one in found.json()["keys"]] == keys
        found = await required.api.get(f"/v1/access/sessions?owner={owner}", headers=anna)
        assert len(found.json()["sessions"]) == sessions
    for path in ("keys", "sessions"):
        problem(await required.api.get(f"/v1/access/{path}?owner=anna", headers=otto), 403, "forbidden")
        assert (await required.api.get(f"/v1/access/{path}?owner=otto", headers=otto)).status_code == 200


async def test_who_has_signed_in_creates_a_key_that_is_shown_once(required: Shared) -> None:
    olga, api = await session_of(required.services, "olga", session_id="olgas"), required.api
    new = {"name": "backup", "scopes": ["jobs:read"], "expiresIn": 3600}
    answer = await api.post(KEYS, json=new, headers=olga)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    created = answer.json()
    assert (created["owner"], created["name"], created["scopes"]) == ("olga", "backup", ["jobs:read"])
    lifetime = datetime.fromisoformat(created["expiresAt"]) - datetime.fromisoformat(created["createdAt"])
    assert abs(lifetime - timedelta(hours=1)) < timedelta(minutes=1)
    bearer = {"Authorization": f"Bearer {created.pop('key')}"}
    assert (await api.get(JOBS, headers=bearer)).status_code == 200
    problem(await api.post("/v1/download/initiate", json={"file_ids": [10_000]}, headers=bearer), 403, "forbidden")
    [listed] = (await api.get(KEYS, headers=olga)).json()["keys"]
    assert listed == created | {"usedAt": listed["usedAt"]}
    [entry] = await list_entries(required.services.database, None, None, 10)
    assert (entry.action.action, entry.action.proof, entry.action.subject) == (
        "createKey",
        "session:olgas",
        created["id"],
    )
    usual = (await api.post(KEYS, json={"name": "usual"}, headers=olga)).json()
    assert usual["scopes"] == ["files:read", "files:write", "jobs:read", "jobs:write", "results:read"]
    forever = (await api.post(KEYS, json={"name": "for ever", "expiresIn": None}, headers=olga)).json()
    assert forever["expiresAt"] is None


async def test_only_an_admin_creates_a_key_that_acts_for_others(required: Shared) -> None:
    new = {"name": "portal", "scopes": ["jobs:read", "act_as"]}
    olga, anna = await session_of(required.services, "olga"), await session_of(required.services, "anna", Role.ADMIN)
    answer = problem(await required.api.post(KEYS, json=new, headers=olga), 403, "forbidden")
    assert "act_as" in answer.json()["message"]
    assert (await required.api.post(KEYS, json=new, headers=anna)).status_code == 201


async def test_a_key_creates_no_other(required: Shared) -> None:
    key = await key_of(required.services, "olga")
    answer = problem(await required.api.post(KEYS, json={"name": "next"}, headers=key), 403, "forbidden")
    assert "signed in" in answer.json()["message"]


@pytest.mark.parametrize(
    "new",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["jobs"]},
        {"name": "x", "expiresIn": 0},
    ],
)
async def test_a_key_has_a_name_and_known_scopes(required: Shared, new: dict[str, Any]) -> None:
    olga = await session_of(required.services, "olga")
    problem(await required.api.post(KEYS, json=new, headers=olga), 400, "invalid_request")


async def test_a_user_has_a_hundred_valid_keys_at_most(required: Shared) -> None:
    olga = await session_of(required.services, "olga")
    await execute(
        required.services,
        "INSERT INTO access_keys (id, hash, owner, name, scopes)"
        " SELECT 'key' || n, sha256(n::text::bytea), 'olga', 'x', '{}' FROM generate_series(1, 100) AS n",
    )
    problem(await required.api.post(KEYS, json={"name": "x"}, headers=olga), 400, "invalid_request")
    assert (await required.api.delete(f"{KEYS}/key7", headers=olga)).status_code == 204
    assert (await required.api.post(KEYS, json={"name": "x"}, headers=olga)).status_code == 201


async def test_the_audit_names_the_job_of_a_new_download(required: Shared) -> None:
    olga = await key_of(required.services, "olga", key_id="olgaskey")
    anna = await key_of(required.services, "anna", Role.ADMIN)
    answer = await required.api.post("/v1/download/initiate", json={"file_ids": [10_000]}, headers=olga)
    [entry] = (await required.api.get("/v1/access/audit", headers=anna)).json()["entries"]
    assert (entry["actor"], entry["proof"], entry["action"]) == ("olga", "key:olgaskey", "initiate")
    assert (entry["subject"], entry["requestId"]) == (answer.json()["jobId"], answer.headers["x-request-id"])


async def test_a_job_that_cannot_be_recorded_in_the_audit_is_not_created(required: Shared) -> None:
    olga = await key_of(required.services, "olga")
    await execute(required.services, "ALTER TABLE access_audit ADD CONSTRAINT refused CHECK (action <> 'initiate')")
    answer = await required.api.post("/v1/download/initiate", json={"file_ids": [10_000]}, headers=olga)
    assert answer.status_code == 500
    assert (await execute(required.services, "SELECT count(*) FROM jobs")).scalar_one() == 0


async def test_a_repeated_request_creates_nothing_and_is_recorded_once(required: Shared) -> None:
    olga = await key_of(required.services, "olga") | {"Idempotency-Key": "twice"}
    for _ in range(2):
        answer = await required.api.post("/v1/download/initiate", json={"file_ids": [10_000]}, headers=olga)
        assert answer.status_code == 202
    entries = await list_entries(required.services.database, "olga", None, 10)
    assert [one.action.subject for one in entries] == [answer.json()["jobId"]]


async def test_the_audit_names_a_job_whose_client_has_left(required: Shared, catalogue: Catalogue) -> None:
    olga, file_id = await key_of(required.services, "olga"), await catalogue.add(b"data")
    with suppress(httpx.ReadTimeout):
        await required.api.post("/v1/download/start", json={"file_id": file_id}, headers=olga, timeout=1)
    found = await eventually(lambda: list_entries(required.services.database, "olga", None, 10))
    [job] = (await execute(required.services, "SELECT id FROM jobs")).scalars()
    assert [(one.action.action, one.action.subject) for one in found] == [("start", str(job))]


async def test_the_audit_names_who_gets_the_result_of_somebody_else(required: Shared) -> None:
    job = await required.completed(of=await required.processing(owner="olga"))
    for name, role in (("olga", Role.USER), ("olga", Role.OPERATOR), ("otto", Role.OPERATOR), ("sue", Role.SUPPORT)):
        headers = await key_of(required.services, name, role)
        for rest in ("/file", "/download-url"):
            answer = await required.api.get(link(job, rest), headers=headers)
            assert answer.status_code == (403 if name == "sue" else 303 if rest == "/file" else 200)
    found = await list_entries(required.services.database, None, None, 10)
    assert [(one.action.actor, one.action.action, one.action.subject) for one in found] == [
        ("otto", "downloadUrl", str(job.id)),
        ("otto", "file", str(job.id)),
    ]


async def test_a_ticket_opens_one_stream_as_its_holder(required: Shared) -> None:
    services, api = required.services, required.api
    olga, otto = await key_of(services, "olga"), await key_of(services, "otto")
    job = await required.completed(of=await required.processing(owner="olga"))

    async def opened(headers: dict[str, str]) -> httpx.Response:
        ticket = (await api.post("/v1/access/tickets", headers=headers)).json()["ticket"]
        answers = [await api.get(f"/v1/download/stream/{job.id}?ticket={ticket}") for _ in range(2)]
        problem(answers[1], 401, "unauthenticated")
        return answers[0]

    assert f'"jobId":"{job.id}"' in (await opened(olga)).text
    problem(await opened(otto), 404, "job_not_found")
    ticket = (await api.post("/v1/access/tickets", headers=olga)).json()["ticket"]
    assert (await api.get(f"{JOBS}?ticket={ticket}")).status_code == 401, "it follows jobs and does nothing else"
    await execute(services, "UPDATE access_tickets SET expires_at = now() - interval '1 s'")
    problem(await api.get(f"/v1/download/stream/{job.id}?ticket={ticket}"), 401, "unauthenticated")


@pytest.mark.parametrize("changes", [{"auth_mode": "open"}])
async def test_an_open_gateway_looks_at_no_credential(required: Shared) -> None:
    answer = await required.api.get(JOBS, headers={"Authorization": "Bearer haulage_wrong"})
    assert answer.status_code == 200
    caller = (await required.api.get(SESSION)).json()
    assert (caller["mode"], caller["user"], caller["role"]) == ("open", "anonymous", "admin")
    assert json.dumps(caller["scopes"])
    problem(await required.api.post(SESSION, json={"link": "any"}), 403, "forbidden")


@pytest.mark.parametrize("changes", [{"auth_mode": "open"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "keys"),
        ("POST", "keys"),
        ("DELETE", "keys/olgaskey"),
        ("GET", "sessions"),
        ("DELETE", "sessions/olgas"),
        ("GET", "audit"),
        ("POST", "tickets"),
    ],
)
async def test_nobody_manages_access_where_everybody_is_the_same(required: Shared, method: str, path: str) -> None:
    await key_of(required.services, "olga", key_id="olgaskey")
    answer = problem(await required.api.request(method, f"/v1/access/{path}"), 403, "forbidden")
    assert "AUTH_MODE" in answer.json()["message"]
    assert (await execute(required.services, "SELECT revoked_at FROM access_keys")).scalar_one() is None


async def test_old_entries_of_the_audit_are_deleted(required: Shared) -> None:
    olga = await key_of(required.services, "olga")
    for _ in range(3):
        await required.api.post("/v1/download/initiate", json={"file_ids": [10_000]}, headers=olga)
    await execute(required.services, "UPDATE access_audit SET at = now() - interval '366 d' WHERE number < 3")
    await Retention(required.services.database, 3600).delete_rows()
    assert (await execute(required.services, "SELECT count(*) FROM access_audit")).scalar_one() == 1


async def test_support_lists_the_jobs_of_others_by_their_owner(required: Shared) -> None:
    job, dead = await required.processing(owner="olga"), await required.dead(owner="olga")
    for role, status in ((Role.USER, 403), (Role.SUPPORT, 200), (Role.OPERATOR, 200)):
        headers = await key_of(required.services, "somebody", role)
        jobs = await required.api.get(f"{JOBS}?owner=olga", headers=headers)
        deads = await required.api.get("/v1/download/dead?owner=olga", headers=headers)
        assert (jobs.status_code, deads.status_code) == (status, status)
        if status == 200:
            assert [one["jobId"] for one in jobs.json()["jobs"]] == [str(dead.id), str(job.id)]
            assert [one["jobId"] for one in deads.json()["jobs"]] == [str(dead.id)]
        assert (await required.api.get(JOBS, headers=headers)).json()["jobs"] == []
