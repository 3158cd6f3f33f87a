"""The guard: it resolves a host name once, checks every address that it has, and connects to one of those.

    async with Egress(settings) as egress:
        async with egress.stream("POST", "https://hooks.example/haulage", headers, body, seconds=15) as response:
            ...

What was checked is what is connected to: the name is not looked up again, so that an answer that changes in between is
of no use. A redirect is a response like any other, and not followed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import httpcore2
import httpx2

from jobs.egress.destinations import Address, Destinations, is_public
from jobs.errors import EgressFailed, EgressRefused, EgressTimeout, InvalidUrl
from jobs.settings import EgressSettings

MAX_URL = 2_048
"""Characters of a URL."""
MAX_PORT = 65_535
RESOLVE_TIMEOUT = 10.0
"""Seconds for the look-up of a host name that is checked."""
USER_AGENT = "Haulage"
_CONNECTIONS = 100
"""Connections that are open at once."""
_KEPT = 5.0
"""Seconds that a connection is kept for the next request to the same host."""

Resolve = Callable[[str], Awaitable[list[Address]]]


async def resolve(host: str) -> list[Address]:
    """Return the addresses of a host name, or of an address in any of its spellings. Raises `httpcore2.ConnectError`."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"The host {host} is not known: {error}") from error
    return [ip_address(str(where[0])) for *_, where in found]


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses only. TLS still verifies the name of the URL, which httpcore2 passes on."""

    def __init__(self, destinations: Destinations, resolve: Resolve = resolve) -> None:
        self._destinations = destinations
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connects to the first address of the host that accepts within its share of `timeout` seconds.

        Raises `EgressRefused` if any address of the host is one that may not be reached.
        """
        try:
            async with asyncio.timeout(timeout) as limit:
                return await self._connect(host, port, limit.when(), local_address, socket_options)
        except (TimeoutError, httpcore2.ConnectTimeout) as error:
            raise httpcore2.ConnectTimeout(
                f"The host {host} did not accept a connection within {timeout} s."
            ) from error

    async def _connect(
        self,
        host: str,
        port: int,
        deadline: float | None,
        local_address: str | None,
        socket_options: Iterable[Any] | None,
    ) -> httpcore2.AsyncNetworkStream:
        """`deadline`: the time of the event loop until which it may take; what is left is shared by the addresses left."""
        addresses = await self.checked_addresses(host)
        last: Exception = httpcore2.ConnectError(f"The host {host} has no address.")
        for tried, address in enumerate(addresses):
            share = None
            if deadline is not None:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                share = left / (len(addresses) - tried)
            try:
                return await self._network.connect_tcp(
                    str(address), port, timeout=share, local_address=local_address, socket_options=socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last

    async def checked_addresses(self, host: str) -> list[Address]:
        """The addresses of a host. Raises `EgressRefused` if it has one that may not be reached."""
        addresses = await self._resolve(host)
        if not self._destinations.allows_name(host):
            for address in addresses:
                if not self._destinations.allows(address):
                    raise refused(host, address)
        return addresses

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the interface has it
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        raise EgressRefused(f"Requests may not be sent to the Unix socket {path}.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Egress:
    """Sends requests to URLs that users named. Close it when it is no longer needed, as an asynchronous context manager."""

    def __init__(self, settings: EgressSettings, tls: ssl.SSLContext | None = None, resolve: Resolve = resolve) -> None:
        self._destinations = Destinations(settings.egress_allow)
        self._has_proxy = settings.egress_proxy is not None
        tls = tls or ssl.create_default_context()
        self._backend = GuardedBackend(self._destinations, resolve)
        if settings.egress_proxy is None:
            self._pool = httpcore2.AsyncConnectionPool(
                ssl_context=tls, max_connections=_CONNECTIONS, keepalive_expiry=_KEPT, network_backend=self._backend
            )
        else:
            proxy = httpx2.URL(settings.egress_proxy)
            self._pool = httpcore2.AsyncHTTPProxy(
                proxy_url=_raw(proxy.copy_with(userinfo=b"", raw_path=b"/")),
                proxy_auth=(proxy.username, proxy.password) if proxy.username else None,
                ssl_context=tls,
                max_connections=_CONNECTIONS,
                keepalive_expiry=_KEPT,
            )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def check(self, url: str) -> None:
        """Refuse a URL to which no request could be sent. Raises `InvalidUrl`, `EgressRefused`.

        It is for people who are about to store the URL. Whatever it finds, each request is checked by itself. Without TLS,
        only hosts that are not public can be told: what is sent there does not leave the own network. Behind a proxy, which
        looks up the names, these are the ones that `EGRESS_ALLOW` has.
        """
        try:
            await self.check_now(url)
        except EgressFailed as error:
            raise InvalidUrl(error.message) from error

    async def check_now(self, url: str) -> None:
        """The same, but raises `EgressFailed` if the name of the host cannot be looked up now."""
        await self._check(parse_url(url))

    async def check_tls(self, url: str) -> None:
        """Refuse a URL without TLS of a public host, right before a request that would be sent there.

        Raises `InvalidUrl`, `EgressRefused`, and `EgressFailed` if the name of the host cannot be looked up now.
        """
        parsed = parse_url(url)
        if parsed.scheme == "http":
            await self._check(parsed)

    async def _check(self, url: httpx2.URL) -> None:
        if self._has_proxy:
            addresses = self._checked_literal(url.host)
            may_be_public = not addresses and not self._destinations.allows_name(url.host)
        else:
            try:
                async with asyncio.timeout(RESOLVE_TIMEOUT):
                    addresses = await self._backend.checked_addresses(url.host)
            except (httpcore2.ConnectError, TimeoutError) as error:
                raise EgressFailed(f"The host {url.host} is not known.") from error
            may_be_public = False
        if url.scheme == "http" and (may_be_public or any(is_public(address) for address in addresses)):
            what = "may be" if may_be_public else "is"
            raise InvalidUrl(f"The URL must start with https://, since {url.host} {what} a public host.")

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        seconds: float,
    ) -> AsyncIterator[httpcore2.Response]:
        """Send a request, and yield its response, whatever its status is, before its body is read.

        `seconds` bounds the connecting, and each wait for a byte; whoever needs a bound for all of it sets that. Raises
        `InvalidUrl`, `EgressRefused`, `EgressFailed`; so does the reading of the body within the context.
        """
        parsed = parse_url(url)
        if self._has_proxy:
            self._checked_literal(parsed.host)
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        try:
            async with self._pool.stream(
                method,
                _raw(parsed),
                headers=[*_own_headers(parsed, body), *(headers or {}).items()],
                content=body,
                extensions={"timeout": timeouts},
            ) as response:
                yield response
        except httpcore2.TimeoutException as error:
            raise EgressTimeout(f"{parsed.host} did not respond, or sent nothing more, for {seconds:g} s.") from error
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.ProxyError,
        ) as error:
            raise EgressFailed(f"The request to {parsed.host} failed: {_reason(error)}") from error
        except OSError as error:  # of TLS
            raise EgressFailed(f"The request to {parsed.host} failed: {error}") from error

    def _checked_literal(self, host: str) -> list[Address]:
        """The address that a host is written as; none for a name, which the proxy looks up, and has to judge.

        Raises `EgressRefused` if it may not be reached.
        """
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            return []
        addresses = [ip_address(str(where[0])) for *_, where in found]
        for address in addresses:
            if not self._destinations.allows(address):
                raise refused(host, address)
        return addresses


def parse_url(text: str) -> httpx2.URL:
    """Return the parsed URL. Raises `InvalidUrl` for what no request can be sent to.

    The error does not repeat the URL, since that may have secrets.
    """
    if len(text) > MAX_URL:
        raise InvalidUrl(f"The URL is too long: it may have {MAX_URL:,} characters.")
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise InvalidUrl(f"The URL is not valid: {error}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidUrl("The URL is not of the form https://host/path.")
    if "%" in url.host:
        raise InvalidUrl("The URL has a character in its host that no host name has.")
    if url.port is not None and not 0 < url.port <= MAX_PORT:
        raise InvalidUrl(f"The URL has the port {url.port}, which does not exist.")
    if url.userinfo:
        raise InvalidUrl("The URL must not contain a user name or a password.")
    return url.copy_with(fragment=None)


def refused(host: str, address: Address) -> EgressRefused:
    """The error of a host with an address that may not be reached. It does not say which address that is."""
    what = "is" if host.strip("[]") == str(address) else "has"
    return EgressRefused(
        f"No request may be sent to {host}: it {what} an address that is not public. An operator can allow it by"
        " EGRESS_ALLOW."
    )


def _own_headers(url: httpx2.URL, body: bytes | None) -> list[tuple[str, str]]:
    own = [("Host", url.netloc.decode("ascii")), ("User-Agent", USER_AGENT)]
    return own if body is None else [*own, ("Content-Length", str(len(body)))]


def _raw(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
