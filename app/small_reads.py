"""Reads of bounded size: what many slow requests have sent, and nobody takes yet, adds up."""

from __future__ import annotations

import asyncio

READ_SIZE = 128 * 1024
"""Bytes that are read from a socket at once. uvloop reads 262,144 otherwise."""


class SmallReads(asyncio.BufferedProtocol):
    """Receives for another protocol, `READ_SIZE` bytes at most at once."""

    def __init__(self, protocol: asyncio.Protocol, buffer: memoryview) -> None:
        """`buffer`: may be shared by all connections of an event loop, since each read is copied from it at once."""
        self._protocol = protocol
        self._buffer = buffer
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's interface
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._protocol.data_received(bytes(self._buffer[:nbytes]))
