"""The sockets that a server listens on."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Sequence

import structlog

log = structlog.get_logger()

_ATTEMPTS = 10
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


def bound_sockets(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Return a bound socket for every address of every host; with port 0 all of them have the same free port.

    `::` stands for all addresses of both families. They get a socket each: one socket for both would show 192.0.2.1 as
    ::ffff:192.0.2.1, which is no network of `TRUSTED_PROXIES`. Without IPv6 on this machine, `::` is IPv4 alone.

    Raises `OSError` that names the address which can't be listened on.
    """
    attempts = 1 if port else _ATTEMPTS
    for attempt in range(1, attempts + 1):
        sockets: list[socket.socket] = []
        try:
            for family, address in _addresses(hosts):
                shared = sockets[0].getsockname()[1] if sockets and not port else port
                try:
                    sockets.append(_bound(family, address, shared))
                except OSError as error:
                    if address == "::" and sockets and error.errno in _NO_IPV6:
                        log.warning("address_unsupported", address=address, reason=error.strerror)
                        continue
                    raise OSError(
                        error.errno, f"can't listen on {url_of(address, shared)}: {error.strerror}"
                    ) from error
        except BaseException as error:
            for opened in sockets:
                opened.close()
            in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            if not in_use or attempt == attempts:
                raise
        else:
            return sockets
    raise AssertionError


def url_of(address: str, port: int) -> str:
    """Return the URL of a server that listens on this address."""
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def _addresses(hosts: Iterable[str]) -> list[tuple[socket.AddressFamily, str]]:
    """Return the addresses of the hosts, each once. Raises `OSError` that names the host without any."""
    found: dict[tuple[socket.AddressFamily, str], None] = {}
    for host in hosts:
        for name in ("0.0.0.0", "::") if host == "::" else (host,):  # noqa: S104 - that is what `::` stands for
            try:
                infos = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            except socket.gaierror as error:
                raise OSError(error.errno, f"HOST has an unknown address: {name} ({error.strerror})") from error
            for family, _, _, _, address in infos:
                found[family, str(address[0])] = None
    return list(found)


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a restart waits for old connections
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
    except BaseException:
        sock.close()
        raise
    return sock
