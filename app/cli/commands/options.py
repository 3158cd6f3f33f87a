"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
