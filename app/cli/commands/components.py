"""`haulage serve`, `intake`, `worker` and `migrate`: the components of a deployment."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.commands.options import AsJson, DataDir


def serve(data_dir: DataDir = None) -> None:
    """Run a gateway until it is stopped. It listens on HOST and PORT."""
    from app.cli.environment import load_settings
    from jobs.logs import configure_logs

    settings = load_settings(data_dir)
    from app.server import serve as run_gateway

    configure_logs(settings)
    run_gateway(settings)


def intake(data_dir: DataDir = None) -> None:
    """Run an intake until it is stopped. It receives uploads by form (curl -F). It listens on HOST and INTAKE_PORT."""
    from app.cli.environment import load_settings
    from jobs.logs import configure_logs

    settings = load_settings(data_dir)
    from app.server import serve_intake

    configure_logs(settings)
    serve_intake(settings)


def worker(data_dir: DataDir = None) -> None:
    """Run a worker until it is stopped."""
    from app.cli.environment import load_settings
    from jobs.logs import configure_logs

    settings = load_settings(data_dir)
    from jobs.worker_process import work

    configure_logs(settings)
    work(settings)


def migrate(
    create_bucket: Annotated[
        bool, typer.Option("--create-bucket", help="Also create the bucket S3_BUCKET_NAME, unless it exists.")
    ] = False,
    create_admin: Annotated[
        str | None, typer.Option("--create-admin", metavar="USER", help="Also add this admin, unless there is one.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Migrate the database schema to this release."""
    from app.cli.access_commands import check_name, ensure_admin
    from app.cli.environment import load_settings
    from app.cli.output import print_json
    from app.cli.service_runner import run_with_services
    from jobs import migrate as migrations
    from jobs.services import Services

    if create_admin:
        check_name(create_admin)

    async def migrate_all(services: Services) -> tuple[str | None, str | None]:
        revisions = await migrations.migrate(services.database)
        if migrations.is_later_revision(revisions[1]):
            return revisions
        if create_bucket:
            await services.storage.bucket.ensure()
        if create_admin:
            await ensure_admin(services, create_admin)
        return revisions

    settings = load_settings(data_dir)
    before, after = run_with_services(settings, migrate_all, schema=False)
    if as_json:
        print_json({"before": before, "after": after})
    elif migrations.is_later_revision(after):
        print(f"The schema is of a later release (version {after}): nothing was changed.")
    elif before == after:
        print(f"The schema is already at version {after}.")
    else:
        print(f"The schema was migrated from version {before or 'none'} to {after}.")
