"""Finds what an interrupted command has left on the server: uploads that are open, and those that were sent completely."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

from app.cli.client import ApiClient
from app.cli.local_files import LocalFile
from app.schemas import UploadItem
from jobs.files.names import safe_name

_MAX_PAGES = 5
"""Pages without any upload that is searched for, after which the others are assumed to be much older."""


def find_uploads(client: ApiClient, job_ids: Collection[UUID]) -> Iterator[UploadItem]:
    """Yield these of the own uploads, in few requests, unless many others were created after them."""
    unseen, pages_without = set(job_ids), 0
    for page in client.uploads() if unseen else ():
        found = [item for item in page if item.job_id in unseen]
        yield from found
        unseen.difference_update(item.job_id for item in found)
        pages_without = 0 if found else pages_without + 1
        if not unseen or pages_without == _MAX_PAGES:
            return


def match_uploads(
    files: Iterable[LocalFile], uploads: Iterable[UploadItem]
) -> tuple[dict[LocalFile, UploadItem], list[tuple[LocalFile, UploadItem]]]:
    """Return the upload of each file that has one with its name and size, and files with one of another size.

    One that is sent to the intake fits no file: its parts can't be sent to the store.
    Of several the one with the same time of change is chosen, then the newest. Whether it is the same file is not known
    before its parts are compared. One of another size is of an earlier version of the file.
    """
    by_name: dict[str, list[UploadItem]] = defaultdict(list)
    for upload in uploads:  # the newest first
        if not upload.upload.streamed:
            by_name[upload.upload.name].append(upload)
    matches: dict[LocalFile, UploadItem] = {}
    changed: list[tuple[LocalFile, UploadItem]] = []
    for file in files:
        named = by_name.get(safe_name(file.name), [])
        fitting = [one for one in named if one.upload.size == file.size]
        if fitting:
            best = max(fitting, key=lambda one: one.upload.last_modified == file.modified_at)
            named.remove(best)
            matches[file] = best
        elif named:
            changed.append((file, named.pop(0)))
    return matches, changed
