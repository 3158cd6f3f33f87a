"""`haulage conformance`: passes on the real gateway, and sees what breaks the rules."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.cli.client import Api
from app.cli.conformance.cases import Case
from app.cli.conformance.recordings import Recording, ended
from app.cli.conformance.rules import RULES, Check
from app.cli.conformance.wire import Broken, Skipped, Wire
from jobs.services import Services
from jobs.settings import Settings
from tests.app.cli.middleboxes import Middlebox
from tests.app.cli.processes import Cli, Done, variables
from tests.conftest import working
from tests.support import Catalogue, create


@pytest.fixture
async def box(gateway: str) -> AsyncIterator[Middlebox]:
    async with Middlebox(gateway).running() as box:
        yield box


@pytest.fixture
async def boxed_cli(tmp_path: Path, settings: Settings, box: Middlebox, catalogue: Catalogue) -> Cli:
    """Reaches the gateway through the box; there is a file in the catalogue."""
    await catalogue.add(b"hello", "a.txt")
    return Cli(tmp_path, variables(settings) | {"HAULAGE_SERVER": box.url})


def failed(done: Done) -> dict[str, str]:
    """The rules that were not kept, up to their colons, and what was seen."""
    assert done.out, done.error
    found = json.loads(done.out)
    assert (done.code == 1) == any(one["outcome"] == "FAILED" for one in found)
    return {one["rule"]: one["seen"] for one in found if one["outcome"] == "FAILED"}


@pytest.mark.usefixtures("worker")
async def test_the_gateway_keeps_to_every_rule(cli: Cli, catalogue: Catalogue, api: httpx.AsyncClient) -> None:
    for size in (10, 3_000_000, 1_000_000):
        await catalogue.add(os.urandom(size), f"{size}.bin")
    done = await cli("conformance")
    assert done.code == 0, done.out
    lines = done.out.splitlines()
    assert len(lines) > 35
    assert [line for line in lines if not line.startswith("ok ")] == [
        "skipped  event stream: a silent one gets a comment every 15 s (WHATWG HTML, 9.2.7): it takes 35 s: --slow",
        "skipped  WebSocket: a silent connection is pinged every 30 s: it takes 35 s: --slow",
    ]
    jobs = (await api.get("/v1/download/jobs")).json()["jobs"]
    assert [job["status"] for job in jobs] == ["expired"] * 2, "it has left a bundle behind"


@pytest.mark.usefixtures("worker")
async def test_what_a_proxy_takes_away_is_seen(boxed_cli: Cli, box: Middlebox) -> None:
    box.rewrites = {
        b"\r\nx-accel-buffering": b"\r\nx-accel-bufferinx",
        b"\r\netag: ": b"\r\negat: ",
        b"\nid: ": b"\nie: ",
        (4404).to_bytes(2): (4405).to_bytes(2),
        b"Sec-WebSocket-Protocol": b"Sec-WebSocket-Protocoll"[1:],
    }
    seen = failed(await boxed_cli("conformance", "--json"))
    assert {rule[:40]: what for rule, what in seen.items()} == {
        "polling: an unchanged ETag is answered 3": "there is no ETag",
        "event stream: headers that keep proxies ": "X-Accel-Buffering is None",
        "event stream: begins with `retry` and a ": seen.get(next(rule for rule in seen if "`retry`" in rule)),
        "WebSocket: haulage.v1 is chosen wherever": "haulage.v1 offered, None chosen",
        "WebSocket: another subprotocol is accept": "None chosen",
        "WebSocket: an unknown job is closed with": "is closed with 4405",
    }


async def test_an_order_that_goes_back_is_seen(boxed_cli: Cli, box: Middlebox, settings: Settings) -> None:
    box.rewrites = {b'"seq":2,': b'"seq":9,'}
    process = await boxed_cli.start("conformance", "--json")
    for part in ("/subscribe/", "/subscribe", "/stream/", "/stream?jobs"):
        await box.asked_for(part)
    async with working(settings):
        out, error = await process.communicate()
    seen = failed(Done(code=process.returncode or 0, out=out.decode(), error=error.decode()))
    assert " after (9, " in seen["order (seq, tick) never goes back"]


@pytest.mark.usefixtures("worker")
async def test_an_end_that_is_called_otherwise_is_seen(boxed_cli: Cli, box: Middlebox) -> None:
    box.rewrites = {b'"type":"completed"': b'"type":"snapshot" '}
    seen = failed(await boxed_cli("conformance", "--json"))
    assert list(seen.values()) == ["polling: type snapshot, status completed", "event completed, type snapshot"]


@pytest.mark.usefixtures("worker")
async def test_without_upgrades_the_rest_is_checked(boxed_cli: Cli, box: Middlebox) -> None:
    box.cuts_upgrades = True
    seen = failed(await boxed_cli("conformance", "--json"))
    assert len([rule for rule in seen if rule.startswith("WebSocket")]) > 12
    assert [rule for rule in seen if rule.startswith(("polling", "event stream"))] == []


async def test_a_job_that_does_not_end_is_told(cli: Cli, catalogue: Catalogue, api: httpx.AsyncClient) -> None:
    file_id = await catalogue.add(b"hello", "a.txt")
    done = await cli("conformance", "--file-id", file_id, "--patience", 2)
    assert done.code == 1
    lines = done.out.splitlines()
    assert "FAILED   the job ends: it is queued after 2 s: is a worker running?" in lines
    assert [line for line in lines if line.startswith("FAILED")] == lines[:1]
    assert sum(line.endswith("the job has not ended") for line in lines) > 10
    jobs = (await api.get("/v1/download/jobs")).json()["jobs"]
    assert [job["status"] for job in jobs] == ["cancelled"] * 2


async def test_values_that_are_odd_break_rules_and_not_the_run(boxed_cli: Cli, box: Middlebox) -> None:
    box.rewrites = {b'"status":"queued","attempt"': b'"status":["queu"],"attempt"', b'"seq":': b'"sEq":'}
    done = await boxed_cli("conformance", "--json", "--patience", 2)
    assert "the job ends" in failed(done)


def rule(said: str) -> Check:
    """The rule that begins so."""
    [found] = [it.check for it in RULES if it.said.startswith(said)]
    return found


async def test_a_stream_that_is_silent_without_a_comment_is_seen(
    services: Services, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.conformance.rules.QUIET", 1.5)
    monkeypatch.setattr("app.cli.conformance.rules.SILENCE", 1.0)
    job = await create(services, 10_000)
    case = Case(Wire(Api(gateway)), [job.id], [], Recording("socket"), {"status": "queued"}, 1, slow=True)
    check = rule("event stream: a silent one gets a comment")
    with pytest.raises(Broken, match="nothing came for 1 s"):
        await asyncio.to_thread(check, case)
    monkeypatch.setattr("app.following.connections.SILENCE", (0.0, 0.0))
    monkeypatch.setattr("app.following.slow_consumers.ROUND", 0.05)
    await asyncio.to_thread(check, case)


def test_what_is_said_of_a_job_that_was_unfollowed_is_seen() -> None:
    first, second = uuid4(), uuid4()
    check = rule("WebSocket of many: of a job that was unfollowed")
    said = [{"jobId": str(first), "seq": 5}, {"jobId": str(second), "seq": 7}]

    def case(messages: list[dict[str, Any]], ending: str = "unfollowed") -> Case:
        found = Recording("socket", messages, ending=ending)
        return Case(Wire(Api("http://127.0.0.1:9")), [first, second], [], found, {"status": "completed", "seq": 5}, 1)

    check(case(said[:1]))
    with pytest.raises(Broken, match="seq 7"):
        check(case(said))
    with pytest.raises(Broken, match="the other job"):
        check(case([]))
    with pytest.raises(Skipped, match="ended before"):
        check(case([], "late"))


@pytest.mark.parametrize("status", [["queued"], {}, 7, None])
def test_a_status_that_is_none_is_no_end(status: object) -> None:
    assert not ended({"status": status})


async def test_without_a_file_it_asks_for_one(cli: Cli) -> None:
    done = await cli("conformance")
    assert (done.code, done.out) == (1, "")
    assert done.error == "haulage: There is no small file in the catalogue: name some with --file-id.\n"
