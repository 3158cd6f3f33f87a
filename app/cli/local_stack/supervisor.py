"""Starts everything on this machine in order, restarts what ends, and stops it in reverse order."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from app.cli.environment import chosen_queue, remove_server_url, settings_from, write_server_url
from app.cli.local_stack.child_processes import Gateway, Intake, Worker, gateway_url, is_healthy
from app.cli.local_stack.openness import Openness
from app.cli.local_stack.scrape_targets import choose_ports, write_targets
from app.cli.output import print_message
from app.cli.service_runner import run_with_services
from app.listening import bound_sockets
from app.stack.errors import StackError
from app.stack.port_forwarder import PortForwarder
from app.stack.ports import HOST
from app.stack.stack import Stack
from app.stack.supervised_server import SupervisedServer
from jobs.migrate import migrate
from jobs.services import Services
from jobs.settings import Settings

_HEALTHY_TIMEOUT = 60.0


class Supervisor:
    """The stack of `data_dir`, with a gateway on `port`, an intake on `intake_port` and `workers` workers.

    `stop` stops whatever was started.

    Others than this machine reach the store at `store_port`; 0 chooses a free one.
    """

    def __init__(
        self, data_dir: Path, port: int, store_port: int, intake_port: int, workers: int, openness: Openness
    ) -> None:
        self._folder = data_dir.resolve()
        self._port = port
        self._store_port = store_port
        self._intake_port = intake_port
        self._workers = workers
        self._openness = openness
        self._running = ExitStack()
        self._children: list[SupervisedServer] = []
        self.url = gateway_url(port)
        self.public_url = self.url
        """The gateway's URL for others, if `PUBLIC_URL` does not say it."""
        self.store_url: str | None = None
        """The store's URL for others; None if there are none."""
        self.is_up = False

    def start(self) -> Settings:
        """Start everything and wait until it is healthy; returns the settings. After a `StackError` call `stop`."""
        queue = chosen_queue()
        stack = Stack(self._folder, queue=queue)
        self._running.callback(stack.stop)
        valkey = ", Valkey" if queue == "redis" else ""
        print_message(f"Starting PostgreSQL{valkey} and SeaweedFS …")
        stack.start()
        environment = stack.environment()
        environment |= self._openness.environment
        if self._openness.others_may_come:
            environment = self._let_others_reach_store(environment)
        environment |= self._where_intake_is()
        settings = settings_from(environment)
        run_with_services(settings, _prepare, schema=False)
        print_message("Starting gateway, intake and workers …")
        names = ["gateway", "intake", *["worker"] * self._workers]
        ports = choose_ports(settings, len(names))
        write_targets(self._folder, settings, names, ports)
        for_gateway, for_intake, *for_workers = [{**environment, "METRICS_PORT": str(port)} for port in ports]
        hosts = self._openness.hosts
        self._children = [
            SupervisedServer(partial(Gateway, self._folder, for_gateway, hosts, self._port)),
            SupervisedServer(partial(Intake, self._folder, for_intake, hosts, self._intake_port, self.public_url)),
            *(
                SupervisedServer(partial(Worker, self._folder, own, number))
                for number, own in enumerate(for_workers, start=1)
            ),
        ]
        self._running.callback(self._stop_children)
        self._running.callback(remove_server_url, self._folder)  # first: a signal may arrive between any two lines
        write_server_url(self._folder, self.url)
        self._start_children()
        self._running.callback(self._disable_restarts, stack)
        stack.enable_restarts(print_message)
        for child in self._children:
            child.enable_restarts(print_message)
        return settings

    def _let_others_reach_store(self, environment: dict[str, str]) -> dict[str, str]:
        """Pass on the store's port, and return settings with where it is reached, unless they say so already."""
        name, inner_port = self._openness.public_name, urlsplit(environment["S3_ENDPOINT"]).port
        assert inner_port is not None
        try:
            sockets = bound_sockets(self._openness.hosts, self._store_port)
            forwarder = PortForwarder(sockets, inner_port)
            self._running.callback(forwarder.stop)
            forwarder.start()
        except OSError as error:
            raise StackError(f"{error.strerror}; choose another port for the store with --store-port") from error
        port = sockets[0].getsockname()[1]
        self.public_url = f"http://{name}:{self._port}"
        self.store_url = f"http://{name}:{port}"
        return {"S3_PUBLIC_ENDPOINT": os.environ.get("S3_PUBLIC_ENDPOINT") or self.store_url, **environment}

    def _where_intake_is(self) -> dict[str, str]:
        """Return where clients reach the intake, unless only a proxy with TLS can tell."""
        if os.environ.get("INTAKE_URL") or (os.environ.get("PUBLIC_URL") or "").lower().startswith("https:"):
            return {}
        name = self._openness.public_name if self._openness.others_may_come else HOST
        return {"INTAKE_URL": f"http://{name}:{self._intake_port}"}

    def _start_children(self) -> None:
        """Start gateway, intake and workers concurrently and wait until they are healthy. Raises `StackError`.

        In threads, because a signal interrupts this one anywhere, even between the start of a child and the record of its
        pid.
        """

        def start(child: SupervisedServer) -> None:
            child.start()
            url = gateway_url(self._intake_port) if isinstance(child.server, Intake) else self.url
            child.server.wait_ready(lambda: is_healthy(url), _HEALTHY_TIMEOUT)

        with ThreadPoolExecutor(len(self._children)) as pool:
            starts = [pool.submit(start, child) for child in self._children]
            try:
                for ended in wait(starts, return_when=FIRST_EXCEPTION).done:
                    ended.result()
            except BaseException:
                # The pool waits for the other starts, which this ends.
                self._stop_children()
                raise

    def _disable_restarts(self, stack: Stack) -> None:
        for child in self._children:
            child.disable_restarts()
        stack.disable_restarts()

    def stop(self) -> None:
        """Stop gateway, intake and workers, then the servers."""
        self._running.close()

    def _stop_children(self) -> None:
        with ThreadPoolExecutor(len(self._children)) as pool:
            list(pool.map(SupervisedServer.stop, self._children))


async def _prepare(services: Services) -> None:
    await migrate(services.database)
    await services.storage.bucket.ensure()
