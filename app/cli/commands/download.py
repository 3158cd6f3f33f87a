"""`haulage download`: start a job, show its progress, save and verify what it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.commands.options import AsJson, DataDir, Server


def download(
    file_ids: Annotated[list[int], typer.Argument(metavar="FILE_ID", help="Files, as `haulage files list` has them.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to save; a folder keeps the server's name."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="ARCHIVE", help="Name of the archive; one file gets one, too.")
    ] = None,
    on_missing: Annotated[
        Literal["fail", "skip"], typer.Option(help="What becomes of the job when files are missing.")
    ] = "fail",
    compression: Annotated[
        Literal["store", "deflate"],
        typer.Option(help="How the archive packs its files; one file without --name comes as it is."),
    ] = "store",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file when it exists.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Start a job, show its progress, save and verify what it makes.

    A broken connection is resumed. On Ctrl-C the job goes on.
    """
    from app.cli.client import Api
    from app.cli.environment import server_of
    from app.cli.fetching.downloads import Order, run, tell
    from app.cli.fetching.targets import Target
    from jobs.bundles.downloads import Compression, OnMissing

    order = Order(
        file_ids=file_ids,
        archive_name=name,
        on_missing=OnMissing(on_missing),
        compression=Compression(compression),
    )
    api = Api(server_of(server, data_dir))
    tell(run(api, order, Target(output, force), quiet=as_json), as_json=as_json)
