"""Checks of requests whose caller has a grant. Without one, they allow everything: the caller's own rights decide."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request

from app.access.guard import principal_of
from app.context import context, reader_of
from app.request_bodies import FileSelection
from jobs.bundles.resolver import Missing, Source
from jobs.engine.jobs import FileRequest


async def granted(request: Request, selection: FileSelection) -> FileSelection:
    """The selection with what the grant prescribes, all of whose files the grant covers. Raises `Forbidden`.

    Resolves the files only for a grant that depends on their keys or sizes.
    """
    grant = principal_of(request).grant
    if grant is None:
        return selection
    selection = grant.applied_to(selection)
    if grant.depends_on_files:
        await resolve_granted(request, selection.requests())
    return selection


async def resolve_granted(request: Request, files: Sequence[FileRequest]) -> list[Source | Missing]:
    """The files as the caller may read them. Raises `Forbidden` for files whose keys or sizes a grant does not cover.

    Objects whose keys do not have the grant's prefix are not requested from the store, so that nothing tells about them.
    """
    grant = principal_of(request).grant
    prefix = "" if grant is None or grant.prefix is None else grant.prefix
    found = await context(request).services.resolver.resolve(files, reader_of(request), prefix=prefix)
    if grant is not None:
        grant.check_files(found)
    return found


def apply_grant(request: Request, selection: FileSelection) -> FileSelection:
    """The selection with what the grant prescribes. Raises `Forbidden` if it names other files."""
    grant = principal_of(request).grant
    return selection if grant is None else grant.applied_to(selection)


def check_granted_ids(request: Request, file_ids: Sequence[int]) -> None:
    """Raises `Forbidden` for files that the grant does not name."""
    grant = principal_of(request).grant
    if grant is not None:
        grant.check_ids(file_ids)
