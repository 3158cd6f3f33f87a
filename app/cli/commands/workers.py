"""`haulage workers`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.commands.options import AsJson, DataDir, Server

if TYPE_CHECKING:
    from app.cli.operator_commands import WorkerCommands

app = typer.Typer(help="List and drain workers, as an operator.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a worker, as `haulage workers list` prints it.")]


@app.command("list")
def list_(server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the workers, and how many jobs each runs."""
    _commands(server, data_dir, as_json).list()


@app.command()
def drain(name: Name, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Let a worker claim no more jobs, and finish those that it runs.

    What is not finished after DRAIN_TIMEOUT is released for other workers. The worker stays, idle, until it is resumed or
    stopped.
    """
    _commands(server, data_dir, as_json).drain(name)


@app.command()
def resume(name: Name, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Let a drained worker claim jobs again."""
    _commands(server, data_dir, as_json).resume(name)


def _commands(server: str | None, data_dir: Path | None, as_json: bool) -> WorkerCommands:
    from app.cli.client import ApiClient
    from app.cli.environment import read_token, resolve_server
    from app.cli.operator_commands import WorkerCommands

    return WorkerCommands(ApiClient(resolve_server(server, data_dir), read_token()), as_json)
