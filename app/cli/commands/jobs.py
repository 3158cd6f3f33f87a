"""`haulage jobs`: look at jobs, retry and cancel them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.commands.options import AsJson, DataDir, Server

if TYPE_CHECKING:
    from app.cli.jobs import Jobs

app = typer.Typer(help="Look at jobs, retry and cancel them.", no_args_is_help=True)

JobId = Annotated[UUID, typer.Argument(metavar="JOB_ID")]


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(metavar="STATUS", help="Only jobs with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 20,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the newest jobs."""
    _jobs(server, data_dir, as_json).list(status, limit)


@app.command()
def show(job_id: JobId, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show a job with its files, their states and errors."""
    _jobs(server, data_dir, as_json).show(job_id)


@app.command()
def retry(job_id: JobId, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Queue a job again that has failed, was cancelled or has expired."""
    _jobs(server, data_dir, as_json).retry(job_id)


@app.command()
def cancel(job_id: JobId, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Cancel a job that has not ended."""
    _jobs(server, data_dir, as_json).cancel(job_id)


def _jobs(server: str | None, data_dir: Path | None, as_json: bool) -> Jobs:
    from app.cli.client import Api
    from app.cli.environment import server_of
    from app.cli.jobs import Jobs

    return Jobs(Api(server_of(server, data_dir)), as_json)
