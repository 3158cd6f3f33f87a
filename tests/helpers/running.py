"""A gateway or a worker that runs for as long as a `with` block lasts."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.server import GatewayServer
from jobs.settings import Settings
from jobs.worker import run_worker


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """A gateway in the test's event loop, on a free port; yields its base URL."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    port = listening.getsockname()[1]
    server = GatewayServer(settings)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{port}"
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
async def worker_process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker in a process of its own, which is killed at the end."""
    names = (
        "database_url",
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
    values = {name.upper(): str(getattr(settings, name)) for name in names}
    values["S3_SECRET_ACCESS_KEY"] = settings.s3_secret_access_key.get_secret_value()
    code = "from jobs.settings import Settings; from jobs.worker_process import work; work(Settings())"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env={**os.environ, **values})
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
