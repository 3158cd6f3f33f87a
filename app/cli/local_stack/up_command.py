"""`haulage up`, from the check of its port to the end of the last process."""

from __future__ import annotations

import signal
from pathlib import Path

from app.access.principals import Role
from app.cli.access_commands import new_sign_in_link
from app.cli.environment import read_server_url
from app.cli.local_stack.demo import commands_to_try, run_demo
from app.cli.local_stack.openness import Openness
from app.cli.local_stack.stop_signals import StopRequested, StopSignals
from app.cli.local_stack.supervisor import Supervisor
from app.cli.output import print_message
from app.cli.service_runner import run_with_services
from app.stack.errors import StackError
from app.stack.ports import free_ports, is_free
from jobs.access.users import list_users, save_user
from jobs.errors import InvalidRequest
from jobs.plans import PREMIUM_PLAN
from jobs.services import Services

ADMIN = "admin"
"""The user who is added at the first start with `--public`."""


def up(data_dir: Path, port: int, workers: int, openness: Openness, *, demo: bool, exit_after_demo: bool) -> None:
    """Run until a signal arrives, or with `exit_after_demo` until the demo is done.

    A signal that arrives before everything is up exits with 128 plus its number; later it is the normal end.
    """
    running = read_server_url(data_dir)
    if running is not None:
        raise StackError(f"Haulage is already running in {data_dir}, at {running}")
    if port and not is_free(port):
        raise StackError(f"Port {port} is in use by another program; choose another one with --port")
    if demo and openness.environment.get("AUTH_MODE") == "required":
        raise InvalidRequest("The demo starts downloads without signing in: leave out --demo or --public.")
    supervisor = Supervisor(data_dir, port or free_ports([0])[0], workers, openness)
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


def _run(supervisor: Supervisor, data_dir: Path, openness: Openness, *, demo: bool, exit_after_demo: bool) -> None:
    settings = supervisor.start()
    shown = run_demo(settings, supervisor.url, data_dir / "demo") if demo else None
    if exit_after_demo:
        return
    supervisor.is_up = True
    url = supervisor.url
    print(f"\nHaulage is running at {url}/ (API documentation: {url}/docs). Press Ctrl-C to stop.", flush=True)
    print(openness.explanation(settings), flush=True)
    if settings.auth_mode == "required":
        print(run_with_services(settings, lambda services: _admin_link(services, url)), flush=True)
    if shown is not None:
        print(commands_to_try(url, shown), flush=True)
    while True:
        signal.pause()


async def _admin_link(services: Services, url: str) -> str:
    """Returns a line with a link for the admin, who is added at the first start."""
    admins = [user.name for user in await list_users(services.database) if user.role == Role.ADMIN]
    if not admins:
        await save_user(services.database, ADMIN, Role.ADMIN, plan=PREMIUM_PLAN)
    name = admins[0] if admins else ADMIN
    link = await new_sign_in_link(services, name, services.settings.public_url or url)
    return f"Sign in as {name} with this link. It is valid once, for 15 minutes:\n  {link}"
