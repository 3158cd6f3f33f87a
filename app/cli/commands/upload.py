"""`haulage upload`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.commands.options import AsJson, DataDir, Paths, Server
from jobs.files.visibility import Visibility
from jobs.processing.recipes import OnError


def upload(
    paths: Paths,
    visibility: Annotated[
        Visibility | None,
        typer.Option(help="Who may read them: you, the users of groups, or every user. Default: as the server has it."),
    ] = None,
    groups: Annotated[
        str | None, typer.Option(metavar="GROUPS", help="Groups to share them with, comma-separated; implies `shared`.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="auto|none|JSON",
            help='What is made of images, PDFs and videos, as \'{"avif": true, "pages": 10}\'.',
        ),
    ] = None,
    on_processing_error: Annotated[
        OnError | None, typer.Option(help="What becomes of their processing if something can't be made.")
    ] = None,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Upload files to the store through a server, and wait until they are in its catalogue.

    Files in folders keep their relative paths as names. Interrupted uploads are continued by the same command.

    Files that can't be read, or are refused, are reported and skipped.
    """
    from app.cli.client import ApiClient
    from app.cli.environment import read_token, resolve_server
    from app.cli.uploading.upload_command import options, upload

    wanted = options(visibility, groups, recipe, on_processing_error)
    upload(ApiClient(resolve_server(server, data_dir), read_token()), paths, wanted, as_json=as_json)
