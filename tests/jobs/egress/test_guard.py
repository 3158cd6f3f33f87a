"""The guard, at the socket: listeners on this machine count who connects to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest

from jobs.egress.destinations import Address
from jobs.egress.guard import Egress, Resolve, parse_url
from jobs.errors import EgressFailed, EgressRefused, EgressTimeout, InvalidUrl
from jobs.settings import EgressSettings
from tests.helpers.receivers import dropping_packets

pytestmark = pytest.mark.servers

SPELLINGS = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "2130706433",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ip6-localhost",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[0000::0001]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[100::1]",
    "[3fff::1]",
    "[5f00::1]",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
    "\u2460\u2461\u2466.0.0.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "[::ffff:169.254.169.254]",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.0.8",
    "168.63.129.16",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
)
"""Hosts that lead to this machine, into its networks, or nowhere that is public."""


class Listeners:
    """HTTP servers on a port of this machine, on IPv4 and IPv6, which count connections and respond as told."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.response = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.response)
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def listeners() -> AsyncIterator[Listeners]:
    found = Listeners()
    first = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = first.sockets[0].getsockname()[1]
    second = await asyncio.start_server(found.serve, "::1", found.port)
    async with first, second:
        yield found


def resolving(*answers: list[str]) -> tuple[Resolve, list[str]]:
    """A resolver that returns each of these in turn, and the names that it was asked for."""
    asked: list[str] = []
    rest = list(answers)

    async def resolve(host: str) -> list[Address]:
        asked.append(host)
        return [ip_address(text) for text in rest.pop(0)]

    return resolve, asked


async def send(egress: Egress, url: str, seconds: float = 5) -> int:
    async with egress.stream("POST", url, body=b"{}", seconds=seconds) as response:
        await response.aread()
        return response.status


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_an_inner_address_reaches_a_socket(host: str, listeners: Listeners) -> None:
    async with Egress(EgressSettings()) as egress:
        with pytest.raises((EgressRefused, EgressFailed, InvalidUrl)):
            await send(egress, f"http://{host}:{listeners.port}/")
    assert listeners.connections == 0


async def test_an_allowed_network_is_reached(listeners: Listeners) -> None:
    async with Egress(EgressSettings(egress_allow=("127.0.0.0/8",))) as egress:
        assert await send(egress, f"http://127.0.0.1:{listeners.port}/hook?a=b") == 204
        with pytest.raises(EgressRefused, match=r"\[::1\]|::1"):
            await send(egress, f"http://[::1]:{listeners.port}/")
    assert listeners.connections == 1
    assert listeners.requests[0].startswith(b"POST /hook?a=b HTTP/1.1\r\n")
    assert b"Content-Length: 2\r\n" in listeners.requests[0]


async def test_a_name_is_allowed_with_its_inner_addresses(listeners: Listeners) -> None:
    async with Egress(EgressSettings(egress_allow=("localhost",))) as egress:
        assert await send(egress, f"http://localhost:{listeners.port}/") == 204
        with pytest.raises(EgressRefused):
            await send(egress, f"http://127.0.0.1:{listeners.port}/")


async def test_a_name_with_one_inner_address_is_refused_as_a_whole(listeners: Listeners) -> None:
    resolve, asked = resolving(["93.184.215.14", "127.0.0.1"])
    async with Egress(EgressSettings(), resolve=resolve) as egress:
        with pytest.raises(EgressRefused, match="has an address that is not public"):
            await send(egress, f"http://dual.example:{listeners.port}/")
    assert asked == ["dual.example"]
    assert listeners.connections == 0


async def test_a_name_is_looked_up_once_for_a_connection(listeners: Listeners) -> None:
    """A second look-up may return another address than the one that was checked (DNS rebinding)."""
    resolve, asked = resolving(["127.0.0.1"], ["10.0.0.1"])
    settings = EgressSettings(egress_allow=("127.0.0.1",))
    async with Egress(settings, resolve=resolve) as egress:
        assert await send(egress, f"http://rebinding.example:{listeners.port}/") == 204
        assert asked == ["rebinding.example"]
        with pytest.raises(EgressRefused):
            await send(egress, f"http://rebinding.example:{listeners.port}/")
    assert listeners.connections == 1


async def test_an_address_that_does_not_respond_leaves_time_for_the_next(listeners: Listeners) -> None:
    with dropping_packets() as dropping:
        port = parse_url(dropping).port
        assert port is not None
        settings = EgressSettings(egress_allow=("127.0.0.0/8",))
        resolve, _ = resolving(["127.0.0.1", "127.0.0.2"], ["127.0.0.1", "127.0.0.1"], ["127.0.0.1", "127.0.0.3"])
        async with (
            await asyncio.start_server(listeners.serve, "127.0.0.2", port),
            Egress(settings, resolve=resolve) as egress,
        ):
            assert await send(egress, f"http://dual.example:{port}/", seconds=4) == 204
            with pytest.raises(EgressTimeout, match=r"dual\.example did not respond"):
                await send(egress, f"http://dual.example:{port}/", seconds=1)
            with pytest.raises(EgressFailed, match=r"request to dual\.example failed"):
                await send(egress, f"http://dual.example:{port}/", seconds=1)
    assert listeners.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300])
async def test_a_redirect_is_not_followed(status: int, listeners: Listeners) -> None:
    listeners.response = (
        f"HTTP/1.1 {status} Elsewhere\r\nLocation: http://[::1]:{listeners.port}/\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    async with Egress(EgressSettings(egress_allow=("127.0.0.1",))) as egress:
        assert await send(egress, f"http://127.0.0.1:{listeners.port}/") == status
    assert listeners.connections == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "unix:///run/docker.sock",
        "http://",
        "http:///path",
        "https://user:secret@example.com/",
        "https://127.0.0.1\\@example.com/",
        "https://example.com:99999/",
        "https://example.com/\r\nX: y",
        "https://" + "a" * 3_000,
    ],
)
def test_what_is_no_url_of_a_host_is_refused(url: str) -> None:
    with pytest.raises(InvalidUrl) as raised:
        parse_url(url)
    assert "secret" not in raised.value.message


async def test_a_proxy_gets_names_but_no_inner_address(listeners: Listeners) -> None:
    settings = EgressSettings(egress_proxy=f"http://user:pass@127.0.0.1:{listeners.port}")
    async with Egress(settings) as egress:
        assert await send(egress, "http://hooks.example/path") == 204
        for host in ("127.0.0.1", "2130706433", "[::1]", "169.254.169.254"):
            with pytest.raises(EgressRefused):
                await send(egress, f"http://{host}/")
    assert listeners.connections == 1
    assert listeners.requests[0].startswith(b"POST http://hooks.example/path HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic" in listeners.requests[0]


async def test_behind_a_proxy_only_allowed_hosts_can_be_reached_without_tls() -> None:
    settings = EgressSettings(egress_proxy="http://127.0.0.1:1", egress_allow=("*.corp.example", "10.0.0.0/8"))
    async with Egress(settings) as egress:
        for url in ("http://hooks.corp.example/", "http://10.0.0.1/", "https://hooks.example/"):
            await egress.check(url)
        with pytest.raises(InvalidUrl, match=r"https://, since hooks\.example may be a public host"):
            await egress.check("http://hooks.example/")
        with pytest.raises(InvalidUrl, match=r"https://, since 8\.8\.8\.8 is a public host"):
            await egress.check("http://8.8.8.8/")
        with pytest.raises(EgressRefused):
            await egress.check("http://127.0.0.1/")


async def test_a_host_that_is_not_there_is_an_error_that_names_it() -> None:
    async with Egress(EgressSettings(egress_allow=("127.0.0.1",))) as egress:
        with pytest.raises(EgressFailed, match="127\\.0\\.0\\.1"):
            await send(egress, "http://127.0.0.1:1/")
