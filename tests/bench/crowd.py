"""The crowd: thousands of followers in one process of their own, as cheap as Python allows.

They read messages by looking for two marks in them, not as JSON. Of each message they note when it was published, which
the publisher writes into `bytesDone` as microseconds of the clock that all processes of a machine share.
"""

from __future__ import annotations

import gc
import heapq
import re
import select
import socket
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from time import monotonic, monotonic_ns, process_time

HOST = "127.0.0.1"
OPENING = 100
"""Followers that wait for their first message at once."""
PATIENCE = 180.0
"""Seconds that all of them may take to be there, and to be gone."""
EACH = b'"tick":'
"""Once in every message."""
STAMP = b'"bytesDone":'
"""Follows in every message; of several, the first one."""
LAST = b'"type":"cancelled"'
PING = b"\x89\x04"
"""The head of a WebSocket ping of four bytes; no message of ASCII text contains it, nor does a length before a `{`."""
PONG = b"\x8a\x84\0\0\0\0"

_ETAG = re.compile(rb"\r\netag: ([^\r]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Who follows on 127.0.0.1:`port`: a path for each follower. The polled paths are asked for every `pause` seconds."""

    port: int
    sockets: Sequence[str] = ()
    streams: Sequence[str] = ()
    polls: Sequence[str] = ()
    pause: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came since the last time. `times` are microseconds from publishing to receiving, `cpu` is cores used."""

    seconds: float
    messages: int
    times: array[int] = field(repr=False)
    polls: array[int] = field(repr=False)
    """Microseconds from asking to the first byte of the answer."""
    statuses: dict[int, int]
    lost: int
    """Followers whose connection ended before their job, so far."""
    ended: int
    """Followers that got the last message of their job, so far."""
    cpu: float

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


def run(crowd: Crowd, pipe: Connection) -> None:
    """Says how many are there; then answers `take`, and `end` once all have their last message, until it is ended."""
    gc.disable()
    held = _Held(crowd)
    held.open()
    pipe.send(len(held.followers))
    held.poll.register(pipe.fileno(), select.EPOLLIN)
    held.take()
    while True:
        held.turn(0.5)
        if pipe.poll():
            if pipe.recv() == "end":
                held.until_ended()
            pipe.send(held.take())


def visit(crowd: Crowd) -> None:
    """All of them come, have their first message and leave."""
    held = _Held(crowd)
    held.open()
    for follower in held.followers.values():
        follower.sock.close()
    held.poll.close()


class _Follower:
    """One connection that follows."""

    __slots__ = ("ended", "opened", "recv_into", "send", "sock", "stamp")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.recv_into = sock.recv_into
        self.send = sock.send
        self.opened = False
        self.ended = False
        self.stamp = 0


class _Poller:
    """One connection that polls."""

    __slots__ = ("asked", "etag", "path", "sock")

    def __init__(self, sock: socket.socket, path: str) -> None:
        self.sock = sock
        self.path = path
        self.etag = b""
        self.asked = 0

    def ask(self) -> None:
        head = f"GET {self.path} HTTP/1.1\r\nHost: {HOST}\r\n".encode()
        condition = b"If-None-Match: " + self.etag + b"\r\n" if self.etag else b""
        self.asked = monotonic_ns()
        self.sock.send(head + condition + b"\r\n")


class _Held:
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._buffer = bytearray(1 << 20)
        self.poll = select.epoll()
        self.followers: dict[int, _Follower] = {}
        self._pollers: dict[int, _Poller] = {}
        self._due: list[tuple[float, int]] = []
        self._opened = self._lost = self._ended = 0
        self._clear()

    def _clear(self) -> None:
        self._messages = 0
        self._times: array[int] = array("q")
        self._polls: array[int] = array("q")
        self._statuses: Counter[int] = Counter()
        self._cpu, self._began = process_time(), monotonic()

    def take(self) -> Taken:
        """What came since the last time."""
        seconds = monotonic() - self._began
        taken = Taken(
            seconds=seconds,
            messages=self._messages,
            times=self._times,
            polls=self._polls,
            statuses=dict(self._statuses),
            lost=self._lost,
            ended=self._ended,
            cpu=(process_time() - self._cpu) / seconds,
        )
        self._clear()
        return taken

    # --- connections ---------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Raises `TimeoutError` when not all of them get a first message."""
        deadline = monotonic() + PATIENCE
        requests = self._requests()
        waiting = True
        while waiting or self._opened < len(self.followers):
            while waiting and len(self.followers) - self._opened < OPENING:
                request = next(requests, None)
                if request is None:
                    waiting = False
                else:
                    self._follow(request)
            self.turn(0.1)
            if monotonic() > deadline:
                raise TimeoutError(f"{self._opened} of {len(self.followers)} followers have had a message")
        for number, path in enumerate(self._crowd.polls):
            sock = self._connect()
            self._pollers[sock.fileno()] = _Poller(sock, path)
            first = monotonic() + self._crowd.pause * number / len(self._crowd.polls)
            heapq.heappush(self._due, (first, sock.fileno()))

    def _requests(self) -> Iterator[bytes]:
        """Both kinds in turn."""
        crowd = self._crowd
        for number in range(max(len(crowd.sockets), len(crowd.streams))):
            if number < len(crowd.sockets):
                yield (
                    f"GET {crowd.sockets[number]} HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\n"
                    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                ).encode()
            if number < len(crowd.streams):
                yield f"GET {crowd.streams[number]} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()

    def _connect(self) -> socket.socket:
        sock = socket.create_connection((HOST, self._crowd.port))
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.poll.register(sock.fileno(), select.EPOLLIN)
        return sock

    def _follow(self, request: bytes) -> None:
        sock = self._connect()
        self.followers[sock.fileno()] = _Follower(sock)
        sock.send(request)

    # --- what comes in -------------------------------------------------------------------------------------------------

    def turn(self, patience: float) -> None:
        """Waits for something, and takes all there is."""
        if self._due:
            patience = min(patience, max(0.0, self._due[0][0] - monotonic()))
        followers = self.followers
        for descriptor, _ in self.poll.poll(patience):
            follower = followers.get(descriptor)
            if follower is not None:
                self._receive(follower, descriptor)
            elif descriptor in self._pollers:
                self._answered(self._pollers[descriptor])
        while self._due and self._due[0][0] <= monotonic():
            due, descriptor = heapq.heappop(self._due)
            self._pollers[descriptor].ask()
            heapq.heappush(self._due, (due + self._crowd.pause, descriptor))

    def _receive(self, follower: _Follower, descriptor: int) -> None:
        buffer = self._buffer
        try:
            size = follower.recv_into(buffer)
        except OSError:
            size = 0
        now = monotonic_ns() // 1000
        if not size:
            return self._closed(follower, descriptor)
        place = buffer.find(EACH, 0, size)
        while place >= 0:
            self._messages += 1
            begin = buffer.find(STAMP, place, size) + len(STAMP)
            if begin >= len(STAMP):
                end = buffer.find(b",", begin, size)
                stamp = int(buffer[begin:end])
                if stamp > follower.stamp:
                    follower.stamp = stamp
                    self._times.append(now - stamp)
            place = buffer.find(EACH, place + len(EACH), size)
            if not follower.opened:
                follower.opened = True
                self._opened += 1
        if not follower.ended and buffer.find(LAST, 0, size) >= 0:
            follower.ended = True
            self._ended += 1
        ping = buffer.find(PING, 0, size)
        if ping >= 0:
            follower.send(PONG + buffer[ping + 2 : ping + 6])
        return None

    def _closed(self, follower: _Follower, descriptor: int) -> None:
        self.poll.unregister(descriptor)
        follower.sock.close()
        del self.followers[descriptor]
        self._lost += not follower.ended

    def _answered(self, poller: _Poller) -> None:
        size = poller.sock.recv_into(self._buffer)
        if not poller.asked:
            return  # the rest of an answer
        self._polls.append((monotonic_ns() - poller.asked) // 1000)
        poller.asked = 0
        self._statuses[int(self._buffer[9:12])] += 1
        etag = _ETAG.search(self._buffer, 0, size)
        if etag:
            poller.etag = etag[1]

    def until_ended(self) -> None:
        """Until all have their last message, or long enough."""
        deadline = monotonic() + PATIENCE
        while any(not it.ended for it in self.followers.values()) and monotonic() < deadline:
            self.turn(0.5)
