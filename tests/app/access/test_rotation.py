"""An issuer that rotates its key while many streams are open: each goes on with a token that the new key has signed."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from app.access import control
from app.access.bearer_tokens import BearerTokens, owner_of
from app.access.key_sets import FETCH_INTERVAL
from app.access.tokens import LEEWAY
from app.following.hub import Hub
from tests.app.shared import Shared
from tests.helpers.eventually import PATIENCE, eventually
from tests.helpers.issuers import JWKS, Clock, Issuer, ec_key

STREAMS = 100


@pytest.fixture
def changes(issuer: Issuer) -> dict[str, Any]:
    return {"auth_mode": "required", "jwt_issuers": ((issuer.url, None),)}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """That of the gateway, for the age of keys."""
    moved = Clock(1_000_000)
    monkeypatch.setattr(control, "BearerTokens", partial(BearerTokens, clock=moved))
    return moved


async def renewed(socket: ClientConnection, token: str) -> None:
    """Follows a job, sends a new token when that is demanded, and goes on to the end of the job."""
    types = [json.loads(await socket.recv())["type"]]
    while types[-1] != "reauth":
        types.append(json.loads(await socket.recv())["type"])
    await socket.send(json.dumps({"type": "reauth", "token": token}))
    types += [json.loads(message)["type"] async for message in socket]
    assert "error" not in types
    assert (types[-1], socket.close_code) == ("cancelled", 1000)


@pytest.mark.usefixtures("clock", "hubs")
@pytest.mark.timeout(240)
async def test_a_rotation_refuses_none_of_a_hundred_streams(
    clock: Clock, hubs: list[Hub], required: Shared, issuer: Issuer
) -> None:
    [first], second = issuer.keys, ec_key("second")
    job = await required.processing(owner=owner_of(issuer.url, "alice"))
    url = str(required.api.base_url).replace("http", "ws").rstrip("/") + f"/v1/download/subscribe/{job.id}"
    ends = int(time.time() - LEEWAY + PATIENCE)  # it is due to be renewed at once, and accepted until then
    sockets: list[ClientConnection] = []
    try:
        for number in range(STREAMS):
            token = issuer.token(first, exp=ends, jti=f"first-{number}")
            sockets.append(await connect(url, additional_headers={"Authorization": f"Bearer {token}"}))
        assert issuer.requests[JWKS] == 1
        issuer.keys = [first, second]
        clock.now += FETCH_INTERVAL
        tokens = [issuer.token(second, jti=f"second-{number}") for number in range(STREAMS)]
        following = [asyncio.create_task(renewed(socket, token)) for socket, token in zip(sockets, tokens, strict=True)]
        [hub] = hubs
        soon = datetime.now(UTC) + timedelta(seconds=2 * PATIENCE)

        def is_renewed() -> bool:
            expiries = [client.principal.expires_at for client in hub._clients.values()]  # noqa: SLF001
            return len(expiries) == STREAMS and all(one is not None and one > soon for one in expiries)

        await eventually(is_renewed)
        await required.services.lifecycle.cancel(job.id)
        await asyncio.gather(*following)
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets))
    assert issuer.requests[JWKS] == 2
