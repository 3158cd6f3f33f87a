"""`haulage conformance`: whether a running server keeps to docs/protocol.md."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.commands.options import AsJson, DataDir, Server


def conformance(
    file_id: Annotated[
        list[int] | None,
        typer.Option("--file-id", help="A file for the jobs; may be repeated. Default: the smallest of the catalogue."),
    ] = None,
    patience: Annotated[float, typer.Option(metavar="SECONDS", min=1, help="How long the jobs may take.")] = 60,
    slow: Annotated[bool, typer.Option("--slow", help="Check what takes half a minute, too.")] = False,
    server: Server = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check a running server against the rules of following jobs, one line each; exit code 1 when one is not kept.

    It starts two small jobs of its own, and removes what they make.
    """
    from app.cli.conformance.checking import check
    from app.cli.environment import server_of

    check(server_of(server, data_dir), file_id or [], patience, slow=slow, as_json=as_json)
