"""`haulage reconcile`, which is also the end of `haulage restore`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from app.cli.environment import load_settings
from app.cli.output import print_json, print_message
from app.cli.service_runner import run_with_services
from app.cli.sizes import size_text
from app.exit_codes import ExitCode
from jobs.recovery.reconciliation import Findings, Reconciliation
from jobs.services import Services
from jobs.storage.objects import ObjectInfo

SHOWN = 20
"""Objects, results and files that are listed by name. `--json` has all of them."""
SUSPICIOUS = 10
"""Missing objects from which on it matters whether they are more than half of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found, and what was done about it. `marked`: whether what is missing was marked."""

    findings: Findings
    marked: bool
    deleted: int = 0
    deletion_refused: bool = False
    """Orphans were to be deleted, and are more than half of all objects."""

    def as_json(self) -> dict[str, Any]:
        found = self.findings
        return {
            "checked": found.checked,
            "lostResults": [str(job_id) for job_id in found.results],
            "lostFiles": found.files,
            "marked": self.marked,
            "orphans": [{"key": info.key, "size": info.size} for info in found.orphans],
            "orphansDeleted": self.deleted,
            "unknownFiles": [{"key": info.key, "size": info.size} for info in found.added],
        }


def reconcile(data_dir: Path | None, *, delete_orphans: bool, even_most: bool, mark_lost: bool, as_json: bool) -> None:
    """Compare the database with the store. Raises `typer.Exit` if so much differs that nothing was marked or deleted."""
    report = run_with_services(
        load_settings(data_dir),
        lambda services: reconciled(services, delete_orphans=delete_orphans, even_most=even_most, mark_lost=mark_lost),
    )
    if as_json:
        print_json(report.as_json())
        require_done(report)
    else:
        print_report(report)


async def reconciled(services: Services, *, delete_orphans: bool, even_most: bool, mark_lost: bool) -> Report:
    """Find the differences and mark what is missing. With `delete_orphans`, delete objects without a row.

    If more than half of all objects are missing, the store is probably the wrong one: then nothing is marked, unless
    `mark_lost` says that they are lost. If more than half of the objects have no row, the database is probably the wrong
    one: then they are deleted only with `even_most`.
    """
    reconciliation = Reconciliation(services)
    findings = await reconciliation.find()
    await reconciliation.skip_ids(findings)
    if findings.missing >= SUSPICIOUS and 2 * findings.missing > findings.checked and not mark_lost:
        return Report(findings=findings, marked=False)
    await reconciliation.mark(findings)
    if delete_orphans and 2 * len(findings.orphans) > findings.listed and not even_most:
        return Report(findings=findings, marked=True, deletion_refused=True)
    deleted = await reconciliation.delete_orphans(findings) if delete_orphans else 0
    return Report(findings=findings, marked=True, deleted=deleted)


def print_report(report: Report) -> None:
    """Print what was found. Raises `typer.Exit` if nothing was marked, or what was to be deleted was not."""
    found = report.findings
    print(f"{found.checked:,} results and files were compared with the store: {found.missing:,} are missing there.")
    done = "expired, and are built again by a retry" if report.marked else "not changed"
    _print_part(f"results without object, {done}", list(map(str, found.results)))
    _print_part(
        f"files without object, {'marked as lost' if report.marked else 'not changed'}", list(map(str, found.files))
    )
    kept = "deleted" if report.deleted else "kept; --delete-orphans deletes them"
    _print_part(f"objects without a row, {_size(found.orphans)}, {kept}", [info.key for info in found.orphans])
    _print_part(
        f"added files without a row, {_size(found.added)}, kept: add them again by name, or delete them",
        [info.key for info in found.added],
    )
    require_done(report)


def _print_part(title: str, lines: Sequence[str]) -> None:
    if lines:
        print(f"{len(lines):,} {title}:")
        for line in lines[:SHOWN]:
            print(f"  {line}")
        if len(lines) > SHOWN:
            print("  … --json lists all of them.")


def _size(objects: Sequence[ObjectInfo]) -> str:
    return size_text(sum(info.size for info in objects))


def require_done(report: Report) -> None:
    """Raise `typer.Exit`, after a message that says why, if nothing was marked, or what was to be deleted was not."""
    if not report.marked:
        print_message(
            "haulage: more than half of all objects are missing, so nothing was marked. Check S3_ENDPOINT and"
            " S3_BUCKET_NAME, and run `haulage reconcile`; if they are lost, `haulage reconcile --mark-lost`."
        )
        raise typer.Exit(ExitCode.FAILED)
    if report.deletion_refused:
        found = report.findings
        print_message(
            f"haulage: {len(found.orphans):,} of {found.listed:,} objects have no row. That is more than half, so none was"
            " deleted. Check DATABASE_URL and S3_BUCKET_NAME; if they are right, run `haulage reconcile --delete-orphans"
            " --even-most`."
        )
        raise typer.Exit(ExitCode.FAILED)
