"""`haulage up`: everything on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_DIR_HELP = "Where data, logs and secrets are kept. Default: HAULAGE_DATA_DIR, or .haulage."


def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the gateway listens; 0 takes a free port.")] = 8080,
    data_dir: Annotated[Path | None, typer.Option(metavar="DIR", file_okay=False, help=_DIR_HELP)] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many worker processes.")] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="Put demo files into an empty store, and download what is there.")
    ] = False,
    exit_after_demo: Annotated[bool, typer.Option("--exit-after-demo", hidden=True)] = False,
) -> None:
    """Run everything on this machine until Ctrl-C: PostgreSQL, Valkey, SeaweedFS, gateway and workers."""
    from app.cli.environment import data_dir_of
    from app.cli.machine.course import run

    run(data_dir_of(data_dir), port, workers, demo=demo or exit_after_demo, leave=exit_after_demo)
