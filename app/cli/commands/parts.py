"""`haulage serve`, `worker` and `migrate`: one part of Haulage in this process."""

from __future__ import annotations

from app.cli.commands.options import AsJson, DataDir


def serve(data_dir: DataDir = None) -> None:
    """Run a gateway until it is stopped. HOST and PORT say where it listens."""
    from app.cli import parts

    parts.serve(data_dir)


def worker(data_dir: DataDir = None) -> None:
    """Run a worker until it is stopped."""
    from app.cli import parts

    parts.worker(data_dir)


def migrate(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Bring the database to the schema of this release."""
    from app.cli import parts

    parts.migrate(data_dir, as_json=as_json)
