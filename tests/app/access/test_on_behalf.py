"""Keys that act for users of an app: whose jobs they are, and who may not do it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.access.principals import ALL_SCOPES, Role, Scope
from jobs.access.audit import list_entries
from jobs.access.users import save_user
from tests.app.shared import Shared, link, problem
from tests.helpers.access import Headers, key_of, session_of

INITIATE = "/v1/download/initiate"


def acting(key: Headers, user: str) -> Headers:
    return {**key, "Haulage-On-Behalf-Of": user}


async def service_key(required: Shared, owner: str = "portal", role: Role = Role.ADMIN, **options: Any) -> Headers:
    return await key_of(required.services, owner, role, scopes=ALL_SCOPES | {Scope.ACT_AS}, **options)


async def test_jobs_belong_to_the_user_of_the_app(required: Shared) -> None:
    api, file_id = required.api, await required.catalogue.add(b"x", "x.txt")
    key, other_key = await service_key(required, key_id="first"), await service_key(required)
    shop = await service_key(required, "shop")
    namesake = await key_of(required.services, "user-7")
    job = (await api.post(INITIATE, json={"file_ids": [file_id]}, headers=acting(key, "user-7"))).json()["jobId"]
    path = f"/v1/download/job/{job}"
    for headers, status in (
        (acting(key, "user-7"), 200),
        (acting(key, "user-8"), 404),
        (acting(other_key, "user-7"), 200),
        (acting(shop, "user-7"), 404),
        (namesake, 404),
    ):
        for _ in range(4):  # also when it is known who that is
            assert (await api.get(path, headers=headers)).status_code == status
            listed = (await api.get("/v1/download/jobs", headers=headers)).json()["jobs"]
            assert [one["jobId"] for one in listed] == ([job] if status == 200 else [])
    who = (await api.get("/v1/access/session", headers=acting(key, "user-7"))).json()
    assert (who["user"], who["role"], who["proof"]) == ("key:portal|user-7", "user", "key")
    assert not {"act_as", "access:manage"} & set(who["scopes"])
    [entry] = [one.action for one in await list_entries(required.services.database, None, None, 10)]
    assert (entry.actor, entry.proof, entry.action, entry.subject) == (
        "key:portal|user-7",
        "key:first",
        "initiate",
        job,
    )


async def test_cached_polls_know_for_whom_they_are(required: Shared) -> None:
    key = await service_key(required)
    job = await required.processing(owner="key:portal|user-7")
    etag = ""
    for _ in range(20):
        etag = (await required.api.get(link(job), headers=acting(key, "user-7"))).headers["etag"]
    for _ in range(5):
        for user, status in (("user-7", 304), ("user-8", 404), ("user-7|x", 400)):
            seen = {**acting(key, user), "If-None-Match": etag}
            assert (await required.api.get(link(job), headers=seen)).status_code == status


@pytest.mark.parametrize("name", ["", "a|b", "anonymous", "a" * 256])
async def test_what_is_no_name_is_refused(required: Shared, name: str) -> None:
    key = await service_key(required)
    problem(await required.api.get("/v1/download/jobs", headers=acting(key, name)), 400, "invalid_request")


async def test_only_keys_of_admins_with_the_scope_act_for_others(required: Shared) -> None:
    services = required.services
    for headers in (
        await key_of(services, "anna", Role.ADMIN),
        await session_of(services, "anna", Role.ADMIN),
        await service_key(required, "oskar", Role.OPERATOR),
    ):
        assert (await required.api.get("/v1/download/jobs", headers=headers)).status_code == 200
        problem(await required.api.get("/v1/download/jobs", headers=acting(headers, "user-7")), 403, "forbidden")


@pytest.mark.parametrize("way", ["key", "ticket"])
async def test_streams_end_when_the_user_of_the_key_is_no_admin_any_more(required: Shared, way: str) -> None:
    headers, query = acting(await service_key(required), "user-7"), ""
    job = await required.processing(owner="key:portal|user-7")
    if way == "ticket":
        query = "?ticket=" + (await required.api.post("/v1/access/tickets", headers=headers)).json()["ticket"]
        headers = {}
    url = str(required.api.base_url).replace("http", "ws").rstrip("/") + f"/v1/download/subscribe/{job.id}{query}"
    async with asyncio.timeout(20), connect(url, additional_headers=headers) as socket:
        assert json.loads(await socket.recv())["type"] == "snapshot"
        await save_user(required.services.database, "portal", Role.OPERATOR)
        await required.services.feed.announce()
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    assert socket.close_code == 1012
