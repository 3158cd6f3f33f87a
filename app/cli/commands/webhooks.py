"""`haulage webhooks`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.commands.options import AsJson, DataDir, Server

if TYPE_CHECKING:
    from app.cli.webhook_commands import WebhookCommands

app = typer.Typer(
    help="Be told when jobs end, by signed requests to a URL; operators, of notices.", no_args_is_help=True
)

WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK_ID", show_default=False, help="Id of a webhook.")]
_TIMES = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]


@app.command("list")
def list_(server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List webhooks."""
    _commands(server, data_dir, as_json).list()


@app.command()
def create(
    url: Annotated[str, typer.Argument(show_default=False, help="Where messages are sent to.")],
    events: Annotated[
        list[str], typer.Option("--event", metavar="TYPE", help="Type of messages, as job.completed. Default: all.")
    ] = [],  # noqa: B006 - typer copies it
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    operators: Annotated[
        bool, typer.Option("--operators", help="Of notices instead of the own jobs. For operators and admins only.")
    ] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Create a webhook, and print its secret, which is not shown again."""
    _commands(server, data_dir, as_json).create(url, events, description, operators=operators)


@app.command()
def rotate(webhook_id: WebhookId, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Give a webhook a new secret. The one before signs for 24 hours, too."""
    _commands(server, data_dir, as_json).rotate(webhook_id)


@app.command()
def enable(webhook_id: WebhookId, server: Server = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Send messages again to a webhook that was switched off, and what has waited at once."""
    _commands(server, data_dir, as_json).enable(webhook_id)


@app.command("test")
def send_test(webhook_id: WebhookId, server: Server = None, data_dir: DataDir = None) -> None:
    """Send a test message to a webhook."""
    _commands(server, data_dir, as_json=False).test(webhook_id)


@app.command()
def delete(
    webhook_ids: Annotated[
        list[str], typer.Argument(metavar="WEBHOOK_ID", show_default=False, help="Ids of webhooks.")
    ],
    server: Server = None,
    data_dir: DataDir = None,
) -> None:
    """Delete webhooks. What they have not got yet is not sent."""
    _commands(server, data_dir, as_json=False).delete(webhook_ids)


@app.command()
def deliveries(
    webhook_id: WebhookId,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Maximum number of messages, the newest first.")] = 50,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what was sent to a webhook, and what became of it."""
    _commands(server, data_dir, as_json).deliveries(webhook_id, limit)


@app.command()
def replay(
    webhook_id: WebhookId,
    since: Annotated[
        datetime, typer.Option(formats=_TIMES, show_default=False, help="Messages from this time on, UTC by default.")
    ],
    until: Annotated[
        datetime | None, typer.Option(formats=_TIMES, show_default=False, help="Messages before this time; now.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also messages that were delivered.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Send the messages of a time again that were given up."""
    _commands(server, data_dir, as_json).replay(
        webhook_id, _with_zone(since), datetime.now(UTC) if until is None else _with_zone(until), every=every
    )


def _with_zone(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _commands(server: str | None, data_dir: Path | None, as_json: bool) -> WebhookCommands:
    from app.cli.client import ApiClient
    from app.cli.environment import read_token, resolve_server
    from app.cli.webhook_commands import WebhookCommands

    return WebhookCommands(ApiClient(resolve_server(server, data_dir), read_token()), as_json)
