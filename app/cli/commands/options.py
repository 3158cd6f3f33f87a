"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _path(text: str) -> Path:
    """Return a path. An empty one, as of a variable of a shell that is not set, would be the current folder."""
    if not text:
        raise typer.BadParameter("a path is empty")
    return Path(text)


Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH", parser=_path, help="Files, and folders with everything in them.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        file_okay=False,
        help="Data folder of a local stack; overrides environment variables. Default: HAULAGE_DATA_DIR, or .haulage.",
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        envvar="HAULAGE_SERVER",
        metavar="URL",
        help="URL of the server. Default: that of the local stack, or http://127.0.0.1:8080.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
