"""`haulage dead`: look at dead jobs, retry and drop them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.commands.options import AsJson, DataDir, Server

if TYPE_CHECKING:
    from app.cli.dead import DeadJobs

app = typer.Typer(
    help="Look at dead jobs, which failed of what might pass after all their attempts; retry and drop them.",
    no_args_is_help=True,
)

JobIds = Annotated[list[UUID] | None, typer.Argument(metavar="JOB_ID…", show_default=False)]
Everything = Annotated[bool, typer.Option("--all", help="All that are dead now.")]


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the last that died first.")] = 20,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the jobs that died last, and of what."""
    _dead(server, data_dir, as_json).list(limit)


@app.command()
def show(
    job_id: Annotated[UUID, typer.Argument(metavar="JOB_ID")],
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show a job with its history: what happened to it when, in which attempt, and why."""
    _dead(server, data_dir, as_json).show(job_id)


@app.command()
def retry(
    job_ids: JobIds = None,
    everything: Everything = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Queue jobs again, with all their attempts.

    With several jobs, those that can't be are named, and the exit code is that of the first of them.
    """
    _check(job_ids, everything)
    _dead(server, data_dir, as_json).retry(job_ids)


@app.command()
def drop(
    job_ids: JobIds = None,
    everything: Everything = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Delete dead jobs, for good: nobody sees them any more, and what they left in the store is removed.

    With several jobs, those that can't be are named, and the exit code is that of the first of them.
    """
    _check(job_ids, everything)
    _dead(server, data_dir, as_json).drop(job_ids)


def _check(job_ids: list[UUID] | None, everything: bool) -> None:
    if bool(job_ids) == everything:
        raise typer.BadParameter("give either job ids or --all")


def _dead(server: str | None, data_dir: Path | None, as_json: bool) -> DeadJobs:
    from app.cli.client import Api
    from app.cli.dead import DeadJobs
    from app.cli.environment import server_of

    return DeadJobs(Api(server_of(server, data_dir)), as_json)
