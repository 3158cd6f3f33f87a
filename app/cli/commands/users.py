"""`haulage users`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.access.principals import Role
from app.cli.commands.options import AsJson, DataDir

app = typer.Typer(help="Add, list, sign in and remove users. They have no passwords.", no_args_is_help=True)

User = Annotated[str, typer.Argument(metavar="USER", help="Name of a user.")]
RoleOption = Annotated[
    Role | None,
    typer.Option(help="`user`: own jobs; `support`: sees all; `operator`: acts on all; `admin`: also manages access."),
]


@app.command()
def add(
    user: User,
    role: RoleOption = None,
    groups: Annotated[
        str | None, typer.Option(metavar="GROUPS", help="Groups whose shared files the user reads, comma-separated.")
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option(metavar="PLAN", help="How much the user may do: `user`, `premium`, or one of the setting PLANS."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Add a user, or change the role, groups or plan of one. Lets in a user of a proxy who was purged."""
    from app.cli.access_commands import add_user

    add_user(user, role, groups, plan, data_dir)


@app.command("list")
def list_(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all users with their roles, groups and plans."""
    from app.cli.access_commands import list_users

    list_users(data_dir, as_json=as_json)


@app.command()
def signin(user: User, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Print a link that signs a user in on the web page: valid once, for 15 minutes."""
    from app.cli.access_commands import print_sign_in_link

    print_sign_in_link(user, data_dir, as_json=as_json)


@app.command()
def adopt(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Owner of jobs and files, such as `anonymous`.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="User who gets them.")],
    data_dir: DataDir = None,
) -> None:
    """Give all jobs and files of one owner to another."""
    from app.cli.access_commands import adopt

    adopt(source, target, data_dir)


@app.command()
def purge(user: User, data_dir: DataDir = None) -> None:
    """Remove a user: its keys, sessions, jobs and results. Its files stay in the catalogue, but nobody else sees them.

    Also revokes the tokens of this name that others have issued.
    """
    from app.cli.access_commands import purge_user

    purge_user(user, data_dir)
