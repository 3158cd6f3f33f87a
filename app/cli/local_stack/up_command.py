"""`haulage up`, from the check of its port to the end of the last process."""

from __future__ import annotations

import signal
from pathlib import Path

from app.cli.environment import read_server_url
from app.cli.local_stack.demo import commands_to_try, run_demo
from app.cli.local_stack.stop_signals import StopRequested, StopSignals
from app.cli.local_stack.supervisor import Supervisor
from app.cli.output import print_message
from app.stack.errors import StackError
from app.stack.ports import free_ports, is_free


def up(data_dir: Path, port: int, workers: int, *, demo: bool, exit_after_demo: bool) -> None:
    """Run until a signal arrives, or with `exit_after_demo` until the demo is done.

    A signal that arrives before everything is up exits with 128 plus its number; later it is the normal end.
    """
    running = read_server_url(data_dir)
    if running is not None:
        raise StackError(f"Haulage is already running in {data_dir}, at {running}")
    if port and not is_free(port):
        raise StackError(f"Port {port} is in use by another program; choose another one with --port")
    supervisor = Supervisor(data_dir, port or free_ports([0])[0], workers)
    signals = StopSignals()
    signals.install()
    try:
        _run(supervisor, data_dir, demo=demo, exit_after_demo=exit_after_demo)
    except StopRequested as stop:
        print_message(f"\nStopping on {signal.Signals(stop.number).name} …")
        if not supervisor.is_up:
            raise
    finally:
        signals.disarm()
        supervisor.stop()
        print_message("Everything has stopped.")
        signals.ignore()


def _run(supervisor: Supervisor, data_dir: Path, *, demo: bool, exit_after_demo: bool) -> None:
    settings = supervisor.start()
    shown = run_demo(settings, supervisor.url, data_dir / "demo") if demo else None
    if exit_after_demo:
        return
    supervisor.is_up = True
    url = supervisor.url
    print(f"\nHaulage is running at {url}/ (API documentation: {url}/docs). Press Ctrl-C to stop.", flush=True)
    if shown is not None:
        print(commands_to_try(url, shown), flush=True)
    while True:
        signal.pause()
