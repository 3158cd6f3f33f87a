"""`haulage files`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.commands.options import AsJson, DataDir, Paths
from jobs.files.visibility import Visibility

app = typer.Typer(help="Add files to the store and list its catalogue.", no_args_is_help=True)


@app.command()
def add(
    paths: Paths,
    visibility: Annotated[
        Visibility, typer.Option(help="Who may read them, once users exist: every user, those of groups, or the owner.")
    ] = Visibility.PUBLIC,
    groups: Annotated[
        str | None, typer.Option(metavar="GROUPS", help="Groups to share them with, comma-separated; implies `shared`.")
    ] = None,
    owner: Annotated[str | None, typer.Option(metavar="USER", help="Whose files they are. Default: anonymous.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add files to the store and print their ids, names and sizes.

    Files that can't be read are reported and skipped; the exit code is then 1.
    """
    from app.cli.file_commands import FileRights, add_files

    add_files(paths, data_dir, FileRights.of(visibility, groups, owner), as_json=as_json)


@app.command("list")
def list_(
    search: Annotated[
        str | None, typer.Option("--search", "-q", metavar="TEXT", help="Only files whose name contains this.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help='Only PDFs in whose text these words are, or "words side by side".'),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the files in the catalogue by id."""
    from app.cli.file_commands import list_files

    list_files(search, text, data_dir, as_json=as_json)
