"""The course of `haulage up`, from the look at the port to the last process's end."""

from __future__ import annotations

import signal
from pathlib import Path

from app.cli.environment import read_address
from app.cli.machine import demo as demonstration
from app.cli.machine.signals import Signals, Stopped
from app.cli.machine.supervisor import Supervisor
from app.cli.output import note
from app.stack.errors import StackError
from app.stack.ports import free_ports, is_free


def run(data_dir: Path, port: int, workers: int, *, demo: bool, leave: bool) -> None:
    """Run until a signal comes, or with `leave` until the demo is done.

    A signal that comes before all is up exits with 128 and its number; afterwards it is how this ends.
    """
    _require_room(data_dir, port)
    supervisor = Supervisor(data_dir, port or free_ports([0])[0], workers)
    signals = Signals()
    signals.listen()
    try:
        _run(supervisor, data_dir, demo=demo, leave=leave)
    except Stopped as stopped:
        note(f"\nStopping on {signal.Signals(stopped.number).name} …")
        if not supervisor.is_up:
            raise
    finally:
        signals.disarm()
        supervisor.stop()
        note("All stopped.")
        signals.ignore()


def _require_room(data_dir: Path, port: int) -> None:
    running = read_address(data_dir)
    if running is not None:
        raise StackError(f"Haulage is already running in {data_dir}, at {running}")
    if port and not is_free(port):
        raise StackError(f"Port {port} is taken by another program; choose another one with --port")


def _run(supervisor: Supervisor, data_dir: Path, *, demo: bool, leave: bool) -> None:
    settings = supervisor.start()
    shown = demonstration.show(settings, supervisor.url, data_dir / "demo") if demo else None
    if leave:
        return
    supervisor.is_up = True
    print(f"\nHaulage runs at {supervisor.url}/ (the API: {supervisor.url}/docs). Ctrl-C stops everything.", flush=True)
    if shown is not None:
        print(demonstration.lines_to_try(supervisor.url, shown), flush=True)
    supervisor.wait()
