"""Who may read files, as options of commands name it."""

from __future__ import annotations

from jobs.errors import InvalidRequest
from jobs.files.visibility import Visibility


def parse_rights(visibility: Visibility | None, groups: str | None) -> tuple[Visibility | None, tuple[str, ...]]:
    """Return the visibility and the names of the groups; groups without a visibility mean `shared`.

    Raises `InvalidRequest` unless groups are named for `shared` files, and for no others.
    """
    names = tuple(groups.replace(",", " ").split()) if groups else ()
    if names and visibility is None:
        visibility = Visibility.SHARED
    if bool(names) != (visibility is Visibility.SHARED):
        raise InvalidRequest("Shared files need --groups, and files that are private or public have none.")
    return visibility, names
