"""`haulage reprocess`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from app.cli.commands.options import AsJson, DataDir, Server


def reprocess(
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="Only files of this type, as image/png or 'image/*'; repeatable."),
    ] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Only files of which nothing was made yet.")] = False,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only files added since, in UTC."),
    ] = None,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make thumbnails and other files of the catalogue's files again, as an operator.

    The jobs wait for all others, so new uploads come first.
    """
    from app.cli.client import ApiClient
    from app.cli.environment import read_token, resolve_server
    from app.cli.reprocess_command import reprocess as run

    client = ApiClient(resolve_server(server, data_dir), read_token())
    run(client, types or [], since, missing=missing, as_json=as_json)
