"""Everything on this machine: started in order, watched, and stopped in the opposite order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

from app.cli.environment import remove_address, settings_of, write_address
from app.cli.machine.children import Gateway, Worker, address, is_healthy
from app.cli.output import note
from app.cli.services import run_with_services
from app.stack.keepers import Keeper
from app.stack.processes import Server
from app.stack.stack import Stack
from jobs.migrate import migrate
from jobs.services import Services
from jobs.settings import Settings

_HEALTHY_TIMEOUT = 60.0


class Supervisor:
    """The stack of `data_dir` with a gateway on `port` and so many workers. `stop` stops what has been started."""

    def __init__(self, data_dir: Path, port: int, workers: int) -> None:
        self._folder = data_dir.resolve()
        self._port = port
        self._workers = workers
        self._running = ExitStack()
        self._children: list[Keeper] = []
        self.url = address(port)
        self.is_up = False

    def start(self) -> Settings:
        """Start all and wait until it is healthy; returns the settings. Raises `StackError`, then call `stop`."""
        stack = Stack(self._folder)
        self._running.callback(stack.stop)
        note("Starting PostgreSQL, Valkey and SeaweedFS …")
        stack.start()
        environment = stack.environment()
        settings = settings_of(environment)
        run_with_services(settings, _prepare, schema=False)
        note("Starting gateway and workers …")
        self._start_children(environment)
        self._watch(stack)
        return settings

    def _start_children(self, environment: dict[str, str]) -> None:
        self._children = [
            Keeper(lambda: Gateway(self._folder, environment, self._port)),
            *(Keeper(_worker_maker(self._folder, environment, number)) for number in range(1, self._workers + 1)),
        ]
        self._running.callback(self._stop_children)
        self._running.callback(remove_address, self._folder)  # first: a signal may come between any two lines
        write_address(self._folder, self.url)
        self._start_all(self._children)

    def _start_all(self, children: Sequence[Keeper]) -> None:
        """Start them side by side and wait until they work. Raises `StackError`.

        In threads, because a signal interrupts this one anywhere: between a child's start and the note of its pid, too.
        """
        with ThreadPoolExecutor(len(children)) as pool:
            starts = [pool.submit(self._bring_up, child) for child in children]
            try:
                for start in wait(starts, return_when=FIRST_EXCEPTION).done:
                    start.result()
            except BaseException:
                # The pool waits for the other starts: this ends them.
                self._stop_children()
                raise

    def _bring_up(self, child: Keeper) -> None:
        child.start()
        child.server.wait_ready(lambda: is_healthy(self.url), _HEALTHY_TIMEOUT)

    def _watch(self, stack: Stack) -> None:
        """Start again what ends, whatever else does: each is looked after by itself."""
        self._running.callback(self._forsake, stack)
        stack.watch(note)
        for child in self._children:
            child.watch(note)

    def _forsake(self, stack: Stack) -> None:
        """Nothing may be started while all is being stopped."""
        for child in self._children:
            child.forsake()
        stack.forsake()

    def wait(self) -> None:
        """Wait until a signal comes."""
        while True:
            signal.pause()

    def stop(self) -> None:
        """Stop gateway and workers, then the servers."""
        self._running.close()

    def _stop_children(self) -> None:
        with ThreadPoolExecutor(len(self._children)) as pool:
            list(pool.map(Keeper.stop, self._children))


def _worker_maker(folder: Path, environment: dict[str, str], number: int) -> Callable[[], Server]:
    return lambda: Worker(folder, environment, number)


async def _prepare(services: Services) -> None:
    await migrate(services.database)
    await services.storage.bucket.ensure()
