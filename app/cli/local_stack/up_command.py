"""`haulage up`, from the check of its port to the end of the last process."""

from __future__ import annotations

import signal
from pathlib import Path

from app.cli.access_commands import ensure_admin, new_sign_in_link
from app.cli.environment import read_server_url
from app.cli.local_stack.demo import commands_to_try, run_demo
from app.cli.local_stack.openness import Openness
from app.cli.local_stack.stop_signals import StopRequested, StopSignals
from app.cli.local_stack.supervisor import Supervisor
from app.cli.output import print_message
from app.cli.service_runner import run_with_services
from app.stack.errors import StackError
from app.stack.ports import free_ports, is_free
from jobs.errors import InvalidRequest
from jobs.services import Services
from jobs.settings import Settings

_LAST_PORT = 65535
ADMIN = "admin"
"""The user who is added at the first start with `--public`."""


def up(
    data_dir: Path,
    port: int,
    store_port: int | None,
    intake_port: int | None,
    workers: int,
    openness: Openness,
    *,
    demo: bool,
    exit_after_demo: bool,
) -> None:
    """Run until a signal arrives, or with `exit_after_demo` until the demo is done.

    Others than this machine reach the store at `store_port`, by default the one after `port`, and the intake at
    `intake_port`, by default the second one after it; 0 chooses a free one. A signal that arrives before everything is up
    exits with 128 plus its number; later it is the normal end.
    """
    running = read_server_url(data_dir)
    if running is not None:
        raise StackError(f"Haulage is already running in {data_dir}, at {running}")
    if port and not is_free(port):
        raise StackError(f"Port {port} is in use by another program; choose another one with --port")
    if demo and openness.environment.get("AUTH_MODE") == "required":
        raise InvalidRequest("The demo starts downloads without signing in: leave out --demo or --public.")
    if store_port is None:
        store_port = port + 1 if 0 < port < _LAST_PORT else 0
    if store_port and openness.others_may_come and not is_free(store_port):
        raise StackError(f"Port {store_port} is in use by another program; choose another one with --store-port")
    intake_port = _intake_port(port, intake_port, others_may_come=openness.others_may_come)
    supervisor = Supervisor(data_dir, port or free_ports([0])[0], store_port, intake_port, workers, openness)
    signals = StopSignals()
    signals.install()
    try:
        _run(supervisor, data_dir, openness, demo=demo, exit_after_demo=exit_after_demo)
    except StopRequested as stop:
        print_message(f"\nStopping on {signal.Signals(stop.number).name} …")
        if not supervisor.is_up:
            raise
    finally:
        signals.disarm()
        supervisor.stop()
        print_message("Everything has stopped.")
        signals.ignore()


def _intake_port(port: int, wanted: int | None, *, others_may_come: bool) -> int:
    """Return the port of the intake. Raises `StackError` if it is in use, and others are to know it."""
    chosen = wanted if wanted is not None else port + 2 if 0 < port < _LAST_PORT - 1 else 0
    if chosen and is_free(chosen):
        return chosen
    if chosen and (wanted is not None or others_may_come):
        raise StackError(f"Port {chosen} is in use by another program; choose another one with --intake-port")
    return free_ports([0], {port})[0]


def _run(supervisor: Supervisor, data_dir: Path, openness: Openness, *, demo: bool, exit_after_demo: bool) -> None:
    settings = supervisor.start()
    shown = run_demo(settings, supervisor.url, data_dir / "demo") if demo else None
    if exit_after_demo:
        return
    supervisor.is_up = True
    url = supervisor.url
    print(f"\nHaulage is running at {url}/ (API documentation: {url}/docs). Press Ctrl-C to stop.", flush=True)
    print(openness.explanation(settings), flush=True)
    if supervisor.store_url is not None:
        print(_where_others_reach_it(settings, supervisor), flush=True)
    if settings.auth_mode == "required":
        url = supervisor.public_url
        print(run_with_services(settings, lambda services: _admin_link(services, url)), flush=True)
    if shown is not None:
        print(commands_to_try(url, shown), flush=True)
    while True:
        signal.pause()


def _where_others_reach_it(settings: Settings, supervisor: Supervisor) -> str:
    """Return a line for the person at the terminal, who may have to open a firewall or to configure a proxy."""
    store = str(settings.s3_public_endpoint)
    passed_on = "" if store == supervisor.store_url else f", which a proxy has to pass on to {supervisor.store_url}"
    files = f" Forms with files go to {settings.intake_url}." if settings.intake_url else ""
    return (
        f"Others reach it at {settings.public_url or supervisor.public_url}, and results at {store}{passed_on}.{files}"
    )


async def _admin_link(services: Services, url: str) -> str:
    """Returns a line with a link for the admin, who is added at the first start."""
    name = await ensure_admin(services, ADMIN)
    link = await new_sign_in_link(services, name, services.settings.public_url or url)
    return f"Sign in as {name} with this link. It is valid once, for 15 minutes:\n  {link}"
