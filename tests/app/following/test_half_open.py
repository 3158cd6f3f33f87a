"""Connections whose other end is gone without a word: no FIN, no RST, no answer."""

from __future__ import annotations

import ctypes
import random
import socket as sockets
import struct
from itertools import pairwise
from typing import Any, cast

import pytest

from app.following.connections import MAX_SILENCE, StreamConnection
from tests.app.following.followers import base, live, until_subscribers
from tests.app.following.simulation import Wire
from tests.app.following.stalled_clients import stalled_client
from tests.app.shared import Shared
from tests.helpers.running import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SO_ATTACH_FILTER = 26
_RETURN = 0x06


def vanish(sock: sockets.socket) -> None:
    """The machine of this socket is off: its kernel drops whatever comes in, and so answers nothing (socket(7))."""
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", _RETURN, 0, 0, 0))
    sock.setsockopt(sockets.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(drop_all)))


@pytest.mark.parametrize("way", ["subscribe", "stream"])
async def test_a_client_that_vanishes_is_disconnected(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("app.following.connections.USER_TIMEOUT", 0.5)
    job = await shared.processing()
    async with stalled_client(base(shared), f"{way}/{job.id}") as client:
        await until_subscribers(shared.services.feed, job, 1)
        vanish(client.sock)
        await shared.publish(live(job, 1))
        await until_subscribers(shared.services.feed, job, 0)


async def test_a_client_without_pongs_is_closed(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.server.PING", 0.2)
    monkeypatch.setattr("app.server.PONG", 0.2)
    job = await shared.processing()
    async with serving(shared.settings) as gateway, stalled_client(gateway, f"subscribe/{job.id}") as client:
        assert b"keepalive" in await client.read_until(struct.pack("!H", 1011) + b"keepalive ping timeout")
        await until_subscribers(shared.services.feed, job, 0)


async def test_a_stream_is_never_silent_for_too_long() -> None:
    said: list[float] = []
    now = 0.0

    class Written(Wire):
        def write(self, data: bytes) -> None:
            del data
            said.append(now)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    connection = StreamConnection(cast("Any", Written()), send, lambda _: None, many=False)
    connection.has_begun = True
    while now < 10_000:
        now += 1 + random.random() / 20
        connection.keep_alive(now)
    pauses = [later - sooner for sooner, later in pairwise(said)]
    assert len(pauses) > 500
    assert max(pauses) <= MAX_SILENCE
