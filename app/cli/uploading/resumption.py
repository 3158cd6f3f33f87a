"""Finds the open uploads that an interrupted command has left, for the files that it was about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from app.cli.local_files import LocalFile
from app.schemas import UploadItem
from jobs.files.names import safe_name


def match_uploads(
    files: Iterable[LocalFile], uploads: Sequence[UploadItem]
) -> tuple[dict[LocalFile, UploadItem], list[tuple[LocalFile, UploadItem]]]:
    """Return the upload of each file that has one with its name and size, and files with one of another size.

    Of several the one with the same time of change is chosen, then the newest. Whether it is the same file is not known
    before its parts are compared. One of another size is of an earlier version of the file.
    """
    by_name: dict[str, list[UploadItem]] = defaultdict(list)
    for upload in uploads:  # the newest first
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
