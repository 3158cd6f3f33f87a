"""What live followers are compared with: `node/yardstick.mjs`, on the Node of this machine or else of a wheel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.stack.ports import free_ports
from tests.bench import programs
from tests.bench.arena import listening

SOURCE = Path(__file__).parent / "node"
NAME = "yardstick"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How Node is run here."""

    node: str
    version: str

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[int, int, int]]:
        """Its port, the port that takes events, and its process id."""
        port, feed_port = free_ports([0, 0])
        process = await asyncio.create_subprocess_exec(
            self.node, "yardstick.mjs", f"{port}", f"{feed_port}", cwd=programs.CACHE / NAME
        )
        try:
            await listening(port)
            await listening(feed_port)
            yield port, feed_port, process.pid
        finally:
            process.terminate()
            await process.wait()


def find() -> Yardstick | str:
    """Node with what it needs, or why there is none."""
    try:
        node, _ = programs.node(SOURCE, NAME)
        return Yardstick(node, programs.version(node, "--version"))
    except programs.NotHere as error:
        return str(error)
