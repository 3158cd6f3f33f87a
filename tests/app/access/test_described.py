"""The responses of access control and of share links are as the OpenAPI document says."""

from __future__ import annotations

from typing import Any

from app.access.principals import Role
from tests.app.shared import Shared, link
from tests.app.test_openapi import checked
from tests.helpers.access import key_of, session_of


async def test_every_response_about_access_matches_its_schema(required: Shared) -> None:
    api, services = required.api, required.services
    document = (await api.get("/openapi.json")).json()
    admin = await key_of(services, "anna", Role.ADMIN, key_id="annaskey")
    session = await session_of(services, "anna", Role.ADMIN)
    user = await key_of(services, "olga", groups=["team"], expires_in=3600, key_id="olgaskey")
    await session_of(services, "olga", session_id="olgassession")
    job = await required.completed(of=await required.processing(owner="olga"))
    shares, sessions, keys = link(job, "/shares"), "/v1/access/sessions", "/v1/access/keys"
    made = (await api.post(shares, json={"maxUses": 2, "password": "x"}, headers=user)).json()
    exchanges: list[tuple[str, str, str, dict[str, Any], int]] = [
        ("get", "/v1/access/session", "/v1/access/session", user, 200),
        ("get", "/v1/access/session", "/v1/access/session", session, 200),
        ("get", "/v1/access/session", "/v1/access/session", {}, 200),
        ("get", sessions, sessions, session, 200),
        ("get", sessions, sessions, {}, 401),
        ("get", keys, keys, admin, 200),
        ("post", "/v1/access/tickets", "/v1/access/tickets", user, 201),
        ("post", "/v1/download/job/{jobId}/shares", shares, user, 201),
        ("get", "/v1/download/job/{jobId}/shares", shares, user, 200),
        ("delete", "/v1/download/job/{jobId}/shares/{id}", f"{shares}/{made['id']}", user, 204),
        ("delete", "/v1/download/job/{jobId}/shares/{id}", f"{shares}/{made['id']}", user, 404),
        ("delete", sessions + "/{id}", f"{sessions}/olgassession", admin, 204),
        ("delete", keys + "/{id}", f"{keys}/olgaskey", user, 204),
        ("get", "/v1/access/audit", "/v1/access/audit?limit=1", admin, 200),
        ("get", "/v1/notices", "/v1/notices", await key_of(services, "ulla"), 403),
        ("post", "/v1/notices/{id}/acknowledge", "/v1/notices/1/acknowledge", await key_of(services, "uwe"), 403),
        ("get", "/v1/access/audit", "/v1/access/audit", await key_of(services, "otto"), 403),
        ("delete", "/v1/access/session", "/v1/access/session", session | {"Sec-Fetch-Site": "same-origin"}, 204),
    ]
    for method, path, address, headers, status in exchanges:
        body = {"maxUses": 1} if method == "post" else None
        answer = await api.request(method, address, headers=headers, json=body)
        assert checked(answer, document["paths"][path][method], document) == status, (method, address, answer.text)
        if status == 200 and path != "/v1/access/session":
            assert all(answer.json().values()) or path == "/v1/access/audit", "a list without items shows nothing"
        if path == "/v1/access/audit" and status == 200:
            assert (answer.json()["entries"][0]["action"], answer.links["next"]["rel"]) == ("revokeKey", "next")


async def test_the_document_says_where_a_credential_is_needed(required: Shared) -> None:
    paths = (await required.api.get("/openapi.json")).json()["paths"]
    proofs: list[dict[str, Any]] = [{"key": []}, {"session": []}]
    assert paths["/v1/download/initiate"]["post"]["security"] == proofs
    assert paths["/v1/download/job/{jobId}/file"]["get"]["security"] == [*proofs, {}], "a share link needs none"
    assert "security" not in paths["/health"]["get"]
