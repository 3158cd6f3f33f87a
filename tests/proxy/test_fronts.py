"""The files of proxy/ in nginx, Caddy, HAProxy and workerd, in front of a real gateway."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from app.http_protocol import MAX_HEAD_BYTES
from jobs.bundles.downloads import NewDownload
from jobs.engine.jobs import FileRequest
from jobs.services import Services
from jobs.settings import Settings
from tests.app.cli.middleboxes import Middlebox
from tests.app.following.followers import socket
from tests.app.following.stalled_clients import stalled_client
from tests.app.intake.forms import END, HEAD, answered, begin, curl
from tests.helpers.breaking_server import BreakingServer
from tests.helpers.catalogue import Catalogue
from tests.helpers.conformance import ConformanceTests
from tests.helpers.eventually import eventually
from tests.helpers.fronts import FRONTS, CaddyFront, Front, HaproxyFront, NginxFront, WorkerdFront
from tests.helpers.jobs import create
from tests.helpers.listening import listening
from tests.helpers.raw_http import raw_client
from tests.helpers.reverse_proxies import in_front
from tests.helpers.running import serving, taking_in, working
from tests.helpers.settings import with_changes

INITIATE = "/v1/download/initiate"
X_ACCEL_BUFFERING = "test_its_headers_keep_proxies_from_buffering"
FOREIGN_HOST = "test_a_foreign_host_name_is_closed_with_4421"
OTHERS = {b"no-transform": b"no-transfers", b"x-accel-buffering": b"x-other-buffering"}
"""What responses of the gateway say instead of what keeps proxies from buffering and compressing streams."""
NOT_SEEN: dict[type[Front], set[str]] = {
    NginxFront: {X_ACCEL_BUFFERING},
    CaddyFront: {FOREIGN_HOST},
    HaproxyFront: set(),
    WorkerdFront: {FOREIGN_HOST},
}
"""Rules that can't be seen through a front: nginx obeys and removes a header, the others do not pass an unknown host on."""


def behind(settings: Settings, front: Front, **changes: object) -> Settings:
    """Settings of a gateway behind the front, as docs/proxies.md says."""
    return with_changes(settings, **{"public_url": front.url, "trusted_proxies": "127.0.0.1", **changes})


@pytest.mark.proves("every rule of the protocol, by the conformance suite")
@pytest.mark.parametrize(("name", "root"), [("nginx", ""), ("caddy", ""), ("haproxy", "/haulage"), ("workerd", "")])
async def test_a_client_sees_every_rule_of_the_protocol_kept(
    services: Services, catalogue: Catalogue, project: Path, tmp_path: Path, name: str, root: str
) -> None:
    front = FRONTS[name](tmp_path / "front")
    for size in (10, 3_000_000, 1_000_000):
        await catalogue.add(os.urandom(size), f"{size}.bin")
    conformance = ConformanceTests(project, tmp_path)
    settings = behind(services.settings, front, public_url=front.url + root)
    async with serving(settings) as gateway, Middlebox(gateway).running() as box, in_front(front, box.url) as url:
        process = await conformance.start(url + root)
        for part, times in (("/download/subscribe", 3), ("/stream/", 1), ("/stream?jobs", 1)):
            await box.asked_for(part, times)
        async with working(settings):
            report = await conformance.report(process)
    assert (report.code, report.failures) == (0, {}), report.output
    assert report.skipped.keys() == NOT_SEEN[type(front)]
    assert all("a proxy" in reason for reason in report.skipped.values())
    assert report.passed > 40


@dataclass(frozen=True)
class Behind:
    """A gateway behind a front."""

    front: Front
    settings: Settings
    gateway: str
    api: httpx.AsyncClient


@pytest.fixture
async def behind_front(front: Front, services: Services) -> AsyncIterator[Behind]:
    settings = behind(services.settings, front, max_followers_per_client=1, allowed_hosts="localhost,127.0.0.1")
    async with (
        serving(settings) as gateway,
        in_front(front, gateway) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as api,
    ):
        yield Behind(front, settings, gateway, api)


@pytest.mark.proves("the largest body and 30 kB of headers pass, and the gateway itself refuses larger ones")
async def test_the_largest_body_and_head_pass_and_the_gateway_itself_refuses_larger_ones(
    behind_front: Behind, catalogue: Catalogue
) -> None:
    api, largest = behind_front.api, behind_front.settings.max_body_bytes
    body = json.dumps({"file_ids": [await catalogue.add(b"hello")]}).encode()
    kind = {"Content-Type": "application/json"}

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, largest, 65536):
            yield body.ljust(largest)[start : start + 65536]

    assert (await api.post(INITIATE, content=body.ljust(largest), headers=kind)).status_code == 202
    assert (await api.post(INITIATE, content=chunks(), headers=kind)).status_code == 202
    refused = await api.post(INITIATE, content=body.ljust(largest + 1), headers=kind)
    assert (refused.status_code, refused.json()["error"]) == (413, "body_too_large")

    one, many = {"X-Filler": "x" * 30_000}, {f"X-Filler-{number}": "x" * 1000 for number in range(29)}
    assert (await api.get("/health/live", headers=one)).status_code == 200
    assert (await api.get("/health/live", headers=many)).status_code == 200
    refused = await api.get("/health/live", headers={"X-Filler": "x" * MAX_HEAD_BYTES})
    assert (refused.status_code, refused.json()["error"]) == (431, "head_too_large")


@pytest.mark.proves("events are passed on at once and uncompressed")
async def test_streams_are_passed_on_at_once_and_uncompressed(
    front: Front, services: Services, catalogue: Catalogue
) -> None:
    """Also without the headers by which the gateway asks for it, which nginx and Caddy obey, but not all proxies do."""
    job = await create(services, await catalogue.add(b"hello"))
    async with (
        serving(behind(services.settings, front)) as gateway,
        Middlebox(gateway, rewrites=OTHERS).running() as box,
    ):
        async with in_front(front, box.url) as url, httpx.AsyncClient(base_url=url, timeout=30) as api:
            headers = {"Accept-Encoding": "gzip, br, zstd"}
            async with api.stream("GET", f"/v1/download/stream/{job.id}", headers=headers) as response:
                assert "no-transform" not in response.headers["cache-control"]
                assert "content-encoding" not in response.headers
                chunks = response.aiter_text()
                received = ""
                async with asyncio.timeout(20):
                    while "event: snapshot" not in received:
                        received += await anext(chunks)
                    # An event that is neither the first nor the last, and fills no buffer:
                    await services.lifecycle.claim(job.id, job.fence, "worker-1")
                    while '"status":"processing"' not in received:
                        received += await anext(chunks)


@pytest.mark.proves("limits see the address of the client, who cannot choose it")
async def test_followers_are_counted_by_their_real_address(behind_front: Behind, catalogue: Catalogue) -> None:
    api = behind_front.api
    accepted = await api.post(INITIATE, json={"file_ids": [await catalogue.add(b"hello")]})
    stream = accepted.headers["location"].replace("/job/", "/stream/")
    headers = {"X-Forwarded-For": "203.0.113.1", "CF-Connecting-IP": "127.0.0.1"}
    async with api.stream("GET", stream, headers=headers) as response, asyncio.timeout(20):
        lines = response.aiter_lines()
        while await anext(lines) != "event: snapshot":
            pass
        spoofed = await api.get(stream, headers=headers | {"X-Forwarded-For": "203.0.113.2"})
        assert spoofed.text.startswith("retry:"), "a client can choose its address"


@pytest.mark.proves("requests have ids, and clients may give them")
async def test_requests_have_ids_and_clients_may_give_them(behind_front: Behind) -> None:
    api = behind_front.api
    assert (await api.get("/health/live", headers={"X-Request-ID": "mine-1"})).headers["x-request-id"] == "mine-1"
    assert (await api.get("/health/live", headers={"X-Request-ID": "no id"})).headers["x-request-id"] != "no id"


@pytest.mark.proves("a GET that a gateway breaks is repeated, a POST is not")
@pytest.mark.servers
@pytest.mark.parametrize("name", [name for name in FRONTS if name != "workerd"])
async def test_a_post_that_was_sent_is_not_sent_again_but_a_get_is(name: str, tmp_path: Path) -> None:
    """One of two gateways breaks its connections. What the Worker does is in tests/proxy/test_worker.py.

    Each POST has a connection of its own: HAProxy closes one that was used before, instead of a response with 502.
    """
    broken, whole = BreakingServer(failures=99), BreakingServer()
    async with listening(broken.serve) as first, listening(whole.serve) as second:
        async with in_front(FRONTS[name](tmp_path / "front"), first, second) as url, httpx.AsyncClient() as api:
            posts = [
                await api.post(f"{url}/v1/post/{number}", content=b"body", headers={"Connection": "close"})
                for number in range(4)
            ]
            received = [head.split()[1] for head in broken.heads + whole.heads if head.startswith("post")]
            assert sorted(received) == [f"/v1/post/{number}" for number in range(4)]
            assert any(head.startswith("post") for head in broken.heads), (
                "none has reached the gateway that breaks them"
            )
            assert {post.status_code for post in posts} == {200, 502}
            assert [(await api.get(f"{url}/v1/get")).status_code for _ in range(4)] == [200] * 4


@pytest.mark.proves("a slow reader delays nobody and gets everything")
@pytest.mark.parametrize("way", ["subscribe", "stream"])
async def test_a_slow_reader_delays_nobody_and_gets_everything(front: Front, services: Services, way: str) -> None:
    """The slow one has the smallest receive buffer, and reads on only when the other one has got the end."""
    names = [FileRequest(file_id=10_000 + index, name="n" * 200) for index in range(1_000)]
    job = await services.downloads.create(NewDownload(files=names))
    async with serving(behind(services.settings, front)) as gateway, in_front(front, gateway) as url:
        async with stalled_client(url, f"{way}/{job.id}") as slow, socket(url, f"/{job.id}") as quick:
            await quick.until(lambda: len(quick.messages) == 1)
            await services.lifecycle.cancel(job.id)
            await quick.end(job)
            received = b""
            while b'"type":"cancelled"' not in (text := re.sub(rb"\r\n[0-9a-f]+\r\n", b"", received)):  # chunk by chunk
                more = await slow.read()
                assert more, f"it is cut after {len(received)} bytes"
                received += more
            assert text.count(b'"index":') >= 1_000


@pytest.mark.proves("a reload puts other workers in charge, and cuts no stream")
@pytest.mark.parametrize("name", [name for name in FRONTS if name != "workerd"])
async def test_a_reload_puts_other_workers_in_charge_and_cuts_no_stream(
    name: str, services: Services, tmp_path: Path
) -> None:
    """Cloudflare replaces Workers by itself."""
    front = FRONTS[name](tmp_path / "front")
    job = await services.downloads.create(NewDownload(files=[FileRequest(file_id=10_000)]))
    async with serving(behind(services.settings, front)) as gateway, in_front(front, gateway) as url:
        async with socket(url, f"/{job.id}") as follower:
            await follower.until(lambda: len(follower.messages) == 1)
            await front.reload()
            async with httpx.AsyncClient(base_url=url) as api:
                assert (await api.get("/health/live")).status_code == 200
            await services.lifecycle.cancel(job.id)
            await follower.end(job)


@pytest.mark.proves("TLS, HTTP/2, and a WebSocket beside them")
@pytest.mark.parametrize("name", [name for name, front in FRONTS.items() if front.with_tls])
async def test_https_with_http_2_and_websockets(
    name: str, services: Services, catalogue: Catalogue, tmp_path: Path
) -> None:
    front = FRONTS[name](tmp_path / "front")
    file_id = await catalogue.add(b"hello")
    settings = behind(services.settings, front, public_url=front.tls_url)
    async with (
        serving(settings) as gateway,
        in_front(front, gateway),
        httpx.AsyncClient(base_url=front.tls_url, verify=front.trust(), http2=True, timeout=30) as api,
        working(settings),
    ):
        accepted = await api.post(INITIATE, json={"file_ids": [file_id]})
        assert (accepted.status_code, accepted.http_version) == (202, "HTTP/2")
        job = accepted.headers["location"]
        stream = await api.get(job.replace("/job/", "/stream/"))
        assert (stream.http_version, "event: completed" in stream.text) == ("HTTP/2", True)
        address = front.tls_url.replace("https", "wss") + job.replace("/job/", "/subscribe/")
        async with connect(
            address,
            ssl=front.trust(),
            origin=Origin(front.tls_url),
            subprotocols=[Subprotocol("haulage.v1")],
            proxy=None,
        ) as websocket:
            messages = [json.loads(message) async for message in websocket]
        assert (websocket.close_code, messages[-1]["type"]) == (1000, "completed")


@pytest.mark.proves("a client that never ends its head is closed")
@pytest.mark.parametrize("name", [name for name, front in FRONTS.items() if front.with_tls])
async def test_a_client_that_never_ends_its_head_is_closed(name: str, services: Services, tmp_path: Path) -> None:
    """Cloudflare does that before a Worker runs."""
    front = FRONTS[name](tmp_path / "front")
    front.changes = {
        "client_header_timeout 15s": "client_header_timeout 1s",
        "read_header 15s": "read_header 1s",
        "timeout http-request 15s": "timeout http-request 1s",
    }
    async with serving(behind(services.settings, front)) as gateway, in_front(front, gateway) as url:
        async with raw_client(url) as client, asyncio.timeout(20):
            await client.drip(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1000, 0.1)


@pytest.mark.proves("a file in a form arrives at the intake while it is sent")
async def test_a_file_arrives_at_the_intake_in_one_hop_while_it_is_sent(
    front: Front, services: Services, tmp_path: Path
) -> None:
    """Above every limit of the gateway, and before the client has sent all of it."""
    settings = with_changes(services.settings, public_url=front.url, trusted_proxies="127.0.0.1")
    path = tmp_path / "x.bin"
    path.write_bytes(os.urandom(7_000_000))
    async with serving(settings) as gateway, taking_in(settings) as intake:
        front.intake = intake
        async with in_front(front, gateway) as url:
            for address in ("/upload", "/v1/upload/form"):
                answer = await curl(f"{url}{address}", "-F", f"file=@{path}", "--max-time", "60")
                assert (answer.status, answer.redirects) == (202, 0), answer
                assert answer.json["jobs"][0]["links"]["self"].startswith(f"{url}/v1/upload/job/")
            async with raw_client(url) as client:
                await begin(client, 20_000_000)
                await client.send(HEAD, bytes(7_000_000))

                async def has_part() -> bool:
                    rows = await services.database.fetch("SELECT bytes_done FROM jobs WHERE status = 'receiving'")
                    return bool(rows and rows[0]["bytes_done"] > 5_000_000)

                await eventually(has_part)
                await client.send(bytes(13_000_000), END)
                assert (await answered(client)).status == 202
