"""A gateway, an intake or a worker that runs for as long as a `with` block lasts."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpx

from app.server import GatewayServer, Server, intake_server
from app.stack.ports import free_ports
from jobs.settings import Settings
from jobs.worker import run_worker
from tests.helpers.eventually import eventually


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """A gateway in the test's event loop, on a free port; yields its base URL."""
    async with running(lambda _: GatewayServer(settings)) as url:
        yield url


@asynccontextmanager
async def taking_in(settings: Settings) -> AsyncIterator[str]:
    """An intake in the test's event loop, on a free port, which is its `INTAKE_URL` if it has none; yields that."""

    def server(url: str) -> Server:
        own = {"intake_url": settings.intake_url or url, "public_url": settings.public_url or "http://127.0.0.1"}
        return intake_server(settings.model_copy(update=own))

    async with running(server) as url:
        yield url


@asynccontextmanager
async def running(make: Callable[[str], Server]) -> AsyncIterator[str]:
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = make(url)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield url
    finally:
        server.should_exit = True
        await task
        listening.close()


@asynccontextmanager
async def working(settings: Settings, name: str = "worker-1") -> AsyncIterator[None]:
    """A worker in the test's event loop."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(settings, stop, name))
    try:
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def taking_in_process(
    settings: Settings, port: int | None = None, **environment: str
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """An intake in a process of its own, which is killed at the end; yields its URL, too. Without a port on a free one."""
    if port is None:
        [port] = free_ports([0])
    url = f"http://127.0.0.1:{port}"
    own = {"INTAKE_PORT": str(port), "INTAKE_URL": url, "PUBLIC_URL": "http://127.0.0.1", **environment}
    code = "from app.server import serve_intake; from jobs.settings import Settings; serve_intake(Settings())"
    values = {**environment_of(settings), **own}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=values)
    try:
        async with httpx.AsyncClient(base_url=url) as client:
            await eventually(lambda: _is_live(client), patience=90)
        yield url, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def serving_process(settings: Settings, **environment: str) -> AsyncIterator[str]:
    """A gateway in a process of its own, on a free port, which is killed at the end; yields its URL."""
    [port] = free_ports([0])
    url = f"http://127.0.0.1:{port}"
    code = "from app.server import serve; from jobs.settings import Settings; serve(Settings())"
    values = {**environment_of(settings), "PORT": str(port), **environment}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=values)
    try:
        async with httpx.AsyncClient(base_url=url) as client:
            await eventually(lambda: _is_live(client), patience=90)
        yield url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def worker_process(settings: Settings, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker in a process of its own, which is killed at the end."""
    code = "from jobs.settings import Settings; from jobs.worker_process import work; work(Settings())"
    values = {**environment_of(settings), **environment}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=values)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _is_live(client: httpx.AsyncClient) -> bool:
    with suppress(httpx.TransportError):
        return (await client.get("/health/live")).is_success
    return False


def environment_of(settings: Settings) -> dict[str, str]:
    """This process's environment, with the settings that differ between tests, for another process."""
    names = (
        "database_url",
        "queue",
        "redis_url",
        "s3_endpoint",
        "s3_access_key_id",
        "s3_bucket_name",
        "lease_ttl",
        "heartbeat_interval",
        "heartbeat_timeout",
        "drain_timeout",
        "worker_memory_budget",
        "s3_part_copy",
    )
    values = {name.upper(): str(value) for name in names if (value := getattr(settings, name)) is not None}
    values["WORKER_KINDS"] = ",".join(settings.worker_kinds)
    values["S3_SECRET_ACCESS_KEY"] = settings.s3_secret_access_key.get_secret_value()
    return {**os.environ, **values}
