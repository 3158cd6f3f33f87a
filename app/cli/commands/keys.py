"""`haulage keys`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.commands.options import AsJson, DataDir

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for, such as `backup`.")],
    owner: Annotated[
        str | None,
        typer.Option(metavar="USER", help="Whose key it is. Default: a user called NAME, who is added if new."),
    ] = None,
    scopes: Annotated[
        str, typer.Option(metavar="SCOPES", help="Scopes, comma-separated; `jobs` stands for jobs:read,jobs:write.")
    ] = "jobs,results,files",
    days: Annotated[int, typer.Option(min=0, help="Days until it expires; 0: never.")] = 365,
    plan: Annotated[
        str | None, typer.Option(metavar="PLAN", help="Plan of the key. Default: that of its user.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key and print it. It is shown once: only its SHA-256 is kept."""
    from app.cli.access_commands import create_key

    create_key(name, owner or name, scopes, days, plan, data_dir, as_json=as_json)


@app.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all keys with their owners, scopes, plans and last use, without the keys themselves."""
    from app.cli.access_commands import list_keys

    list_keys(data_dir, as_json=as_json)


@app.command()
def revoke(
    key_ids: Annotated[list[str], typer.Argument(metavar="KEY_ID", help="Ids of keys, as `list` shows them.")],
    data_dir: DataDir = None,
) -> None:
    """Revoke keys at once. Streams that they opened end within three seconds."""
    from app.cli.access_commands import revoke_keys

    revoke_keys(key_ids, data_dir)
