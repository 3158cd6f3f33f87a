"""`haulage doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.commands.options import AsJson


def doctor(
    url: Annotated[str, typer.Argument(metavar="URL", help="URL of the gateway that people open.")],
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also find long time-outs and the keep-alive race: three minutes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the path to a gateway: what proxies on the way break, and what to change.

    Where everybody has to sign in, HAULAGE_TOKEN has to be an API key, or WebSockets and links to results are skipped.
    Prints a line for each check; exit code 1 if something is broken.
    """
    from app.cli.doctor.report import report
    from app.cli.environment import read_token

    report(url, read_token(), thorough=thorough, as_json=as_json)
