"""Gateway, worker, and the migration that comes before them."""

from __future__ import annotations

from pathlib import Path

from app.cli.environment import load_settings
from app.cli.output import print_json
from app.cli.services import run_with_services
from jobs import migrate as migrations
from jobs.logs import configure_logs


def serve(data_dir: Path | None) -> None:
    """Run a gateway until it is stopped."""
    settings = load_settings(data_dir)
    from app.server import serve as run_gateway

    configure_logs(settings)
    run_gateway(settings)


def worker(data_dir: Path | None) -> None:
    """Run a worker until it is stopped."""
    settings = load_settings(data_dir)
    from jobs.worker_process import work

    configure_logs(settings)
    work(settings)


def migrate(data_dir: Path | None, *, as_json: bool) -> None:
    """Migrate, and print the versions before and after."""
    settings = load_settings(data_dir)
    before, after = run_with_services(settings, lambda it: migrations.migrate(it.database), schema=False)
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        print(f"The schema is at version {after} already.")
    else:
        print(f"The schema went from {before or 'nothing'} to version {after}.")
