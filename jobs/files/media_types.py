"""Media types of files."""

from __future__ import annotations

import mimetypes


def media_type(name: str) -> str:
    """The media type for the extension of the name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
