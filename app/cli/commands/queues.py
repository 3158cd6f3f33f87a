"""`haulage queues`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.commands.options import AsJson, DataDir, Server
from jobs.kinds import Kind

if TYPE_CHECKING:
    from app.cli.operator_commands import QueueCommands

app = typer.Typer(
    help="List, pause and resume queues, as an operator. There is one for each kind of jobs.", no_args_is_help=True
)
KindArgument = Annotated[Kind, typer.Argument(metavar="KIND", help="The kind of its jobs, as download or image.")]


@app.command("list")
def list_(server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all queues, and which are paused, by whom and why."""
    _commands(server, data_dir, as_json).list()


@app.command()
def pause(
    kind: KindArgument,
    reason: Annotated[str | None, typer.Option(help="Why, for others who wonder why jobs wait.")] = None,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Pause a queue: no worker claims a job of this kind any more.

    Jobs are accepted and wait. Those that run go on. It lasts until it is resumed, whatever is restarted.
    """
    _commands(server, data_dir, as_json).pause(kind, reason)


@app.command()
def resume(kind: KindArgument, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Resume a paused queue."""
    _commands(server, data_dir, as_json).resume(kind)


def _commands(server: str | None, data_dir: Path | None, as_json: bool) -> QueueCommands:
    from app.cli.client import ApiClient
    from app.cli.environment import read_token, resolve_server
    from app.cli.operator_commands import QueueCommands

    return QueueCommands(ApiClient(resolve_server(server, data_dir), read_token()), as_json)
