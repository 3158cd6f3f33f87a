"""`haulage serve`, `worker` and `migrate`: the components of a deployment."""

from __future__ import annotations

from app.cli.commands.options import AsJson, DataDir


def serve(data_dir: DataDir = None) -> None:
    """Run a gateway until it is stopped. It listens on HOST and PORT."""
    from app.cli.environment import load_settings
    from jobs.logs import configure_logs

    settings = load_settings(data_dir)
    from app.server import serve as run_gateway

    configure_logs(settings)
    run_gateway(settings)


def worker(data_dir: DataDir = None) -> None:
    """Run a worker until it is stopped."""
    from app.cli.environment import load_settings
    from jobs.logs import configure_logs

    settings = load_settings(data_dir)
    from jobs.worker_process import work

    configure_logs(settings)
    work(settings)


def migrate(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Migrate the database schema to this release."""
    from app.cli.environment import load_settings
    from app.cli.output import print_json
    from app.cli.service_runner import run_with_services
    from jobs import migrate as migrations

    settings = load_settings(data_dir)
    before, after = run_with_services(settings, lambda it: migrations.migrate(it.database), schema=False)
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        print(f"The schema is already at version {after}.")
    else:
        print(f"The schema was migrated from version {before or 'none'} to {after}.")
