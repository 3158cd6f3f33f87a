"""Real reverse proxies in front of gateways: what those of proxy/ and those of docs/proxies.md have in common."""

from __future__ import annotations

import socket
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from anyio import to_thread

from app.stack.ports import HOST, free_ports
from app.stack.processes import Command, Server, child_environment

_RESERVED: set[int] = set()
"""Ports of proxies of this process, which may not have been started yet."""


class ReverseProxy(Server):
    """A reverse proxy in front of gateways, on a free port of 127.0.0.1.

    `url` is known before `targets`, the URLs of the gateways, have to be set.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder)
        self.folder = folder
        self.targets: Sequence[str] = ()
        self.port, self.tls_port, self.admin_port = free_ports([0, 0, 0], _RESERVED)
        _RESERVED.update({self.port, self.tls_port, self.admin_port})

    @property
    def url(self) -> str:
        """The URL of the gateways through the proxy, without a final slash."""
        return f"http://{HOST}:{self.port}"

    @property
    def addresses(self) -> list[str]:
        """Host and port of each gateway."""
        return [urlsplit(target).netloc for target in self.targets]

    @abstractmethod
    def configuration(self) -> Mapping[str, str]:
        """The files to write into its folder, by name."""

    @abstractmethod
    def command(self) -> tuple[Sequence[str | Path], Mapping[str, str]]:
        """What to run in its folder, and with which environment."""

    def write(self) -> None:
        """Writes the configuration for `targets`."""
        for name, text in self.configuration().items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def prepare(self) -> Command:
        self.write()
        argv, environment = self.command()
        return Command(argv, cwd=self.folder, env=child_environment(HOME=str(self.folder), **environment))

    def is_ready(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex((HOST, self.port)) == 0


@asynccontextmanager
async def in_front(proxy: ReverseProxy, *targets: str) -> AsyncIterator[str]:
    """Runs a proxy in front of the gateways at these URLs; yields the URL through it."""
    proxy.targets = targets
    try:
        await to_thread.run_sync(proxy.start)
        yield proxy.url
    finally:
        await to_thread.run_sync(proxy.stop)
