"""What it costs that everybody has to prove who they are: requests to a gateway that demands it, and to an open one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from time import time

from joserfc.jwk import OctKey
from pydantic import SecretStr

from jobs.plans import USER_PLAN, PlanChange
from tests.bench import changes, load
from tests.bench.arena import Arena
from tests.bench.effort import Effort, middle
from tests.bench.load import Load
from tests.bench.report import Figure
from tests.helpers.access import Headers, key_of, session_of
from tests.helpers.issuers import signed

CONNECTIONS = 32
FILES = 100
POLLS, INITIATES = 0.8, 0.7
"""The least shares of the open gateway's rate."""
SECRET, ISSUER = "0123456789abcdef0123456789abcdef", "portal"
OWNER = f"{ISSUER}|bench"
USERS = [f"{ISSUER}|bench-{number}" for number in range(100)]
"""Who create jobs in turn: the jobs of one user are created one after the other."""
MANY = 1_000_000
COUNTED = {
    "plans": {
        USER_PLAN: PlanChange(jobs_per_hour=MANY, running_jobs=MANY, requests_per_hour=MANY, streams=MANY),
    },
    "reads_per_second": MANY,
    "reads_burst": MANY,
}
"""Limits that are counted as everywhere, and that the bench does not reach."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Requests a second of both gateways, each measured twice: open, required, required, open."""

    open: float
    required: float

    @property
    def ratio(self) -> float:
        return self.required / self.open


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Polls of 1,000 running jobs with their current ETag, and `initiate` of 100 files, with each kind of credential."""
    claimed = await changes.running_jobs(arena.services, effort.jobs, owner=OWNER)
    paths = [f"/v1/download/job/{it.job.id}" for it in claimed]
    body = json.dumps({"file_ids": list(range(10_000, 10_000 + FILES))}).encode()
    settings = {"auth_mode": "required", "jwt_secret": SecretStr(SECRET), "jwt_secret_issuer": ISSUER, **COUNTED}
    figures: list[Figure] = []
    async with arena.gateway() as open_port, arena.gateway_process(**settings) as (port, _):
        owner, *others = [await _credentials(arena, user) for user in (OWNER, *USERS)]
        for name, headers in owner.items():
            polls = [load.request("GET", path, headers=headers) for path in paths]
            initiates = [load.request("POST", "/v1/download/initiate", body, one[name]) for one in others]
            for what, requests, least in (("Polls", polls, POLLS), ("`initiate`", initiates, INITIATES)):
                pairs = [await _pair(arena, effort, (open_port, port), requests) for _ in range(effort.rounds)]
                figures.append(_figure(f"{what} with a {name}: authenticated ÷ open", pairs, least))
    return figures


async def _credentials(arena: Arena, owner: str) -> dict[str, Headers]:
    claims = {"iss": ISSUER, "sub": owner.rpartition("|")[2], "aud": "haulage", "exp": time() + 3600}
    token = signed(OctKey.import_key(SECRET), {"alg": "HS256"}, claims)
    return {
        "key": await key_of(arena.services, owner),
        "session": await session_of(arena.services, owner),
        "JWT": {"Authorization": f"Bearer {token}"},
    }


async def _pair(arena: Arena, effort: Effort, ports: tuple[int, int], requests: Sequence[bytes]) -> Pair:
    rates: list[float] = []
    for port in (*ports, *reversed(ports)):
        polls = requests[0].startswith(b"GET")
        one = Load(port=port, requests=requests, connections=CONNECTIONS, seconds=effort.seconds / 2, conditional=polls)
        answers = await arena.apart(load.run, one)
        wanted = {200, 304} if polls else {202}
        assert answers.statuses.keys() <= wanted, answers.statuses
        rates.append(answers.rate)
    return Pair(open=rates[0] + rates[3], required=rates[1] + rates[2])


def _figure(what: str, pairs: Sequence[Pair], least: float) -> Figure:
    ratio = middle(pairs, lambda it: it.ratio)
    lowest, highest = min(it.ratio for it in pairs), max(it.ratio for it in pairs)
    rate = middle(pairs, lambda it: it.required) / 2
    measured = f"{ratio:.2f} ({lowest:.2f} to {highest:.2f}), {rate:,.0f}/s"
    return Figure(what, measured, f"≥ {least}", ratio >= least)
