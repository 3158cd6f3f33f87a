"""A poll with a verdict that is remembered costs no statement of PostgreSQL and no command of Redis."""

from __future__ import annotations

from time import time
from typing import Any

import asyncpg
import pytest
from joserfc.jwk import OctKey
from pydantic import SecretStr

from app.access import quotas, verdicts
from app.access.principals import ALL_SCOPES, Role, Scope
from app.following import reconciler
from jobs.engine.live import subscriptions
from jobs.engine.worker import conditions
from tests.app.shared import Shared, link
from tests.helpers.access import Headers, key_of, session_of
from tests.helpers.issuers import signed
from tests.helpers.redis_clients import redis_of

POLLS = 200
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway does once in ten minutes what it does whether or not it is polled; set before it starts."""
    monkeypatch.setattr(verdicts, "TTL", 600)
    for module, name in (
        (conditions, "INTERVAL"),
        (reconciler, "RECONCILE_INTERVAL"),
        (subscriptions, "PING"),
        (subscriptions, "PROBE_PAUSE"),
        (quotas, "QUEUE_INTERVAL"),
        (quotas, "REPORT_INTERVAL"),
    ):
        monkeypatch.setattr(module, name, 600)


@pytest.fixture
def changes() -> dict[str, Any]:
    return {
        "auth_mode": "required",
        "jwt_secret": SecretStr(SECRET),
        "jwt_secret_issuer": "portal",
        "reads_per_second": 10_000,
        "reads_burst": 10_000,
        "heartbeat_interval": 600,  # of the gateway, which is no part of a poll
        "lease_ttl": 3_600,
    }


async def credential(required: Shared, way: str) -> tuple[str, Headers]:
    """An owner of jobs, and the headers of its requests."""
    match way:
        case "key":
            return "olga", await key_of(required.services, "olga")
        case "session":
            return "olga", await session_of(required.services, "olga")
        case "token":
            claims = {"iss": "portal", "sub": "olga", "aud": "haulage", "exp": time() + 3600}
            token = signed(OctKey.import_key(SECRET), {"alg": "HS256"}, claims)
            return "portal|olga", {"Authorization": f"Bearer {token}"}
        case _:
            key = await key_of(required.services, "portal", Role.ADMIN, scopes=ALL_SCOPES | {Scope.ACT_AS})
            return "key:portal|olga", {**key, "Haulage-On-Behalf-Of": "olga"}


@pytest.mark.parametrize("way", ["key", "session", "token", "on behalf of a user"])
async def test_a_poll_costs_no_query(required: Shared, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    redis: Any = redis_of(required.services.queue)
    owner, headers = await credential(required, way)
    job = await required.processing(owner=owner)
    etag = ""
    for _ in range(20):
        etag = (await required.api.get(link(job), headers=headers)).headers["etag"]
    statements: list[str] = []
    execute = asyncpg.connection.Connection._execute  # noqa: SLF001

    async def counted(self: Any, query: str, *args: Any, **options: Any) -> Any:
        statements.append(query)
        return await execute(self, query, *args, **options)

    monkeypatch.setattr(asyncpg.connection.Connection, "_execute", counted)
    before = await redis.info("stats")
    answers = {
        (await required.api.get(link(job), headers={**headers, **seen})).status_code
        for _ in range(POLLS)
        for seen in ({}, {"If-None-Match": etag})
    }
    after = await redis.info("stats")
    assert answers == {200, 304}
    assert statements == []
    assert after["total_commands_processed"] - before["total_commands_processed"] < POLLS / 10
