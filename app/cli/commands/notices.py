"""`haulage notices`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.commands.options import AsJson, DataDir, Server

if TYPE_CHECKING:
    from app.cli.notice_commands import NoticeCommands

app = typer.Typer(
    help="List and acknowledge notices: what operators should know of, such as dead jobs or a missing worker. Test mail.",
    no_args_is_help=True,
)


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that were acknowledged, or are over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Maximum number of notices, the latest first.")] = 50,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List notices. One that repeats is one line with a count."""
    _commands(server, data_dir, as_json).list(every=every, limit=limit)


@app.command()
def acknowledge(
    notice_ids: Annotated[
        list[int], typer.Argument(metavar="NOTICE_ID", show_default=False, min=1, help="Ids of notices.")
    ],
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Acknowledge notices, so that they are no longer listed as open.

    If it happens again, there is another notice. One that lasts, such as a missing worker, comes back only after it was
    over.
    """
    _commands(server, data_dir, as_json).acknowledge(notice_ids)


@app.command("test-mail")
def send_test_mail(data_dir: DataDir = None) -> None:
    """Send a mail to the addresses of MAIL_TO, by SMTP_URL. Run it where workers and gateways run, which mail notices.

    Exit code 7 if the server is unavailable or refuses the mail, with its reason.
    """
    from app.cli.mail_command import send_test_mail as run

    run(data_dir)


def _commands(server: str | None, data_dir: Path | None, as_json: bool) -> NoticeCommands:
    from app.cli.client import ApiClient
    from app.cli.environment import read_token, resolve_server
    from app.cli.notice_commands import NoticeCommands

    return NoticeCommands(ApiClient(resolve_server(server, data_dir), read_token()), as_json)
