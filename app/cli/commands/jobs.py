"""`haulage jobs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.commands.options import AsJson, DataDir, Server

if TYPE_CHECKING:
    from app.cli.job_commands import JobCommands

app = typer.Typer(help="List, show, retry and cancel jobs.", no_args_is_help=True)

JobId = Annotated[UUID, typer.Argument(metavar="JOB_ID", help="Id of a job.")]


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(metavar="STATUS", help="Only jobs with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Maximum number of jobs, the newest first.")] = 20,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the newest jobs."""
    _commands(server, data_dir, as_json).list(status, limit)


@app.command()
def show(job_id: JobId, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show a job and its files, with their status and errors."""
    _commands(server, data_dir, as_json).show(job_id)


@app.command()
def retry(job_id: JobId, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Queue a failed, cancelled or expired job again."""
    _commands(server, data_dir, as_json).retry(job_id)


@app.command()
def cancel(job_id: JobId, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Cancel a job that has not ended."""
    _commands(server, data_dir, as_json).cancel(job_id)


def _commands(server: str | None, data_dir: Path | None, as_json: bool) -> JobCommands:
    from app.cli.client import ApiClient
    from app.cli.environment import read_token, resolve_server
    from app.cli.job_commands import JobCommands

    return JobCommands(ApiClient(resolve_server(server, data_dir), read_token()), as_json)
