"""The sockets that the gateway listens on: both families for `::`, several addresses, and errors that name the address."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
from structlog.testing import capture_logs

from app import listening
from app.listening import bound_sockets

pytestmark = pytest.mark.servers


@contextmanager
def listening_on(hosts: Sequence[str], port: int = 0) -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        sockets = [opened.enter_context(sock) for sock in bound_sockets(hosts, port)]
        for sock in sockets:
            sock.listen()
        yield sockets


def test_the_unspecified_ipv6_address_accepts_both_families_on_one_port() -> None:
    with listening_on(["::"]) as sockets:
        [port] = {sock.getsockname()[1] for sock in sockets}
        for address, accepting in zip(("127.0.0.1", "::1"), sockets, strict=True):
            with socket.create_connection((address, port), timeout=5) as client:
                peer, _ = accepting.accept()
                with peer:
                    assert peer.getpeername()[0] == client.getsockname()[0] == address


def test_several_addresses_share_a_free_port() -> None:
    with listening_on(["127.0.0.1", "::1", "127.0.0.2", "localhost"]) as sockets:
        assert [sock.getsockname()[0] for sock in sockets] == ["127.0.0.1", "::1", "127.0.0.2"]
        assert len({sock.getsockname()[1] for sock in sockets}) == 1


def test_an_ipv4_address_stays_alone() -> None:
    with listening_on(["0.0.0.0"]) as [sock]:
        assert sock.family == socket.AF_INET


def test_a_port_in_use_is_named_with_its_address() -> None:
    with listening_on(["::1"]) as [taken]:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"can't listen on http://\[::1\]:{port}: Address already in use"):
            bound_sockets(["127.0.0.1", "::1"], port)
        with listening_on(["127.0.0.1"], port):
            pass  # nothing is left open


def test_an_unknown_host_is_named() -> None:
    with pytest.raises(OSError, match=r"HOST has an unknown address: nothing\.invalid"):
        bound_sockets(["nothing.invalid"], 0)


def test_without_ipv6_the_unspecified_address_is_ipv4_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = listening._bound  # noqa: SLF001

    def without_ipv6(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return bind(family, address, port)

    monkeypatch.setattr(listening, "_bound", without_ipv6)
    with capture_logs() as lines, listening_on(["::"]) as [sock]:
        assert sock.family == socket.AF_INET
    assert [line["event"] for line in lines] == ["address_unsupported"]
    with pytest.raises(OSError, match=r"can't listen on http://\[::1\]:"):
        bound_sockets(["127.0.0.1", "::1"], 0)
