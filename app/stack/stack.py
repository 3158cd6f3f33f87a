"""The servers of the local stack together: one folder, one start, one stop."""

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
from app.stack.postgres import Postgres
from app.stack.seaweedfs import SeaweedFS
from app.stack.state import State, load, locked
from app.stack.supervised_server import Report, SupervisedServer
from app.stack.valkey import Valkey
from jobs.settings import QueueName

BUCKET = "haulage"
_FOLDERS = ("postgres", "valkey", "store", "logs")
_PID_FILE = "stack.pid"
_OFFSETS = {"postgres": 0, "valkey": 0, **seaweedfs.PORTS}
# Seconds that leftover servers of a killed stack may take to end.
_LEFTOVER_TIMEOUT = 20.0


class Stack:
    """PostgreSQL, Valkey and SeaweedFS with their data, logs, ports and secrets in `data_dir`.

    A stack can be started once. With `durable=False`, for tests, a crash may lose everything, and Valkey starts empty.
    """

    def __init__(self, data_dir: Path, durable: bool = True, queue: QueueName = "redis") -> None:
        """Nothing is started yet. With `queue="postgres"`, there is no Valkey."""
        self._dir = data_dir.resolve()
        self._durable = durable
        self._queue = queue
        self._open = ExitStack()
        self._servers: list[SupervisedServer] = []
        self._environment: dict[str, str] | None = None

    def start(self) -> None:
        """Start all servers concurrently and wait until each is ready. Raises `StackError`, with none left running."""
        if self._environment is not None:
            raise StackError("the stack was already started")
        try:
            state = self._claim_folder()
            self._servers = self._create_servers(state)
            self._start_servers()
            file = self._dir / _PID_FILE
            self._open.callback(file.unlink, missing_ok=True)
            pidfiles.write(file, os.getpid(), signal.SIGTERM)
            self._environment = _environment(state)
        except OSError as error:
            self.stop()
            raise StackError(f"cannot start the stack in {self._dir}: {error}") from error
        except BaseException:
            self.stop()
            raise

    def enable_restarts(self, report: Report) -> None:
        """From now on restart each server that ends unexpectedly; `report` gets a line for people each time."""
        for server in self._servers:
            server.enable_restarts(report)

    def disable_restarts(self) -> None:
        """Restart nothing any more, before `stop`."""
        for server in self._servers:
            server.disable_restarts()

    def stop(self) -> None:
        """Stop the servers, the last first, and release the folder. A second call does nothing."""
        self._open.close()

    def environment(self) -> dict[str, str]:
        """Return the environment variables for gateway and workers. Raises `StackError` before the start."""
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

    def _claim_folder(self) -> State:
        """Lock the folder, end leftover servers of a killed stack, and choose ports and secrets."""
        # Others may enter it, since PostgreSQL may have to run as another user, but not the folders in it.
        self._dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._open.enter_context(locked(self._dir / "stack.lock"))
        for folder in _FOLDERS:
            (self._dir / folder).mkdir(mode=0o700, exist_ok=True)
        pidfiles.end((self._dir / "logs").glob("*.pid"), _LEFTOVER_TIMEOUT)
        file = self._dir / "stack.json"
        state = (load(file) or State()).with_free_ports(_OFFSETS).model_copy(update={"queue": self._queue})
        state.save(file)
        return state

    def _create_servers(self, state: State) -> list[SupervisedServer]:
        """Return the servers; `stop` stops them from now on."""
        logs, durable, ports = self._dir / "logs", self._durable, state.ports
        pg_port, vk_port = ports["postgres"], ports["valkey"]
        pg_secret, vk_secret = state.postgres_password, state.valkey_password
        keys = (state.s3_access_key_id, state.s3_secret_access_key)
        s3_ports = {name: ports[name] for name in seaweedfs.PORTS}
        servers = [
            SupervisedServer(
                lambda: Postgres(self._dir / "postgres", logs, port=pg_port, password=pg_secret, durable=durable)
            ),
            SupervisedServer(
                lambda: SeaweedFS(
                    self._dir / "store",
                    logs,
                    ports=s3_ports,
                    keys=keys,
                    bucket=BUCKET,
                    encryption_key=state.s3_encryption_key,
                )
            ),
        ]
        if state.queue == "redis":
            servers.append(
                SupervisedServer(
                    lambda: Valkey(self._dir / "valkey", logs, port=vk_port, password=vk_secret, durable=durable)
                )
            )
        for server in servers:
            self._open.callback(server.stop)
        return servers

    def _start_servers(self) -> None:
        """Start them concurrently. Raises the error of the first that fails, after all have been stopped."""
        with ThreadPoolExecutor(len(self._servers), thread_name_prefix="stack-start") as pool:
            starts = [pool.submit(server.start) for server in self._servers]
            try:
                for start in wait(starts, return_when=FIRST_EXCEPTION).done:
                    start.result()
            except BaseException:
                # The pool waits for the other starts, which this ends.
                for server in self._servers:
                    server.stop()
                raise


def read_environment(data_dir: Path) -> dict[str, str]:
    """Return the environment of the stack that runs in `data_dir`, even if another process started it.

    Raises `StackError` when none is running there.
    """
    folder = data_dir.resolve()
    state = load(folder / "stack.json") if pidfiles.is_live(folder / _PID_FILE) else None
    if state is None:
        raise StackError(
            f"no stack is running in {folder}: start one with `haulage up --data-dir {shlex.quote(str(data_dir))}`"
        )
    return _environment(state)


def _environment(state: State) -> dict[str, str]:
    redis = {"REDIS_URL": valkey.url(state.ports["valkey"], state.valkey_password)} if state.queue == "redis" else {}
    return {
        "DATABASE_URL": postgres.url(state.ports["postgres"], state.postgres_password),
        "QUEUE": state.queue,
        **redis,
        "S3_ENDPOINT": seaweedfs.endpoint(state.ports["s3.port"]),
        "S3_ACCESS_KEY_ID": state.s3_access_key_id,
        "S3_SECRET_ACCESS_KEY": state.s3_secret_access_key,
        "S3_BUCKET_NAME": BUCKET,
        "S3_REGION": seaweedfs.REGION,
    }
