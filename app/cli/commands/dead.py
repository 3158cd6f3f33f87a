"""`haulage dead`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.commands.options import AsJson, DataDir, Server

if TYPE_CHECKING:
    from app.cli.dead_job_commands import DeadJobCommands

app = typer.Typer(
    help="List, retry and delete dead jobs: jobs that ran out of attempts on possibly temporary errors.",
    no_args_is_help=True,
)

JobIds = Annotated[list[UUID] | None, typer.Argument(metavar="JOB_ID", show_default=False, help="Ids of dead jobs.")]
All = Annotated[bool, typer.Option("--all", help="All jobs that are dead now.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=200, help="Maximum number of jobs, the most recent first.")] = 20,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the most recent dead jobs with their errors."""
    _commands(server, data_dir, as_json).list(limit)


@app.command()
def show(
    job_id: Annotated[UUID, typer.Argument(metavar="JOB_ID", help="Id of a job.")],
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show a job with its history: every transition with time, attempt and error."""
    _commands(server, data_dir, as_json).show(job_id)


@app.command()
def retry(
    job_ids: JobIds = None,
    every: All = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Queue dead jobs again, with all their attempts.

    Jobs that can't be retried are reported; the exit code is that of the first of them.
    """
    _require_jobs(job_ids, every)
    _commands(server, data_dir, as_json).retry(job_ids)


@app.command()
def delete(
    job_ids: JobIds = None,
    every: All = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Permanently delete dead jobs, with their leftover objects in the store.

    Jobs that can't be deleted are reported; the exit code is that of the first of them.
    """
    _require_jobs(job_ids, every)
    _commands(server, data_dir, as_json).delete(job_ids)


def _require_jobs(job_ids: list[UUID] | None, every: bool) -> None:
    if bool(job_ids) == every:
        raise typer.BadParameter("give either job ids or --all")


def _commands(server: str | None, data_dir: Path | None, as_json: bool) -> DeadJobCommands:
    from app.cli.client import ApiClient
    from app.cli.dead_job_commands import DeadJobCommands
    from app.cli.environment import read_token, resolve_server

    return DeadJobCommands(ApiClient(resolve_server(server, data_dir), read_token()), as_json)
