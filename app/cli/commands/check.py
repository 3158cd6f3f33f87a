"""`haulage check`."""

from __future__ import annotations

from app.cli.commands.options import AsJson, DataDir


def check(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check that database, Redis and store respond, and that a worker is running. Test the virus scanner,
    the mail server and the store's encryption.

    Prints a line for each; exit code 7 if one fails, 2 for settings that a gateway refuses. Also names what is open that
    should not be, such as a bucket that everybody can list, and warns of clocks that differ and issuers without keys.
    """
    from app.cli.dependency_checks import check_all

    check_all(data_dir, as_json=as_json)
