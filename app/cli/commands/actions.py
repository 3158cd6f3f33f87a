"""`haulage actions`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.commands.options import AsJson, DataDir, Server
from jobs.engine.bulk_actions import BulkCommand
from jobs.engine.jobs import Status
from jobs.kinds import Kind

if TYPE_CHECKING:
    from app.cli.operator_commands import ActionCommands

app = typer.Typer(
    help="Retry, cancel or delete all jobs that match a filter, as an operator. Workers do it in the background.",
    no_args_is_help=True,
)
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Text = Annotated[str, typer.Option("--text", help="Only jobs with this in id, title, error, file name, or as owner.")]
Statuses = Annotated[list[Status] | None, typer.Option("--status", help="Only jobs in this status; repeatable.")]
Kinds = Annotated[list[Kind] | None, typer.Option("--kind", help="Only jobs of this kind; repeatable.")]
Owner = Annotated[str | None, typer.Option(help="Only jobs of this user.")]
Since = Annotated[datetime | None, typer.Option(metavar="TIME", formats=_FORMATS, help="Only created since, in UTC.")]
Until = Annotated[datetime | None, typer.Option(metavar="TIME", formats=_FORMATS, help="Only created before, in UTC.")]
Dead = Annotated[bool, typer.Option("--dead", help="Only dead jobs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask. For scripts.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until it is done.")]


@app.command("list")
def list_(server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the latest 50 actions, and how far they are."""
    _commands(server, data_dir, as_json).list()


@app.command()
def stop(
    action_id: Annotated[int, typer.Argument(metavar="ACTION_ID", min=1, help="Id of an action.")],
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Stop an action. What it has done stays: nothing in its first 5 s."""
    _commands(server, data_dir, as_json).stop(action_id)


@app.command()
def retry(
    text: Text = "",
    status: Statuses = None,
    kind: Kinds = None,
    owner: Owner = None,
    since: Since = None,
    until: Until = None,
    dead: Dead = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Queue failed, cancelled and expired jobs again, behind all others."""
    wanted = _filter(text, status, kind, owner, since, until, dead)
    _commands(server, data_dir, as_json).create(BulkCommand.RETRY, wanted, confirmed=yes, wait=not no_wait)


@app.command()
def cancel(
    text: Text = "",
    status: Statuses = None,
    kind: Kinds = None,
    owner: Owner = None,
    since: Since = None,
    until: Until = None,
    dead: Dead = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Cancel jobs that have not ended."""
    wanted = _filter(text, status, kind, owner, since, until, dead)
    _commands(server, data_dir, as_json).create(BulkCommand.CANCEL, wanted, confirmed=yes, wait=not no_wait)


@app.command()
def delete(
    text: Text = "",
    status: Statuses = None,
    kind: Kinds = None,
    owner: Owner = None,
    since: Since = None,
    until: Until = None,
    dead: Dead = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Permanently delete dead jobs."""
    wanted = _filter(text, status, kind, owner, since, until, dead)
    _commands(server, data_dir, as_json).create(BulkCommand.DELETE, wanted, confirmed=yes, wait=not no_wait)


def _filter(
    text: str,
    status: list[Status] | None,
    kind: list[Kind] | None,
    owner: str | None,
    since: datetime | None,
    until: datetime | None,
    dead: bool,
) -> dict[str, Any]:
    """The filter as the API has it."""
    return {
        "q": text,
        "status": status or [],
        "kind": kind or [],
        "owner": owner,
        "since": since and since.replace(tzinfo=UTC).isoformat(),
        "until": until and until.replace(tzinfo=UTC).isoformat(),
        "dead": dead,
    }


def _commands(server: str | None, data_dir: Path | None, as_json: bool) -> ActionCommands:
    from app.cli.client import ApiClient
    from app.cli.environment import read_token, resolve_server
    from app.cli.operator_commands import ActionCommands

    return ActionCommands(ApiClient(resolve_server(server, data_dir), read_token()), as_json)
