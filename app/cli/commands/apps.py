"""`haulage apps`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.commands.options import AsJson, DataDir

app = typer.Typer(help="Register apps that let their users download by signed grants.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="APP", help="The `iss` of its grants, such as `portal`.")],
    public_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PEM file of a public key that the app has. Default: a new pair of keys."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Register a key with which an app signs grants. A new private key is printed once, and not kept."""
    from app.cli.app_commands import add_app_key

    add_app_key(name, public_key, data_dir, as_json=as_json)


@app.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the keys of all apps."""
    from app.cli.app_commands import list_app_keys

    list_app_keys(data_dir, as_json=as_json)


@app.command()
def revoke(
    key_ids: Annotated[list[str], typer.Argument(metavar="KEY_ID", help="Ids of keys, as `list` shows them.")],
    data_dir: DataDir = None,
) -> None:
    """Revoke keys at once. Grants that they have signed are refused, and streams opened with these end."""
    from app.cli.app_commands import revoke_app_keys

    revoke_app_keys(key_ids, data_dir)
