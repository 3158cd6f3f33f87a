"""`haulage backup`, `restore` and `reconcile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.commands.options import AsJson, DataDir

DeleteOrphans = Annotated[
    bool,
    typer.Option("--delete-orphans", help="Delete objects of bundles, uploads and processing that no row has."),
]
EvenMost = Annotated[
    bool,
    typer.Option(
        "--even-most", help="With --delete-orphans: delete them even if they are more than half of all objects."
    ),
]
MarkLost = Annotated[
    bool,
    typer.Option("--mark-lost", help="Mark what is missing as lost, even if it is more than half of everything."),
]


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Back up the database into a new or empty folder: a dump of one moment, and a manifest with its checksum.

    Everything may go on running. Objects are not in it: they stay in the store. It needs pg_dump, of the server's
    version or later.
    """
    from app.cli.backup.backup_command import backup as run

    run(folder, data_dir, as_json=as_json)


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a backup.")],
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Replace the whole schema with Haulage's tables, which must be empty otherwise: also other tables and"
            " extensions in it. Grants to other roles are lost.",
        ),
    ] = False,
    other_bucket: Annotated[
        bool, typer.Option("--other-bucket", help="S3_BUCKET_NAME is another bucket, with a copy of the objects.")
    ] = False,
    delete_orphans: DeleteOrphans = False,
    even_most: EvenMost = False,
    mark_lost: MarkLost = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty database, migrate it to this release, and compare it with the store.

    Stop all gateways, intakes and workers before. The end is that of `haulage reconcile`.
    """
    from app.cli.backup.restore_command import restore as run

    run(
        folder,
        data_dir,
        replace=replace,
        other_bucket=other_bucket,
        delete_orphans=delete_orphans,
        even_most=even_most,
        mark_lost=mark_lost,
        as_json=as_json,
    )


def reconcile(
    delete_orphans: DeleteOrphans = False,
    even_most: EvenMost = False,
    mark_lost: MarkLost = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Compare the database with the store, after a restore by other means.

    Results without an object expire, files without one are marked as lost, and objects without a row are listed. Stop
    all gateways, intakes and workers before.
    """
    from app.cli.backup.reconcile_command import reconcile as run

    run(data_dir, delete_orphans=delete_orphans, even_most=even_most, mark_lost=mark_lost, as_json=as_json)
