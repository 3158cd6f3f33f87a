"""`haulage up`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DIR_HELP = "Folder for data, logs and secrets. Default: HAULAGE_DATA_DIR, or .haulage."


def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway; 0 chooses a free one.")] = 8080,
    data_dir: Annotated[Path | None, typer.Option(metavar="DIR", file_okay=False, help=_DIR_HELP)] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Addresses to listen on. Others than this machine's own need --public."),
    ] = None,
    public: Annotated[
        bool,
        typer.Option("--public", help="Let other machines in: everybody signs in. Prints a link for the first admin."),
    ] = False,
    insecure_open: Annotated[
        bool,
        typer.Option("--insecure-open", help="Let other machines in without signing in: only in a trusted network."),
    ] = False,
    store_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port at which others reach the store. Default: one above --port; 0: a free one."
        ),
    ] = None,
    intake_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port of the intake, for curl -F. Default: two above --port; 0: a free one."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Number of worker processes.")] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="Add demo files to an empty store, and download its files.")
    ] = False,
    exit_after_demo: Annotated[bool, typer.Option("--exit-after-demo", hidden=True)] = False,
) -> None:
    """Run everything on this machine until Ctrl-C: PostgreSQL, Valkey, SeaweedFS, gateway, intake and workers."""
    from app.cli.environment import resolve_data_dir
    from app.cli.local_stack.openness import Openness
    from app.cli.local_stack.up_command import up

    up(
        resolve_data_dir(data_dir),
        port,
        store_port,
        intake_port,
        workers,
        Openness.of(host or [], public=public, insecure_open=insecure_open),
        demo=demo or exit_after_demo,
        exit_after_demo=exit_after_demo,
    )
