"""What is revoked ends at once: polls that are answered from memory, and streams, also without Redis."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from time import monotonic
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app.access.control import AccessControl
from app.access.principals import Role
from jobs.access.keys import revoke_key
from jobs.access.users import purge
from tests.app.shared import Shared, link
from tests.helpers.access import key_of, session_of
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
    await required.services.feed._redis.flushall()  # noqa: SLF001 - what an operator might do
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
