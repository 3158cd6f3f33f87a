"""`haulage files`: put files into the store, list what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.commands.options import AsJson, DataDir

app = typer.Typer(help="Put files into the store, list what is there.", no_args_is_help=True)


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Files, and folders with all that is in them.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put files into the store and print their ids, names and sizes.

    What can't be read is named and left out, and the exit code is 1; the others are in the store.
    """
    from app.cli.files import add_files

    add_files(paths, data_dir, as_json=as_json)


@app.command("list")
def list_(
    search: Annotated[str | None, typer.Option("--search", "-q", metavar="TEXT", help="Only names with this.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the files of the store's catalogue, by id."""
    from app.cli.files import list_files

    list_files(search, data_dir, as_json=as_json)
