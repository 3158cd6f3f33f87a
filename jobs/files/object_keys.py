"""Object keys of files."""

from __future__ import annotations

FILES_PREFIX = "files/"
"""The prefix of the keys of files that were added to the catalogue, which end in the id."""


def catalogue_key(file_id: int) -> str:
    """The key of a file that was added to the catalogue."""
    return f"{FILES_PREFIX}{file_id}"


def template_key(template: str, file_id: int) -> str:
    """The key of a file that is not in the catalogue; `template` is `S3_KEY_TEMPLATE`."""
    return template.replace("{file_id}", str(file_id))
