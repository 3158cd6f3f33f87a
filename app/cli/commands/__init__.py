"""The commands and their options. Each imports its implementation when it runs, so that `--help` is fast."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.commands import (
    actions,
    apps,
    backup,
    check,
    components,
    dead,
    doctor,
    download,
    files,
    jobs,
    keys,
    notices,
    queues,
    reprocess,
    up,
    upload,
    users,
    webhooks,
    workers,
)
from app.exit_codes import ExitCode

_EPILOG = "**Exit codes:**\n\n" + "\n".join(f"- {code:d} {code.meaning}" for code in ExitCode)

app = typer.Typer(
    name="haulage",
    help="A server for long-running downloads: packs many files in the background into one resumable, verified download.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"haulage {version('haulage')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app.command("up")(up.up)
app.command("serve")(components.serve)
app.command("intake")(components.intake)
app.command("worker")(components.worker)
app.command("migrate")(components.migrate)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("reconcile")(backup.reconcile)
app.add_typer(files.app, name="files")
app.command("download")(download.download)
app.command("upload")(upload.upload)
app.command("reprocess")(reprocess.reprocess)
app.add_typer(jobs.app, name="jobs")
app.add_typer(dead.app, name="dead")
app.add_typer(notices.app, name="notices")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(queues.app, name="queues")
app.add_typer(workers.app, name="workers")
app.add_typer(actions.app, name="actions")
app.add_typer(keys.app, name="keys")
app.add_typer(apps.app, name="apps")
app.add_typer(users.app, name="users")
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
