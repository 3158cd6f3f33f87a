"""`haulage download`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from app.cli.commands.options import AsJson, DataDir, Server


def download(
    file_ids: Annotated[list[int], typer.Argument(metavar="FILE_ID", help="Ids of files, from `haulage files list`.")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to save: a file; a folder, where the server's name is used; - for standard output.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="ARCHIVE", help="Name of the archive; also packs a single file.")
    ] = None,
    on_missing: Annotated[
        Literal["fail", "skip"], typer.Option(help="Whether the job fails or skips files that are missing.")
    ] = "fail",
    compression: Annotated[
        Literal["store", "deflate"],
        typer.Option(help="Compression of the archive. A single file without --name is not archived."),
    ] = "store",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file or device.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Start a download job, show its progress, then save and verify the result.

    Interrupted transfers are resumed. After Ctrl-C the job keeps running on the server.
    """
    from app.cli.client import ApiClient
    from app.cli.environment import resolve_server
    from app.cli.transfer.destination import Destination
    from app.cli.transfer.download_command import DownloadRequest, download, print_result
    from jobs.bundles.downloads import Compression, OnMissing

    request = DownloadRequest(
        file_ids=file_ids,
        archive_name=name,
        on_missing=OnMissing(on_missing),
        compression=Compression(compression),
    )
    client = ApiClient(resolve_server(server, data_dir))
    print_result(download(client, request, Destination(output, force), quiet=as_json), as_json=as_json)
