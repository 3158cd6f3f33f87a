"""Checks of requests whose caller has a grant. Without one, they allow everything: the caller's own rights decide."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from app.access.guard import principal_of
from app.context import context, reader_of
from app.request_bodies import FileSelection
from jobs.bundles.resolver import Missing, Source


async def granted(request: Request, selection: FileSelection) -> FileSelection:
    """The selection with what the grant prescribes, all of whose files the grant covers. Raises `Forbidden`.

    Resolves the files only for a grant that depends on their keys or sizes.
    """
    grant = principal_of(request).grant
    if grant is None:
        return selection
    selection = grant.applied_to(selection)
    if grant.depends_on_files:
        grant.check_files(await context(request).services.resolver.resolve(selection.requests(), reader_of(request)))
    return selection


def apply_grant(request: Request, selection: FileSelection) -> FileSelection:
    """The selection with what the grant prescribes. Raises `Forbidden` if it names other files."""
    grant = principal_of(request).grant
    return selection if grant is None else grant.applied_to(selection)


def check_granted_ids(request: Request, file_ids: Sequence[int]) -> None:
    """Raises `Forbidden` for files that the grant does not name."""
    grant = principal_of(request).grant
    if grant is not None:
        grant.check_ids(file_ids)


def check_granted_files(request: Request, found: Sequence[Source | Missing]) -> None:
    """Raises `Forbidden` for files whose keys or sizes the grant does not cover."""
    grant = principal_of(request).grant
    if grant is not None:
        grant.check_files(found)
