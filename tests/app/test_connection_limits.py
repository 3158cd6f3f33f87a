"""Limits on TCP connections: for the process, for an address, and for each client behind a proxy."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket as tcp
import struct
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from app.stack.ports import free_ports
from app.tcp_connections import TcpConnections
from tests.app.cli.processes import variables
from tests.app.following.followers import socket
from tests.app.shared import Shared, link
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create
from tests.helpers.raw_http import Answer, RawClient, raw_client
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
HANDSHAKE = (
    b"GET /v1/download/subscribe HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
PATIENCE = 30.0


async def first_answer(url: str, request: bytes = LIVE, source: str | None = None) -> Answer:
    """The response on a new connection."""
    async with asyncio.timeout(PATIENCE), raw_client(url, source=source) as client:
        await client.send(request)
        return await client.answer()


async def opened(stack: AsyncExitStack, url: str, count: int) -> list[RawClient]:
    """Connections that the server has accepted."""
    clients = [await stack.enter_async_context(raw_client(url)) for _ in range(count)]
    for client in clients:
        await client.send(LIVE)
        assert (await client.answer()).status == 200
    return clients


async def reset_handshake(url: str) -> None:
    """Opens a connection and, once it is served, resets it right behind a WebSocket handshake."""
    address, loop = urlsplit(url), asyncio.get_running_loop()
    with tcp.create_connection((address.hostname, address.port)) as client:
        client.settimeout(0)
        await loop.sock_sendall(client, LIVE)
        assert await loop.sock_recv(client, 1 << 16)
        client.send(HANDSHAKE)
        client.setsockopt(tcp.SOL_SOCKET, tcp.SO_LINGER, struct.pack("ii", 1, 0))


async def test_a_full_process_refuses_more_connections(shared: Shared) -> None:
    async with serving(with_changes(shared.settings, max_connections=4)) as url:
        with capture_logs() as lines:
            async with AsyncExitStack() as stack:
                await opened(stack, url, 3)
                job = await create(shared.services, 10_000)
                async with socket(url, f"/{job.id}") as follower:
                    await follower.heard(job, (1, -1))
                    refused = [await first_answer(url) for _ in range(20)]
                    assert {(it.status, it.problem(), it.headers["retry-after"]) for it in refused} == {
                        (503, "gateway_full", "5")
                    }
                await eventually(lambda: admitted(url))
            await eventually(lambda: admitted(url))
            await eventually(lambda: [line for line in lines if line["event"] == "requests_rejected"])
    rejected = [line for line in lines if line["event"] == "request_rejected"]
    assert {(line["client"], line["status"]) for line in rejected} == {("127.0.0.1", 503)}
    assert 10 <= len(rejected) <= 20, "no more than ten a second are logged one by one"


async def admitted(url: str, source: str | None = None) -> bool:
    return (await first_answer(url, source=source)).status == 200


async def test_an_address_may_open_so_many_connections(shared: Shared) -> None:
    settings = with_changes(shared.settings, max_connections_per_client=3, limit_loopback=True)
    async with serving(settings) as url:
        async with AsyncExitStack() as stack:
            await opened(stack, url, 3)
            with capture_logs() as lines:
                answer = await first_answer(url)
            assert (answer.status, answer.problem(), answer.headers["retry-after"]) == (
                429,
                "too_many_connections",
                "15",
            )
            assert [line["client"] for line in lines if line["event"] == "request_rejected"] == ["127.0.0.1"]
            assert await admitted(url, source="127.0.0.2")
        await eventually(lambda: admitted(url))


async def test_a_client_that_resets_its_handshake_is_not_counted_any_more(shared: Shared) -> None:
    """The address of a connection that was reset can't be asked for any more."""
    settings = with_changes(shared.settings, max_connections_per_client=3, limit_loopback=True)
    async with serving(settings) as url:
        for _ in range(4):
            await reset_handshake(url)
        await eventually(lambda: admitted(url))
        async with AsyncExitStack() as stack:
            await opened(stack, url, 3)
            assert not await admitted(url)


async def test_this_machine_is_not_limited_by_default(shared: Shared) -> None:
    async with serving(with_changes(shared.settings, max_connections_per_client=3)) as url, AsyncExitStack() as stack:
        await opened(stack, url, 10)


async def test_behind_a_proxy_the_forwarded_address_is_limited(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    settings = with_changes(
        shared.settings, max_connections_per_client=3, limit_loopback=True, trusted_proxies=("127.0.0.1",)
    )

    def request(client: str, path: str, wait: int) -> bytes:
        fields = f"Host: localhost\r\nX-Forwarded-For: {client}\r\nPrefer: wait={wait}"
        return f"GET {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode()

    async with serving(settings) as url, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(raw_client(url)) for _ in range(6)]
        for client in clients[:3]:
            await client.send(request("203.0.113.7", link(job), 60))

        async def status_for(client: str) -> int:
            return (await first_answer(url, request(client, "/health/live", 0))).status

        async def refused() -> bool:
            return await status_for("203.0.113.7") == 429

        await eventually(refused)
        answer = await first_answer(url, request("203.0.113.7", "/health/live", 0))
        assert answer.problem() == "too_many_connections"
        assert await status_for("203.0.113.8") == 200
        await shared.services.lifecycle.cancel(job.id)
        assert [(await client.answer()).status for client in clients[:3]] == [200] * 3
        assert await status_for("203.0.113.7") == 200


@pytest.mark.parametrize("field", ["", "X-Forwarded-For: \r\n", "X-Forwarded-For: unknown\r\n"])
async def test_what_a_proxy_sends_without_a_clients_address_is_limited_only_in_total(
    shared: Shared, field: str
) -> None:
    """It is logged once what to change, but not for health checks, which a proxy sends on its own behalf."""
    job = await create(shared.services, 10_000)
    most = {"max_connections_per_client": 2, "max_followers_per_client": 2, "max_followers": 6}
    settings = with_changes(shared.settings, limit_loopback=True, trusted_proxies=("127.0.0.1",), **most)

    def request(path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{field}Prefer: wait=60\r\n\r\n".encode()

    async with serving(settings) as url, AsyncExitStack() as stack:
        with capture_logs() as lines:
            assert (await first_answer(url, request("/health/live"))).status == 200
            clients = [await stack.enter_async_context(raw_client(url)) for _ in range(7)]
            for client in clients:
                await client.send(request(link(job)))
            answers = [asyncio.create_task(client.answer()) for client in clients]
            await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)  # one is refused by `max_followers`
            await shared.services.lifecycle.cancel(job.id)
            statuses = sorted([(await answer).status for answer in answers])
        assert statuses == [200] * 6 + [429]
        assert [line["path"] for line in lines if line["event"] == "forwarded_address_missing"] == [link(job)]


@pytest.mark.parametrize(("hard", "held"), [(320, 160), (2000, 200)], ids=["few", "enough"])
async def test_the_limit_fits_the_file_descriptors(shared: Shared, tmp_path: Path, hard: int, held: int) -> None:
    """The soft limit is raised as far as the hard one allows; if that is too low, fewer connections are accepted."""
    [port] = free_ports([0])
    url, log = f"http://127.0.0.1:{port}", tmp_path / "log"
    changes = {"PORT": str(port), "MAX_CONNECTIONS": "200"}
    with log.open("w") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "app.cli", "serve"),
            env={**os.environ, **variables(shared.settings), **changes},
            stderr=stderr,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (min(300, hard), hard)),
        )
    try:
        async with asyncio.timeout(2 * PATIENCE), AsyncExitStack() as stack:
            await eventually(lambda: listens(url))
            await opened(stack, url, held)
            answer = await first_answer(url)
            assert (answer.status, answer.problem()) == (503, "gateway_full")
    finally:
        process.terminate()
        await process.wait()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    changed = [line for line in lines if line["event"] == "connection_limit_changed"]
    assert [(line["limit"], line["wanted"]) for line in changed] == ([(held, 200)] if held < 200 else [])


async def listens(url: str) -> bool:
    try:
        return await admitted(url)
    except OSError:
        return False


async def test_by_default_connections_are_kept_longer_than_proxies_keep_theirs(shared: Shared) -> None:
    """nginx keeps them for 60 s, Caddy for 120 s: who closes first must be the one who sends."""
    connections = TcpConnections(shared.settings, 10)
    connections.tick(1000)
    assert connections.request_deadline == 1185
    assert connections.head_deadline == 1015
