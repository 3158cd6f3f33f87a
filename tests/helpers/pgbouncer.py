"""PgBouncer between the tests and their PostgreSQL."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from app.stack.ports import HOST, free_ports
from app.stack.privileges import non_root_privileges
from app.stack.processes import Command, Server, child_environment
from tests.helpers.debian import debian_program

PACKAGES = ("pgbouncer", "libc-ares2", "libevent-2.1-7")


class PgBouncer(Server):
    """A PgBouncer in transaction mode in front of the server of a URL. Its configuration is in `folder`."""

    name = "pgbouncer"

    def __init__(self, folder: Path, url: str, options: dict[str, str]) -> None:
        """`options` are lines of its configuration."""
        super().__init__(folder)
        self._folder = folder
        self._server = urlsplit(url)
        [self._port] = free_ports([0])
        self._options = options
        self._program, self._libraries = debian_program("pgbouncer", *PACKAGES)
        self._privileges = non_root_privileges()

    @property
    def url(self) -> str:
        """The URL of the same database through it."""
        credentials = self._server.netloc.rpartition("@")[0]
        return self._server._replace(netloc=f"{credentials}@{HOST}:{self._port}").geturl()

    def prepare(self) -> Command:
        settings = {
            "listen_addr": HOST,
            "listen_port": str(self._port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": "users.txt",
            "pool_mode": "transaction",
            # Fewer connections to the server than clients, and each transaction on another one.
            "default_pool_size": "3",
            "server_round_robin": "1",
        } | self._options
        lines = [f"{name} = {value}" for name, value in settings.items()]
        databases = f"* = host={self._server.hostname} port={self._server.port}"
        (self._folder / "pgbouncer.ini").write_text("\n".join(["[databases]", databases, "[pgbouncer]", *lines, ""]))
        (self._folder / "users.txt").write_text(f'"{self._server.username}" "{self._server.password}"\n')
        self._privileges.own(self._folder)
        return Command(
            [self._program, "pgbouncer.ini"],
            cwd=self._folder,
            env=child_environment(**self._libraries),
            prefix=self._privileges.prefix,
            user=self._privileges.user,
            group=self._privileges.group,
        )

    def is_ready(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex((HOST, self._port)) == 0


@contextmanager
def pgbouncer(folder: Path, url: str, **options: str) -> Iterator[str]:
    """Run a PgBouncer; yield the URL through it."""
    server = PgBouncer(folder, url, options)
    try:
        server.start()
        yield server.url
    finally:
        server.stop()
