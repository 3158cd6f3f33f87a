"""`haulage doctor` finds what a path breaks, and nothing on a good one."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from anyio import to_thread

from app.cli.doctor.checks import CHECKS
from app.cli.doctor.findings import Finding
from app.cli.doctor.probes import QUICK, THOROUGH, Plan
from app.cli.doctor.report import diagnose
from app.cli.doctor.request_checks import LONGEST_POLL, POLL_MARGIN
from app.cli.doctor.stream_checks import MAX_SILENCE
from tests.app.cli.processes import Cli
from tests.app.shared import Shared, in_state
from tests.helpers.access import key_of
from tests.helpers.breaking_proxy import BreakingProxy
from tests.helpers.reverse_proxies import in_front
from tests.helpers.running import serving
from tests.helpers.settings import with_changes
from tests.helpers.sites import Nginx, Site
from tests.helpers.tls import Certificates, tls_in_front

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLAN = Plan(silences=(0.1, 1.2), waits=(0.1, 1.2), websocket_silence=1.2, pause=0.6, timeout=10)
"""The probes of a second or two instead of a minute or two."""
LONGER_PLAN = replace(PLAN, silences=(0.1, 3), waits=(0.1, 3), websocket_silence=3)
"""Silences that are clearly longer than what a proxy permits, also while the machine is busy."""


async def findings(url: str, plan: Plan = PLAN, token: str | None = None) -> dict[str, Finding]:
    return await to_thread.run_sync(diagnose, url, plan, token)


def levels(found: dict[str, Finding], *levels: str) -> dict[str, str]:
    """What was seen, by check, of these levels."""
    return {name: finding.seen for name, finding in found.items() if finding.level in levels}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(shared: Shared) -> Shared:
    """There is a completed job, so that there is a link to try."""
    await shared.completed(b"bundle")
    return shared


async def test_a_good_path_has_no_findings(site: Shared) -> None:
    found = await findings(str(site.api.base_url))
    assert levels(found, "warning", "broken") == {}
    assert levels(found, "skipped") == {"keep-alive race": "not tried"}
    assert found.keys() == CHECKS.keys()
    assert found["client address"].seen == "the gateway sees 127.0.0.1"
    assert found["body size"].seen == "a body of 1.05 MB passes"


async def test_a_good_proxy_has_no_findings(site: Shared, tmp_path: Path) -> None:
    proxy = Nginx(tmp_path, Site("/haulage"))
    settings = with_changes(site.settings, public_url=proxy.url, trusted_proxies="127.0.0.1", max_body_bytes=1_000_000)
    async with serving(settings) as gateway, in_front(proxy, gateway) as url:
        found = await findings(url)
    assert levels(found, "warning", "broken") == {}
    assert levels(found, "skipped") == {"keep-alive race": "not tried"}


async def test_a_gateway_that_requires_keys_is_checked_with_one(site: Shared) -> None:
    await in_state(site, "completed", owner="olga")
    key = (await key_of(site.services, "olga"))["Authorization"].removeprefix("Bearer ")
    async with serving(with_changes(site.settings, auth_mode="required")) as url:
        with_key, without = await asyncio.gather(findings(url, token=key), findings(url))
    assert levels(with_key, "warning", "broken") == {}
    assert levels(with_key, "skipped") == {"keep-alive race": "not tried"}
    assert levels(without, "warning", "broken") == {}
    concerned = {"websocket", "websocket silence", "origin", "store link", "range"}
    assert levels(without, "skipped").keys() - {"keep-alive race"} == concerned
    assert all("HAULAGE_TOKEN" in without[check].remedy for check in ("websocket", "origin", "store link", "range"))


async def test_the_store_never_sees_the_key(site: Shared) -> None:
    await in_state(site, "completed", owner="olga")
    key = (await key_of(site.services, "olga"))["Authorization"].removeprefix("Bearer ")
    seen = b""

    async def store(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(store, "127.0.0.1", 0) as server:
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        changes = {"auth_mode": "required", "s3_public_endpoint": endpoint}
        async with serving(with_changes(site.settings, **changes)) as url:
            await findings(url, token=key)
    assert b"GET /" in seen
    assert key.encode() not in seen


BREAKAGES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "buffering": ({"buffers": True}, {"events"}),
    "no Upgrade": ({"removes": ("upgrade",)}, {"websocket"}),
    "idle cut": ({"idle": 1.5}, {"stream silence", "websocket silence", "first byte"}),
    "Host changed": ({"host": "localhost"}, {"host", "origin"}),
    "gzip on the stream": ({"compresses": True}, {"compression"}),
    "body limit": ({"max_body": 100_000}, {"body size"}),
    "clock": ({"rewrites": {b'"time":"20': b'"time":"21'}}, {"clock"}),
    "headers cut": ({"max_head": 4_000}, {"header size"}),
    "headers removed": ({"removes": ("prefer", "last-event-id")}, {"headers"}),
}


@pytest.mark.parametrize("name", BREAKAGES)
async def test_each_breakage_is_found_and_nothing_else(site: Shared, name: str) -> None:
    options, expected = BREAKAGES[name]
    async with BreakingProxy(str(site.api.base_url), **options).running() as url:
        found = await findings(url, LONGER_PLAN if "idle" in options else PLAN)
    assert levels(found, "broken").keys() == expected, found
    assert levels(found, "warning") == {}
    assert all(found[check].remedy for check in expected)


@pytest.mark.parametrize(
    ("options", "check"),
    [({"removes": ("range",)}, "range"), ({"host": "store.internal"}, "store link")],
    ids=["no Range", "Host of the store"],
)
async def test_what_breaks_before_the_store_is_found(site: Shared, options: dict[str, Any], check: str) -> None:
    async with BreakingProxy(site.settings.s3_endpoint, **options).running() as store:
        async with serving(with_changes(site.settings, s3_public_endpoint=store)) as url:
            found = await findings(url)
    assert levels(found, "broken").keys() == {check}, found


async def test_the_keep_alive_race_is_found(site: Shared) -> None:
    """The proxy keeps its connections to the gateway longer than the gateway does."""
    plan = Plan(silences=(0,), waits=(0,), websocket_silence=0, pause=1, race_gaps=(), timeout=10)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(serving(with_changes(site.settings, keep_alive=1)))
        url = await stack.enter_async_context(BreakingProxy(gateway, pools=True).running())
        found, direct = await asyncio.gather(findings(url, plan), findings(gateway, plan))
        assert levels(found, "broken").keys() == {"keep-alive race"}, found
        assert "POSTs failed after a pause of 1 s: status 502" in found["keep-alive race"].seen
        assert levels(direct, "broken") == {}


async def test_a_proxy_that_is_not_trusted_is_reported(site: Shared, tmp_path: Path) -> None:
    proxy = Nginx(tmp_path, Site())
    async with serving(with_changes(site.settings, public_url=proxy.url)) as gateway, in_front(proxy, gateway) as url:
        found = await findings(url)
    assert levels(found, "broken") == {}
    assert levels(found, "warning").keys() == {"client address"}
    assert "TRUSTED_PROXIES" in found["client address"].remedy


async def test_an_address_that_clients_can_choose_is_reported(site: Shared) -> None:
    for trusted, expected in (("127.0.0.1", set()), ("*", {"client address"})):
        async with serving(with_changes(site.settings, trusted_proxies=trusted)) as gateway:
            async with BreakingProxy(gateway, client="9.9.9.9").running() as url:
                found = await findings(url)
        assert levels(found, "warning", "broken").keys() == expected
        assert trusted == "*" or found["client address"].seen == "the gateway sees 9.9.9.9"


@pytest.mark.parametrize("forwarded", [None, "unknown"])
async def test_a_trusted_proxy_that_forwards_no_address_is_reported(site: Shared, forwarded: str | None) -> None:
    async with serving(with_changes(site.settings, trusted_proxies="127.0.0.1")) as gateway:
        async with BreakingProxy(gateway, client=forwarded).running() as url:
            found = await findings(url)
    assert levels(found, "broken") == {}
    assert levels(found, "warning").keys() == {"client address"}
    assert "send X-Forwarded-For" in found["client address"].remedy


async def test_what_tls_adds_is_checked(site: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    context = certificates.server_context()
    async with tls_in_front(str(site.api.base_url), context) as url:
        found = await findings(url)
        assert levels(found, "broken") == {}
        assert levels(found, "warning").keys() == {"scheme", "http/2", "store link"}
        context.set_alpn_protocols(["h2", "http/1.1"])
        assert (await findings(url))["http/2"].seen == "HTTP/2 is offered"


async def test_no_gateway_and_an_unknown_host_are_one_finding(site: Shared) -> None:
    async with BreakingProxy(str(site.api.base_url), host="other.example").running() as url:
        [(name, finding)] = (await findings(url)).items()
    assert (name, finding.level) == ("gateway", "broken")
    assert "does not know the Host" in finding.seen
    [(_, finding)] = (await findings(site.settings.s3_endpoint)).items()
    assert finding.seen.startswith("no Haulage gateway responds at ")


async def test_the_command_prints_a_line_for_each_finding_and_exits_with_1(site: Shared, tmp_path: Path) -> None:
    cli = Cli(tmp_path, {})
    async with BreakingProxy(str(site.api.base_url), host="other.example").running() as url:
        done, as_json = await asyncio.gather(cli("doctor", url), cli("doctor", url, "--json"))
    assert (done.code, as_json.code) == (1, 1)
    [line] = done.out.splitlines()
    assert line.startswith("broken   gateway            the gateway does not know the Host")
    assert line.endswith("set PUBLIC_URL to the URL that people open.")
    [finding] = json.loads(as_json.out)["findings"]
    assert finding.keys() == {"check", "level", "seen", "remedy"}


@pytest.mark.parametrize("plan", [QUICK, THOROUGH], ids=["quick", "thorough"])
async def test_the_probes_go_beyond_what_the_protocol_needs(plan: Plan) -> None:
    assert max(plan.silences) > MAX_SILENCE
    assert plan.websocket_silence > MAX_SILENCE
    assert max(plan.waits) > LONGEST_POLL + POLL_MARGIN
