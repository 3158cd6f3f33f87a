"""The OpenID provider of tests/oidc, on a free port."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from anyio import to_thread

from app.stack.ports import HOST, free_ports
from app.stack.processes import Command, Server, child_environment
from tests.helpers.nodes import node

FOLDER = Path(__file__).parents[1] / "oidc"
CLIENT_SECRET = "client-secret-0123456789"


class OpenIdServer(Server):
    """Signs in whom the `login_hint` of an authorization request names."""

    name = "openid-provider"

    def __init__(self, folder: Path, redirect_uri: str) -> None:
        super().__init__(folder)
        self._folder = folder
        self._redirect_uri = redirect_uri
        [self._port] = free_ports([0])
        self.url = f"http://{HOST}:{self._port}"

    def prepare(self) -> Command:
        if not (FOLDER / "node_modules" / "oidc-provider").exists():
            pytest.fail("The OpenID provider is not installed: run `make test`")
        argv: list[str | Path] = [node(), FOLDER / "provider.mjs", str(self._port), self._redirect_uri, CLIENT_SECRET]
        return Command(argv, cwd=self._folder, env=child_environment(HOME=str(self._folder)))

    def is_ready(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex((HOST, self._port)) == 0


@asynccontextmanager
async def running_provider(folder: Path, redirect_uri: str) -> AsyncIterator[OpenIdServer]:
    """A provider that sends users back to this URI."""
    server = OpenIdServer(folder, redirect_uri)
    try:
        await to_thread.run_sync(server.start)
        yield server
    finally:
        await to_thread.run_sync(server.stop)
