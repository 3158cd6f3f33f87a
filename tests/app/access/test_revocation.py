"""What is revoked ends at once: polls that are answered from memory, and streams, also without Redis."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic, time
from typing import Any

import pytest
from joserfc.jwk import OctKey
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.access.control import AccessControl
from app.access.job_owners import JobOwners
from app.access.principals import ALL_SCOPES, Principal, Proof, Role
from app.access.revocations import Revocations
from app.access.tickets import principal_from, ticket_of
from jobs.access.keys import revoke_key
from jobs.access.users import adopt, purge, save_user
from jobs.batching import Batcher
from jobs.errors import UserNotFound
from jobs.services import Services
from tests.app.following.followers import until_subscribers
from tests.app.shared import Shared, link
from tests.helpers.access import key_of, session_of
from tests.helpers.eventually import eventually
from tests.helpers.issuers import signed
from tests.helpers.jobs import create
from tests.helpers.redis_clients import redis_of
from tests.helpers.settings import UNAVAILABLE

WITHIN = 3.0
"""Seconds within which a stream ends after its principal was revoked."""


async def closed_after(required: Shared, headers: dict[str, str], path: str, revoke: Any) -> tuple[int, float]:
    """The close code of a socket that receives, and how many seconds after `revoke` it came."""
    url = str(required.api.base_url).replace("http", "ws").rstrip("/") + path
    async with connect(url, additional_headers=headers) as socket:
        assert json.loads(await socket.recv())["type"] == "snapshot"
        await revoke()
        began = monotonic()
        with suppress(ConnectionClosed):
            async with asyncio.timeout(20):
                while True:
                    await socket.recv()
        return socket.close_code or 0, monotonic() - began


async def test_a_revoked_key_ends_its_streams_and_cached_verdicts(required: Shared) -> None:
    job = await required.processing(owner="olga")
    key = await key_of(required.services, "olga", key_id="olgaskey")
    other = await key_of(required.services, "olga")
    for _ in range(5):
        assert (await required.api.get(link(job), headers=key)).status_code == 200

    async def revoke() -> None:
        assert await revoke_key(required.services.database, "olgaskey")
        await required.services.feed.announce()

    code, seconds = await closed_after(required, key, f"/v1/download/subscribe/{job.id}", revoke)
    assert code == 4401
    assert seconds < WITHIN
    assert (await required.api.get(link(job), headers=key)).status_code == 401
    assert (await required.api.get(link(job), headers=other)).status_code == 200


async def test_a_demoted_user_has_to_connect_again(required: Shared) -> None:
    job = await required.processing(owner="otto")
    key = await key_of(required.services, "olga", Role.OPERATOR)
    ticket = (await required.api.post("/v1/access/tickets", headers=key)).json()["ticket"]
    for _ in range(3):
        assert (await required.api.get(link(job), headers=key)).status_code == 200

    async def demote() -> None:
        assert await save_user(required.services.database, "olga", Role.USER)

    code, seconds = await closed_after(required, key, f"/v1/download/subscribe/{job.id}", demote)
    assert (code, seconds < WITHIN) == (1012, True)
    assert (await required.api.get(link(job), headers=key)).status_code == 404
    answer = await required.api.get(f"/v1/download/stream/{job.id}?ticket={ticket}")
    assert answer.status_code == 404, "a ticket from before has the role of now"
    assert not await save_user(required.services.database, "olga", Role.USER), "nothing has changed"


async def test_a_long_poll_of_a_demoted_user_gets_no_status(required: Shared) -> None:
    job = await required.processing(owner="otto")
    key = await key_of(required.services, "olga", Role.OPERATOR)
    waiting = asyncio.create_task(required.api.get(link(job), headers={**key, "Prefer": "wait=60"}))
    await until_subscribers(required.services.feed, job, 1)
    await save_user(required.services.database, "olga", Role.USER)

    async def is_known() -> bool:
        return (await required.api.get(link(job), headers=key)).status_code == 404

    await eventually(is_known)
    await required.services.lifecycle.cancel(job.id)
    assert (await waiting).status_code == 404


async def test_streams_of_jobs_that_were_adopted_end(required: Shared) -> None:
    job = await required.processing(owner="olga")
    key = await key_of(required.services, "olga")
    await save_user(required.services.database, "otto")

    async def give_away() -> None:
        await adopt(required.services.database, "olga", "otto")

    code, seconds = await closed_after(required, key, f"/v1/download/subscribe/{job.id}", give_away)
    assert (code, seconds < WITHIN) == (1012, True)
    assert (await required.api.get(link(job), headers=key)).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {
            "auth_mode": "required",
            "jwt_secret": SecretStr("0123456789abcdef0123456789abcdef"),
            "jwt_secret_issuer": "portal",
            "operator_groups": ("operators",),
        }
    ],
    ids=["tokens"],
)
async def test_a_new_token_with_a_lower_role_ends_what_it_may_not_follow(required: Shared) -> None:
    theirs, own = await required.processing(owner="otto"), await required.processing(owner="portal|olga")

    def token(*groups: str) -> str:
        key = OctKey.import_key("0123456789abcdef0123456789abcdef")
        claims = {"iss": "portal", "sub": "olga", "aud": "haulage", "exp": time() + 60, "groups": groups}
        return signed(key, {"alg": "HS256"}, claims)

    headers = {"Authorization": f"Bearer {token('operators')}"}
    url = str(required.api.base_url).replace("http", "ws").rstrip("/") + "/v1/download/subscribe"
    async with asyncio.timeout(20), connect(url, additional_headers=headers) as socket:
        jobs = [{"jobId": str(job.id)} for job in (theirs, own)]
        await socket.send(json.dumps({"type": "follow", "jobs": jobs}))
        assert {json.loads(await socket.recv())["type"] for _ in jobs} == {"snapshot"}
        await socket.send(json.dumps({"type": "reauth", "token": token()}))
        refused = json.loads(await socket.recv())
        assert (refused["error"], refused["jobId"]) == ("job_not_found", str(theirs.id))
        for job in (theirs, own):
            await required.services.lifecycle.cancel(job.id)
        assert json.loads(await socket.recv())["jobId"] == str(own.id)


@pytest.mark.parametrize("changes", [{"auth_mode": "required", **UNAVAILABLE["redis"]}], ids=["without Redis"])
async def test_a_stream_ends_without_redis(required: Shared) -> None:
    job = await required.processing(owner="olga")
    session = await session_of(required.services, "olga", session_id="olgas")
    admin = await key_of(required.services, "anna", Role.ADMIN)

    async def revoke() -> None:
        answer = await required.api.delete("/v1/access/sessions/olgas", headers=admin)
        assert answer.status_code == 204

    code, seconds = await closed_after(required, session, f"/v1/download/subscribe/{job.id}", revoke)
    assert (code, seconds < WITHIN) == (4401, True)


async def test_a_stream_ends_when_the_push_is_lost(required: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sabotage: nothing is announced, neither here nor through Redis."""

    async def lost(_: AccessControl) -> None:
        """Announces nothing."""

    monkeypatch.setattr(AccessControl, "announce_revocation", lost)
    job = await required.processing(owner="olga")
    key = await key_of(required.services, "olga", key_id="olgaskey")

    async def revoke() -> None:
        assert await revoke_key(required.services.database, "olgaskey")

    code, seconds = await closed_after(required, key, f"/v1/download/subscribe/{job.id}", revoke)
    assert (code, seconds < WITHIN) == (4401, True)


async def test_a_flushed_redis_revives_nothing(required: Shared) -> None:
    key = await key_of(required.services, "olga", key_id="olgaskey")
    assert await revoke_key(required.services.database, "olgaskey")
    await redis_of(required.services.feed).flushall()
    assert (await required.api.get("/v1/download/jobs", headers=key)).status_code == 401


async def test_a_purged_user_is_out_at_once(required: Shared) -> None:
    job = await required.processing(owner="olga")
    key = await key_of(required.services, "olga")

    async def revoke() -> None:
        await purge(required.services.database, "olga")

    code, seconds = await closed_after(required, key, f"/v1/download/subscribe/{job.id}", revoke)
    assert (code, seconds < WITHIN) == (4401, True)
    assert (await required.api.get("/v1/download/jobs", headers=key)).status_code == 401


async def test_an_expiring_stream_is_told_and_goes_on_with_a_new_token(required: Shared) -> None:
    job = await required.processing(owner="olga")
    old, new = await key_of(required.services, "olga", expires_in=5), await key_of(required.services, "olga")
    stranger = await key_of(required.services, "otto")
    url = str(required.api.base_url).replace("http", "ws").rstrip("/") + f"/v1/download/subscribe/{job.id}"
    async with connect(url, additional_headers=old) as socket:
        assert json.loads(await socket.recv())["type"] == "snapshot"
        assert json.loads(await socket.recv())["type"] == "reauth"
        await socket.send(json.dumps({"type": "reauth", "token": stranger["Authorization"].split()[1]}))
        assert json.loads(await socket.recv())["error"] == "forbidden"
        await socket.send(json.dumps({"type": "reauth", "token": new["Authorization"].split()[1]}))
        await asyncio.sleep(6)
        await required.services.lifecycle.cancel(job.id)
        assert json.loads(await socket.recv())["type"] == "cancelled"


async def test_an_expired_stream_ends(required: Shared) -> None:
    job = await required.processing(owner="olga")
    key = await key_of(required.services, "olga", expires_in=2)

    async def nothing() -> None:
        """Time goes by."""

    code, seconds = await closed_after(required, key, f"/v1/download/subscribe/{job.id}", nothing)
    assert (code, seconds < 4) == (4401, True)


async def test_a_user_of_a_proxy_is_let_in_again_when_it_is_added_again(services: Services) -> None:
    """A proxy issues nothing: no later credential could count."""
    revocations = Revocations(services.database, lambda _: None)
    otto = Principal(owner="otto", scopes=ALL_SCOPES, proof=Proof.PROXY, proof_id="otto")
    token = replace(otto, proof=Proof.TOKEN, proof_id="1", issued_at=datetime.now(UTC) - timedelta(hours=1))
    ticket, undated = principal_from(ticket_of(otto, "t")), replace(token, issued_at=None)
    for _ in range(2):
        with suppress(UserNotFound):
            await purge(services.database, "otto")
        await revocations.refresh()
        assert [revocations.ends(one) for one in (otto, ticket, token, undated)] == [True, True, True, True]
        await save_user(services.database, "otto")
        await revocations.refresh()
        assert [revocations.ends(one) for one in (otto, ticket, token, undated)] == [False, False, True, True]


@pytest.mark.parametrize("way", ["stream", "subscribe"])
@pytest.mark.parametrize("proof", ["key", "ticket"])
async def test_a_stream_that_opens_during_a_revocation_is_refused(
    required: Shared, monkeypatch: pytest.MonkeyPatch, way: str, proof: str
) -> None:
    """The key is revoked, and this gateway has read that, between the verification and the registration."""
    job = await required.processing(owner="olga")
    key = await key_of(required.services, "olga", key_id="olgaskey")
    path, headers = f"/v1/download/{way}/{job.id}", key
    if proof == "ticket":
        ticket = (await required.api.post("/v1/access/tickets", headers=key)).json()["ticket"]
        path, headers = f"{path}?ticket={ticket}", {}
    begun, read = asyncio.Event(), asyncio.Event()
    of, refresh = JobOwners.of, Revocations.refresh

    async def slow(self: JobOwners, job_id: Any) -> str:
        begun.set()
        await read.wait()
        return await of(self, job_id)

    async def refreshed(self: Revocations) -> None:
        await refresh(self)
        if "key:olgaskey" in self._known:
            read.set()

    monkeypatch.setattr(JobOwners, "of", slow)
    monkeypatch.setattr(Revocations, "refresh", refreshed)

    async def opened() -> int:
        if way == "stream":
            async with asyncio.timeout(10):
                return (await required.api.get(path, headers=headers)).status_code
        url = str(required.api.base_url).replace("http", "ws").rstrip("/") + path
        async with connect(url, additional_headers=headers) as socket:
            with suppress(ConnectionClosed):
                async with asyncio.timeout(10):
                    await socket.recv()
            return socket.close_code or 0

    opening = asyncio.create_task(opened())
    await begun.wait()
    assert await revoke_key(required.services.database, "olgaskey")
    assert await opening == (401 if way == "stream" else 4401)


async def test_an_owner_that_was_read_before_jobs_were_adopted_is_not_remembered(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners, job = JobOwners(services.database), await create(services, 10_000, owner="olga")
    await save_user(services.database, "otto")
    read = Batcher.read

    async def during(self: Any, job_id: Any) -> Any:
        found = await read(self, job_id)
        if found == "olga":
            await adopt(services.database, "olga", "otto")
            owners.forget()
        return found

    monkeypatch.setattr(Batcher, "read", during)
    assert await owners.of(job.id) == "otto"
    assert owners.known(job.id) == "otto"
    assert not owners.remember(job.id, "olga", owners.generation - 1)
    assert owners.known(job.id) == "otto"
