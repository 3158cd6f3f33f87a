"""ETags in one form."""

from __future__ import annotations


def quoted(etag: str) -> str:
    """The ETag as HTTP writes it, in quotes (RFC 9110, section 8.8.3); some stores leave them out in XML answers.

    HEAD, GET, listings and multipart answers all give this form, so two of them can be compared as strings.
    """
    return etag if etag.startswith(('"', 'W/"')) else f'"{etag}"'
