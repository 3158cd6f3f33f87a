"""`haulage check`: every dependency, one line each."""

from __future__ import annotations

from app.cli.commands.options import AsJson, DataDir


def check(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Ask every dependency whether it is there; exit code 7 when one is not."""
    from app.cli.checks import check_all

    check_all(data_dir, as_json=as_json)
