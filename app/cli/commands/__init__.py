"""The commands and their options. Each imports what it does when it runs, so that `--help` answers at once."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.commands import checks, dead, download, files, jobs, parts, up

_EPILOG = """\
**Exit codes:** 0 done · 1 failed on this side · 2 wrong usage, settings or request · 4 no such job, file or result ·
5 the job's state does not allow it · 6 the result has expired · 7 a server is away, or it or the store failed ·
8 the one-machine stack failed · 130 interrupted
"""

app = typer.Typer(
    name="haulage",
    help="Downloads that take long: gather many files in the background, follow every step, fetch one link.",
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
app.command("serve")(parts.serve)
app.command("worker")(parts.worker)
app.command("migrate")(parts.migrate)
app.add_typer(files.app, name="files")
app.command("download")(download.download)
app.add_typer(jobs.app, name="jobs")
app.add_typer(dead.app, name="dead")
app.command("check")(checks.check)
