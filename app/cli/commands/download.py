"""`haulage download`."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import typer

from app.cli.commands.options import AsJson, DataDir, Server


def download(
    file_ids: Annotated[
        list[int] | None,
        typer.Argument(metavar="FILE_ID", show_default=False, help="Ids of files, from `haulage files list`."),
    ] = None,
    job_id: Annotated[
        UUID | None,
        typer.Option("--job", metavar="JOB_ID", help="Save the result of this job instead of starting one."),
    ] = None,
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
        Literal["fail", "skip"] | None,
        typer.Option(help="Whether the job fails or skips files that are missing. Default: fail."),
    ] = None,
    compression: Annotated[
        Literal["store", "deflate"] | None,
        typer.Option(help="Compression of the archive. A single file without --name is not archived. Default: store."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file or device.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Start a download job, show its progress, then save and verify the result.

    With --job, save the result of a job that was started before; one that still runs is followed first.

    Interrupted transfers are resumed. After Ctrl-C the job keeps running on the server.
    """
    if bool(file_ids) == (job_id is not None):
        raise typer.BadParameter("give either FILE_IDs or --job JOB_ID")
    if job_id is not None and (name, on_missing, compression) != (None, None, None):
        raise typer.BadParameter("--name, --on-missing and --compression are for new jobs, not for --job")
    from app.cli.client import ApiClient
    from app.cli.environment import read_token, resolve_server
    from app.cli.transfer.destination import Destination
    from app.cli.transfer.download_command import DownloadRequest, download, print_result
    from jobs.bundles.downloads import Compression, OnMissing

    request = DownloadRequest(
        file_ids=file_ids or [],
        archive_name=name,
        on_missing=OnMissing(on_missing or "fail"),
        compression=Compression(compression or "store"),
    )
    client = ApiClient(resolve_server(server, data_dir), read_token())
    print_result(download(client, job_id or request, Destination(output, force), quiet=as_json), as_json=as_json)
