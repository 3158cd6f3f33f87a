"""All servers of one machine together: one folder, one start, one stop."""

from __future__ import annotations

import os
import shlex
import signal
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from app.stack import pidfiles, postgres, seaweedfs, valkey
from app.stack.errors import StackError
from app.stack.keepers import Keeper, Tell
from app.stack.postgres import Postgres
from app.stack.seaweedfs import SeaweedFS
from app.stack.state import State, load, locked
from app.stack.valkey import Valkey

BUCKET = "haulage"
_FOLDERS = ("postgres", "valkey", "store", "logs")
_PID_FILE = "stack.pid"
_OFFSETS = {"postgres": 0, "valkey": 0, **seaweedfs.PORTS}
# How long the servers of a stack that was killed may take to end.
_LEFTOVER_TIMEOUT = 20.0


class Stack:
    """PostgreSQL, Valkey and SeaweedFS with their data, logs, ports and secrets in `data_dir`.

    A stack is started once; for the next start make another one. Not `durable`, for tests: a crash may lose everything, and
    Valkey is empty after each start.
    """

    def __init__(self, data_dir: Path, durable: bool = True) -> None:
        """Start nothing yet."""
        self._dir = data_dir.resolve()
        self._durable = durable
        self._open = ExitStack()
        self._keepers: list[Keeper] = []
        self._environment: dict[str, str] | None = None

    def start(self) -> None:
        """Start all servers at once and wait until each is ready. Raises `StackError`; then none is left running."""
        if self._environment is not None:
            raise StackError("the stack has been started before")
        try:
            kept = self._claim()
            self._keepers = self._kept_servers(kept)
            _start_all(self._keepers)
            self._announce(kept)
        except OSError as error:
            self.stop()
            raise StackError(f"cannot start the stack in {self._dir}: {error}") from error
        except BaseException:
            self.stop()
            raise

    def watch(self, tell: Tell) -> None:
        """From now on start each server again that ends unasked; `tell` gets a line for people each time."""
        for keeper in self._keepers:
            keeper.watch(tell)

    def forsake(self) -> None:
        """Start nothing any more. `stop` does the rest."""
        for keeper in self._keepers:
            keeper.forsake()

    def stop(self) -> None:
        """Stop the servers, the last first, and give the folder free. Does nothing the second time."""
        self._open.close()

    def environment(self) -> dict[str, str]:
        """Return what gateway and workers need in their environment. Raises `StackError` before the start."""
        if self._environment is None:
            raise StackError("the stack has not been started")
        return dict(self._environment)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _claim(self) -> State:
        """Lock the folder, end what a killed stack left behind, and settle on ports and secrets."""
        # Others may pass through, because PostgreSQL may have to run as another user; each folder in it is closed.
        self._dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._open.enter_context(locked(self._dir / "stack.lock"))
        for folder in _FOLDERS:
            (self._dir / folder).mkdir(mode=0o700, exist_ok=True)
        pidfiles.end((self._dir / "logs").glob("*.pid"), _LEFTOVER_TIMEOUT)
        file = self._dir / "stack.json"
        kept = (load(file) or State()).with_free_ports(_OFFSETS)
        kept.save(file)
        return kept

    def _kept_servers(self, kept: State) -> list[Keeper]:
        """Return the servers; `stop` stops them from now on."""
        logs, durable, ports = self._dir / "logs", self._durable, kept.ports
        pg_port, vk_port = ports["postgres"], ports["valkey"]
        pg_secret, vk_secret = kept.postgres_password, kept.valkey_password
        keys = (kept.s3_access_key_id, kept.s3_secret_access_key)
        s3_ports = {name: ports[name] for name in seaweedfs.PORTS}
        keepers = [
            Keeper(lambda: Postgres(self._dir / "postgres", logs, port=pg_port, password=pg_secret, durable=durable)),
            Keeper(lambda: Valkey(self._dir / "valkey", logs, port=vk_port, password=vk_secret, durable=durable)),
            Keeper(lambda: SeaweedFS(self._dir / "store", logs, ports=s3_ports, keys=keys, bucket=BUCKET)),
        ]
        for keeper in keepers:
            self._open.callback(keeper.stop)
        return keepers

    def _announce(self, kept: State) -> None:
        """Let `read_environment` find the stack until it stops."""
        file = self._dir / _PID_FILE
        self._open.callback(file.unlink, missing_ok=True)
        pidfiles.write(file, os.getpid(), signal.SIGTERM)
        self._environment = _environment(kept)


def read_environment(data_dir: Path) -> dict[str, str]:
    """Return the environment of the stack that runs in `data_dir`, also when another process started it.

    Raises `StackError` when none is running there.
    """
    folder = data_dir.resolve()
    kept = load(folder / "stack.json") if pidfiles.is_live(folder / _PID_FILE) else None
    if kept is None:
        raise StackError(
            f"no stack is running in {folder}: start one with `haulage up --data-dir {shlex.quote(str(data_dir))}`"
        )
    return _environment(kept)


def _environment(kept: State) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres.url(kept.ports["postgres"], kept.postgres_password),
        "REDIS_URL": valkey.url(kept.ports["valkey"], kept.valkey_password),
        "S3_ENDPOINT": seaweedfs.endpoint(kept.ports["s3.port"]),
        "S3_ACCESS_KEY_ID": kept.s3_access_key_id,
        "S3_SECRET_ACCESS_KEY": kept.s3_secret_access_key,
        "S3_BUCKET_NAME": BUCKET,
        "S3_REGION": seaweedfs.REGION,
    }


def _start_all(keepers: list[Keeper]) -> None:
    """Start them side by side. Raises the error of the first that fails, after all have been stopped."""
    with ThreadPoolExecutor(len(keepers), thread_name_prefix="stack-start") as pool:
        starts = [pool.submit(keeper.start) for keeper in keepers]
        try:
            for start in wait(starts, return_when=FIRST_EXCEPTION).done:
                start.result()
        except BaseException:
            # The pool waits for the other starts: this ends them.
            for keeper in keepers:
                keeper.stop()
            raise
