"""Sites of other origins that use the built client: their npm commands, and what serves them."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx


@asynccontextmanager
async def _only_one(project: Path) -> AsyncIterator[None]:
    """One test process at a time builds the library or copies it."""
    with (project / "frontend" / "package-lock.json").open("rb") as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
        yield


def _command(project: Path, folder: str, *arguments: str) -> list[str]:
    return ["sh", str(project / "frontend/npm.sh"), "--prefix", str(project / folder), *arguments]


def _environment(more: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "NEXT_TELEMETRY_DISABLED": "1", **more}


async def npm(project: Path, folder: str, *arguments: str, **environment: str) -> None:
    """Runs npm in a folder of the project, and fails with its output."""
    process = await asyncio.create_subprocess_exec(
        *_command(project, folder, *arguments),
        env=_environment(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def copy_library(project: Path, to: Path) -> None:
    """Builds the client and the hooks, and copies them."""
    async with _only_one(project):
        await npm(project, "frontend", "run", "--silent", "library")
        shutil.copytree(project / "frontend" / "dist", to, dirs_exist_ok=True)


async def install(project: Path, folder: str) -> None:
    """Builds the library, and installs an example with it."""
    async with _only_one(project):
        await npm(project, "frontend", "run", "--silent", "library")
        await npm(project, folder, "ci", "--silent")


@asynccontextmanager
async def started(project: Path, folder: str, port: int, *arguments: str, **environment: str) -> AsyncIterator[None]:
    """What `npm start` runs in a folder of the project, on this port of 127.0.0.1."""
    process = await asyncio.create_subprocess_exec(
        *_command(project, folder, "run", "start", "--", *arguments),
        env=_environment(environment),
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=10)) as client:
            await client.get(f"http://127.0.0.1:{port}/", timeout=60)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


@contextmanager
def static(folder: Path) -> Iterator[str]:
    """An origin that serves the files of a folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Logs nothing."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
